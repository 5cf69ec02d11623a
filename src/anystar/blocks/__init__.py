"""Volumes larger than memory, block by block, on one machine or many: the same result as at once."""

from anystar.blocks.run import Extras, Outcome, segment_blocks

__all__ = ["Extras", "Outcome", "segment_blocks"]
