"""Which of a file's named axes are Z, Y, X, and what to say if they do not make a volume."""

from __future__ import annotations

from typing import NamedTuple

from anystar.errors import FileError

__all__ = ["Pick", "pick_volume"]

_NAMES = {"T": "time", "C": "channel", "S": "colour", "Q": "unnamed", "I": "unnamed"}


class Pick(NamedTuple):
    """How a volume is taken out of an array."""

    kept: str
    """The order of the axes after indexing, a permutation of ``"ZYX"``."""
    place: tuple[int | slice, ...]
    """An int or a full slice per axis of the file."""
    num_channels: int
    """How many channels (or colours) there are."""
    num_times: int
    """How many time points there are."""


def pick_volume(axes: str, shape: tuple[int, ...], channel: int | None, time: int | None = None) -> Pick:
    """Return what takes a 3D volume out of an array.

    Nothing is guessed from lengths. One unnamed axis of pages beside Y and X is the stack's Z, which is all
    that a plain multi-page TIFF can say.

    Parameters
    ----------
    axes : str
        One letter per axis as tifffile names them: ``Z Y X``, ``C`` channel, ``S`` colour sample, ``T`` time,
        ``I`` or ``Q`` unnamed. Axes of length 1 other than Z, Y, X are dropped.
    shape : tuple of int
        Their lengths.
    channel, time : int or None
        Which channel and time point to take, counted from 0.

    Returns
    -------
    Pick

    Raises
    ------
    FileError
        With ``<what>; <what to do>``.

    Examples
    --------
    >>> pick = pick_volume("ZCYX", (30, 2, 64, 64), 1)
    >>> pick.kept, pick.place[1], pick.num_channels
    ('ZYX', 1, 2)
    """
    sizes = {a: n for a, n in zip(axes, shape, strict=True) if n > 1 or a in "ZYX"}
    if len(sizes) < sum(n > 1 or a in "ZYX" for a, n in zip(axes, shape, strict=True)):
        raise FileError(
            f"has {len(shape)} axes without names {shape}; save it as one Z, Y, X stack, or with names "
            '(tifffile: imagej=True, metadata={"axes": "TZYX"})'
        )
    unnamed = [i for i, (a, n) in enumerate(zip(axes, shape, strict=True)) if a in "QI" and n > 1]
    if "Z" not in sizes and len(unnamed) == 1:
        at = unnamed[0]
        sizes["Z"] = sizes.pop(axes[at])
        axes = f"{axes[:at]}Z{axes[at + 1 :]}"
    _refuse_other_axes(sizes)
    colour = next((a for a in "CS" if a in sizes), None)
    num_channels, num_times = sizes.get(colour or "", 1), sizes.get("T", 1)
    kind = "colour (RGB) channel" if colour == "S" else "channel"
    channel = _one_of(channel, num_channels, kind, "--channel")
    time = _one_of(time, num_times, "time point", "--time")
    kept = "".join(a for a in axes if a in "ZYX")
    chosen = {colour: channel, "T": time}
    index = tuple(slice(None) if a in "ZYX" else chosen.get(a, 0) for a in axes)
    return Pick(kept, index, num_channels, num_times)


def _one_of(wanted: int | None, count: int, kind: str, option: str) -> int:
    """Return the number of the channel or time point, or say which there are."""
    if wanted is None and count > 1:
        raise FileError(f"has {count} {kind}s; choose one with {option} 0 to {option} {count - 1}")
    if wanted is not None and not 0 <= wanted < count:
        short = kind.removeprefix("colour (RGB) ")
        has = f"{short}s 0 to {count - 1}" if count > 1 else f"one {short}, number 0"
        raise FileError(f"has {has}, not {short} {wanted}; choose another {option}")
    return wanted or 0


def _refuse_other_axes(sizes: dict[str, int]) -> None:
    """Raise unless what remains is Z, Y, X, time and at most one of channel and colour."""
    found = ", ".join(f"{_NAMES.get(a, a)} {n}" for a, n in sizes.items())
    if "T" in sizes and "Z" not in sizes:
        raise FileError(
            f"is a time series of 2D images ({found}) without a Z axis; "
            "if time is really Z, say so in Fiji under Image > Properties and save again"
        )
    if not {"Z", "Y", "X"} <= set(sizes):
        kind = "2D colour (RGB)" if "S" in sizes else "2D multi-channel" if "C" in sizes else "2D"
        raise FileError(f"is a {kind} image ({found}) without a Z axis; give a 3D stack")
    if extra := set(sizes) - set("TZYXCS"):
        raise FileError(f"has the axes {found}; save it without {', '.join(sorted(extra))}")
    if {"C", "S"} <= set(sizes):
        raise FileError(
            f"has both channels and colours ({found}); save the channel to segment as a grey stack"
        )
