"""Files on the disk to :class:`anystar.arrays.Volume` and back: TIFF, OME-TIFF, ImageJ, NIfTI, NumPy.

Only this package turns axes round: inside, arrays are ZYX and spacing is in micrometres.
"""

from anystar.io.errors import FileError
from anystar.io.files import SUFFIXES, file_stem, file_suffix, list_volumes, read, write

__all__ = ["SUFFIXES", "FileError", "file_stem", "file_suffix", "list_volumes", "read", "write"]
