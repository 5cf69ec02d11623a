"""Where a model was trained: which code, on what machine."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import torch

from anystar.runtime.cores import num_cores

__all__ = ["commit", "describe_device"]


def commit() -> str | None:
    """Return the commit of the code, with ``+`` if files differ from it; none outside of a checkout."""
    package = Path(__file__).parents[1]

    def git(*words: str) -> str:
        command = ["git", "-C", str(package), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)  # installed into someone else's repository: not there
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", ".") else "")
    except (OSError, subprocess.SubprocessError):  # no git, or no checkout
        return None


def describe_device(device: torch.device, processes: int = 1) -> str:
    """Return a device's name as people know it."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        cores = num_cores()
        name = f"{_processor()}, {cores} core{'s' if cores > 1 else ''}"
    else:
        name = device.type
    return name if processes == 1 else f"{processes} x {name}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
