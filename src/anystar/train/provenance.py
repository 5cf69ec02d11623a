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
    here = Path(__file__).parent
    try:
        head, _ = [
            subprocess.run(
                ["git", "-C", str(here), *words], capture_output=True, text=True, check=True, timeout=10
            )
            for words in (["rev-parse", "--short=12", "HEAD"], ["ls-files", "--error-unmatch", __file__])
        ]
        changed = subprocess.run(
            ["git", "-C", str(here.parent), "status", "--porcelain", "."],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or installed into someone else's repository
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


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
