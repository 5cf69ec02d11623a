"""Files on the disk to :class:`anystar.arrays.Volume` and back: TIFF, NIfTI, NRRD, HDF5, OME-Zarr, NumPy.

Only this package turns axes round: inside, arrays are ZYX and spacing is in micrometres.
"""

from anystar.errors import FileError
from anystar.io.address import SUFFIXES, file_stem, file_suffix
from anystar.io.files import read, read_labels, shared_axes, write, write_part
from anystar.io.lazy import LazyImage, open_image
from anystar.io.planes import list_volumes
from anystar.io.rois import write_rois
from anystar.io.series import Series, open_series

# anystar.io.label_store.LabelStore is not named here: it brings zarr along, half a second.
__all__ = [
    "SUFFIXES",
    "FileError",
    "LazyImage",
    "Series",
    "file_stem",
    "file_suffix",
    "list_volumes",
    "open_image",
    "open_series",
    "read",
    "read_labels",
    "shared_axes",
    "write",
    "write_part",
    "write_rois",
]
