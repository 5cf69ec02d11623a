"""Which device to compute on, and in which precision."""

from __future__ import annotations

import torch

from anystar.config import ConfigError

__all__ = ["device_or_error", "fast_bfloat16"]


def device_or_error(name: str) -> torch.device:
    """Return the device called ``auto``, ``cpu``, ``cuda`` or ``mps``, or raise ``ConfigError``."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("device cuda is not available here; use --device cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device mps is not available here; use --device cpu")
    if name.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"device must be auto, cpu, cuda or mps, got '{name}'")
    return torch.device(name)


def fast_bfloat16(device: torch.device) -> bool:
    """Return whether ``device`` multiplies bfloat16 matrices natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
