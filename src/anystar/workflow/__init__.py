"""From files to files: what the command line does, for Python and for plugins."""

from anystar.workflow.file_result import FileResult
from anystar.workflow.options import SegmentOptions
from anystar.workflow.outputs import Outputs
from anystar.workflow.segment import segment_file

__all__ = ["FileResult", "Outputs", "SegmentOptions", "segment_file"]
