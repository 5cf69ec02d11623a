"""Names of the channels of a stack of ImageJ, from the labels that it gives the planes."""

from __future__ import annotations

import re
from typing import Any

from anystar.io.axes import clean_names

__all__ = ["imagej_channels"]

_PLACE = re.compile(r"^(?:[cztCZT]:\d+(?:/\d+)?\s*)+(?:-\s*)?")
"""What Bio-Formats puts in front of a plane's label: ``c:1/3 z:5/20 - ``."""


def imagej_channels(metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return what the labels of all planes of a channel have in common, channels being the fastest axis.

    Empty for a channel without; nothing if none has a name.
    """
    labels, count = metadata.get("Labels"), metadata.get("channels", 1)
    if not isinstance(labels, list) or not isinstance(count, int) or count < 2 or len(labels) < count:
        return ()
    plain = [_PLACE.sub("", str(label)).strip() for label in labels]
    of_channel = [{label for label in plain[channel::count] if label} for channel in range(count)]
    return clean_names([names.pop() if len(names) == 1 else "" for names in of_channel])
