"""The software and the machine that a run uses, for bug reports."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from anystar._version import __version__

__all__ = ["describe_system"]

_PACKAGES = (
    "torch",
    "numpy",
    "numba",
    "scipy",
    "scikit-image",
    "zarr",
    "tifffile",
    "nibabel",
    "pynrrd",
    "h5py",
    "pyarrow",
    "dask",
    "napari",
)
_VARIABLES = ("ANYSTAR_", "OMP_", "MKL_", "NUMBA_", "CUDA_VISIBLE_DEVICES")


def describe_system() -> dict[str, str]:
    """Return what a bug report needs, by name: versions, processor, memory, graphics cards, settings.

    Examples
    --------
    >>> list(describe_system())
    ['anystar', 'python', 'system', 'processor', 'memory', 'devices', 'packages', 'settings']
    """
    settings = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(_VARIABLES)]
    return {
        "anystar": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": platform.platform(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "memory": _memory(),
        "devices": _devices(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "settings": ", ".join(sorted(settings)) or "none",
    }


def _version(package: str) -> str:
    try:
        return torch.__version__ if package == "torch" else version(package)  # the build, too: +cpu, +cu130
    except PackageNotFoundError:
        return "not installed"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return "unknown"
    return f"{total / 1e9:.1f} GB"


def _devices() -> str:
    found = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return ", ".join(["cpu", *found])
