"""How a file is segmented, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anystar.blocks.options import BlockOptions
from anystar.errors import InputError
from anystar.objects.filter_options import FilterOptions

__all__ = ["SegmentOptions"]


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(BlockOptions):
    """What to segment, what to look for, which objects to keep, and whether to work in blocks.

    ``diameter`` is in micrometres, or in voxels of the finest axis if these are unknown.
    """

    spacing: tuple[float, float, float] | None = None
    """Micrometres per voxel along Z, Y, X, instead of what the file says."""
    channel: int | str | None = None
    """Which channel of an image that has several: its number from 0, or its name."""
    time: int | Literal["all"] | None = None
    """Which time point of an image that has several, from 0. ``"all"``, as for ``channel``, is for batches:
    each becomes an image of its own."""
    level: int = 0
    """Level of the image's pyramid; 0 is the finest."""
    series: int | None = None
    """Which image of a file that holds several, from 0."""
    axes: str | None = None
    """Letters of the file's axes, slowest first (``ZYX``), if it names others or none."""
    box: str | None = None
    """Only a part, ``Z0:Z1,Y0:Y1,X0:X1`` in voxels or with a unit, see :meth:`anystar.Box.of`."""
    crop: bool = False
    """Whether the labels cover the box only, instead of the whole image."""
    model: str | None = None
    """Name of a bundled model or path of a model file; the default model if left out."""
    device: str = "auto"
    """Where the network runs: ``auto``, ``cpu``, ``cuda`` or ``mps``."""
    diameter_unit: Literal["um", "voxels"] | None = None
    """Unit that the diameter must be meant in, if it comes from a file of thresholds."""
    filters: FilterOptions = FilterOptions()
    """Which objects are kept."""
    mask: Path | None = None
    """Image that is not 0 where objects may be."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop and self.box is None:
            raise InputError("crop belongs to box; give both, or neither")
        if self.box is not None and self.blocks_because:
            raise InputError(
                f"box is segmented at once, not in blocks; leave {self.blocks_because} out, or the box"
            )

    @property
    def blocks_because(self) -> str:
        """The option that means blocks, or nothing."""
        return next((name for name in ("memory", "dask", "resume") if getattr(self, name)), "")
