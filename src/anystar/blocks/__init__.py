"""Volumes larger than memory, block by block, on one machine or many: the same result as at once."""

from anystar.blocks.run import Extras, Finished, Outcome, segment_blocks

__all__ = ["Extras", "Finished", "Outcome", "segment_blocks"]
