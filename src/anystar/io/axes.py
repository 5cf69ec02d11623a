"""Which of a file's named axes are Z, Y, X, and what to say if they do not make a volume."""

from __future__ import annotations

from anystar.io.errors import FileError

__all__ = ["pick_volume"]

_NAMES = {"T": "time", "C": "channel", "S": "colour", "Q": "unnamed", "I": "unnamed"}


def pick_volume(
    axes: str, shape: tuple[int, ...], channel: int | None
) -> tuple[str, tuple[int | slice, ...]]:
    """Return the axes that stay and the index that takes a 3D volume out of an array.

    Nothing is guessed from lengths. One unnamed axis of pages beside Y and X is the stack's Z, which is all
    that a plain multi-page TIFF can say.

    Parameters
    ----------
    axes : str
        One letter per axis as tifffile names them: ``Z Y X``, ``C`` channel, ``S`` colour sample, ``T`` time,
        ``I`` or ``Q`` unnamed. Axes of length 1 other than Z, Y, X are dropped.
    shape : tuple of int
        Their lengths.
    channel : int or None
        Which channel to take, counted from 0.

    Returns
    -------
    kept : str
        A permutation of ``"ZYX"``: the order of the axes after indexing.
    index : tuple
        An int or a full slice per axis of the file.

    Raises
    ------
    FileError
        With ``<what>; <what to do>``.

    Examples
    --------
    >>> pick_volume("ZCYX", (30, 2, 64, 64), 1)
    ('ZYX', (slice(None, None, None), 1, slice(None, None, None), slice(None, None, None)))
    """
    sizes = {a: n for a, n in zip(axes, shape, strict=True) if n > 1 or a in "ZYX"}
    if len(sizes) < sum(n > 1 or a in "ZYX" for a, n in zip(axes, shape, strict=True)):
        raise FileError(f"has {len(shape)} axes without names {shape}; save it as one Z, Y, X stack")
    unnamed = [a for a in sizes if a in "QI"]
    if "Z" not in sizes and len(unnamed) == 1:
        axes = axes.replace(unnamed[0], "Z")
        sizes["Z"] = sizes.pop(unnamed[0])
    _refuse_other_axes(sizes)
    colour = next((a for a in "CS" if a in sizes), None)
    count = sizes[colour] if colour else 1
    if colour and channel is None:
        kind = "channels" if colour == "C" else "colour (RGB) channels"
        raise FileError(f"has {count} {kind}; choose one with --channel 0 to --channel {count - 1}")
    if channel is not None and not 0 <= channel < count:
        has = f"channels 0 to {count - 1}" if count > 1 else "one channel, number 0"
        raise FileError(f"has {has}, not channel {channel}; choose another --channel")
    kept = "".join(a for a in axes if a in "ZYX")
    index: tuple[int | slice, ...] = tuple(
        slice(None) if a in "ZYX" else (channel or 0) if a == colour else 0 for a in axes
    )
    return kept, index


def _refuse_other_axes(sizes: dict[str, int]) -> None:
    """Raise unless what remains is Z, Y, X and at most one of channel and colour."""
    found = ", ".join(f"{_NAMES.get(a, a)} {n}" for a, n in sizes.items())
    if "T" in sizes and "Z" in sizes:
        raise FileError(
            f"is a time series of {sizes['T']} volumes ({found}); "
            "save the time point to segment as a file of its own"
        )
    if "T" in sizes:
        raise FileError(
            f"is a time series of 2D images ({found}) without a Z axis; "
            "if time is really Z, say so in Fiji under Image > Properties and save again"
        )
    if not {"Z", "Y", "X"} <= set(sizes):
        kind = "2D colour (RGB)" if "S" in sizes else "2D multi-channel" if "C" in sizes else "2D"
        raise FileError(f"is a {kind} image ({found}) without a Z axis; give a 3D stack")
    if extra := set(sizes) - set("ZYXCS"):
        raise FileError(f"has the axes {found}; save it without {', '.join(sorted(extra))}")
    if {"C", "S"} <= set(sizes):
        raise FileError(
            f"has both channels and colours ({found}); save the channel to segment as a grey stack"
        )
