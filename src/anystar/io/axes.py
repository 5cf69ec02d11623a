"""Which of a file's named axes are Z, Y, X, and what to say if they do not make a volume."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from anystar.errors import FileError

__all__ = ["Pick", "channel_number", "clean_names", "column_names", "pick_volume", "refuse_number"]

_NAMES = {"T": "time", "C": "channel", "S": "colour", "Q": "unnamed", "I": "unnamed"}
_LISTED = 12
"""Most names of channels in a message."""


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
    channel: int | None
    """The channel that was chosen, if any."""


def pick_volume(
    axes: str,
    shape: tuple[int, ...],
    channel: int | str | None,
    time: int | None = None,
    names: tuple[str, ...] = (),
) -> Pick:
    """Return what takes a 3D volume out of an array.

    Nothing is guessed from lengths. One unnamed axis of pages beside Y and X is the stack's Z, which is all
    that a plain multi-page TIFF can say.

    Parameters
    ----------
    axes, shape
        A letter per axis as tifffile names them: ``Z Y X``, ``C`` channel, ``S`` colour sample, ``T`` time,
        ``I`` or ``Q`` unnamed; and its length. Axes of length 1 other than Z, Y, X are dropped.
    channel, time
        Which channel to take, by its number from 0 or its name, and which time point, counted from 0.
    names : tuple of str
        Of the channels, where the file has them.

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
    used = [(a, n) for a, n in zip(axes, shape, strict=True) if n > 1 or a in "ZYX"]
    sizes = dict(used)
    if len(sizes) < len(used):
        raise FileError(
            f"has {len(shape)} axes, {axes}, of which some have no name of their own, shape {shape}; "
            "say which is which in axes=, TZYX for example"
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
    wanted = channel_number(channel, names if len(names) == num_channels else (), num_channels)
    number = _one_of(wanted, num_channels, kind, "channel", names)
    time = _one_of(time, num_times, "time point", "time")
    kept = "".join(a for a in axes if a in "ZYX")
    chosen = {colour: number, "T": time}
    index = tuple(slice(None) if a in "ZYX" else chosen.get(a, 0) for a in axes)
    return Pick(kept, index, num_channels, num_times, wanted)


def clean_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of channels on one line each, empty for a channel without; nothing if none has a name.

    Examples
    --------
    >>> clean_names(["DAPI ", None, "GFP"]), clean_names(["", ""])
    (('DAPI', '', 'GFP'), ())
    """
    cleaned = tuple(" ".join(str(name or "").split()) for name in names)
    return cleaned if any(cleaned) else ()


def column_names(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return what columns of a table are named after for each channel: its name, or ``c`` and its number.

    Names consist of letters, digits and underscores, so that a condition can contain them, and differ.

    Examples
    --------
    >>> column_names(("DAPI", "Alexa 647", "dapi", ""), 4), column_names((), 2)
    (('c0', 'Alexa_647', 'c2', 'c3'), ('c0', 'c1'))
    """
    names = names if len(names) == count else ("",) * count
    plain = [re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") for name in names]
    lower = [name.lower() for name in plain]
    usable = [name != "" and lower.count(name) == 1 and not re.fullmatch(r"c\d+", name) for name in lower]
    return tuple(name if use else f"c{i}" for i, (name, use) in enumerate(zip(plain, usable, strict=True)))


def channel_number(channel: int | str | None, names: tuple[str, ...], count: int) -> int | None:
    """Return the number of a channel that is given by its number or its name.

    Upper and lower case only count if names differ in nothing else.

    Raises
    ------
    FileError
        If no channel, or more than one, has the name.

    Examples
    --------
    >>> channel_number("dapi", ("GFP", "DAPI"), 2), channel_number("1", (), 2)
    (1, 1)
    """
    if not isinstance(channel, str):
        return channel
    exact = [i for i, name in enumerate(names) if name == channel]
    found = exact or [i for i, name in enumerate(names) if name.casefold() == channel.strip().casefold()]
    if len(found) == 1:
        return found[0]
    if not found and channel.strip().isdecimal():
        return int(channel)
    if found:
        raise FileError(
            f"has {len(found)} channels named {channel}; choose one by its number, {_listed(names)}"
        )
    if names:
        known = f"{_listed(names)}; choose one of these"
    elif count > 1:
        known = f"{count} without names; choose one by number"
    else:
        known = "one channel without a name; leave the channel out"
    raise FileError(f"has no channel named {channel} but {known}")


def _listed(names: tuple[str, ...]) -> str:
    """Return numbers and names: ``0 (DAPI), 1 (GFP)``."""
    text = ", ".join(f"{i} ({name})" if name else str(i) for i, name in enumerate(names[:_LISTED]))
    return f"{text}, ..." if len(names) > _LISTED else text


def _one_of(wanted: int | None, count: int, kind: str, argument: str, names: tuple[str, ...] = ()) -> int:
    """Return the number of the channel or time point, or say which there are."""
    listed = f": {_listed(names)}" if len(names) == count > 1 else ""
    if wanted is None and count > 1:
        by_name = f", or by name: {argument}={shlex.quote(next(filter(None, names)))}" if listed else ""
        raise FileError(
            f"has {count} {kind}s{listed}; choose one with {argument}=0 to {argument}={count - 1}{by_name}"
        )
    if wanted is not None:
        refuse_number(wanted, count, kind.removeprefix("colour (RGB) "), argument, listed)
    return wanted or 0


def refuse_number(wanted: int, count: int, kind: str, argument: str, listed: str = "") -> None:
    """Raise ``FileError`` if the number of a channel, time point, level or image is not below ``count``."""
    if not 0 <= wanted < count:
        has = f"{kind}s 0 to {count - 1}{listed}" if count > 1 else f"one {kind}, number 0"
        raise FileError(f"has {has}, not {kind} {wanted}; choose another {argument}=")


def _refuse_other_axes(sizes: dict[str, int]) -> None:
    """Raise unless what remains is Z, Y, X, time and at most one of channel and colour."""
    found, letters = ", ".join(f"{_NAMES.get(a, a)} {n}" for a, n in sizes.items()), "".join(sizes)
    if "T" in sizes and "Z" not in sizes:
        raise FileError(
            f"is a time series of 2D images ({found}) without a Z axis; "
            f"if time is really Z, give axes={letters.replace('T', 'Z')}"
        )
    if not {"Z", "Y", "X"} <= set(sizes):
        kind = "2D colour (RGB)" if "S" in sizes else "2D multi-channel" if "C" in sizes else "2D"
        hint = f"if the channels are really Z, give axes={letters.replace('C', 'Z')}" if "C" in sizes else ""
        raise FileError(f"is a {kind} image ({found}) without a Z axis; {hint or 'give a 3D stack'}")
    if set(sizes) - set("TZYXCS"):
        free = iter(a for a in "TC" if a not in sizes)
        example = "".join(a if a in "TZYXCS" else next(free, "?") for a in sizes)
        raise FileError(
            f"has the axes {found}; name each of them in axes=, {example} for example, or save one volume"
        )
    if {"C", "S"} <= set(sizes):
        raise FileError(
            f"has both channels and colours ({found}); save the channel to segment as a grey stack"
        )
