"""A segmentation that is corrected by hand: edits with undo, saved as they are made, learnt from."""

from anystar.correction.corrections import Corrections, NothingFound
from anystar.correction.editable import Change, EditableLabels
from anystar.correction.journal import ImageKey, Journal, Unsaved, find_unsaved, recover
from anystar.correction.proposals import Proposals, run_around
from anystar.correction.rows import PROVENANCE, Row

__all__ = [
    "PROVENANCE",
    "Change",
    "Corrections",
    "EditableLabels",
    "ImageKey",
    "Journal",
    "NothingFound",
    "Proposals",
    "Row",
    "Unsaved",
    "find_unsaved",
    "recover",
    "run_around",
]
