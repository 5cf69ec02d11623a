"""Volumes larger than memory, block by block, on one machine or many: the same result as at once."""

from anystar.blocks.options import RunOptions, Selection
from anystar.blocks.outputs import BlockOutputs
from anystar.blocks.run import Outcome, segment_blocks

__all__ = ["BlockOutputs", "Outcome", "RunOptions", "Selection", "segment_blocks"]
