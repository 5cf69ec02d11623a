"""Synthetic datasets on the disk: pairs of images and labels, and how each was made."""

from anystar.dataset.pool import DatasetConfig
from anystar.dataset.writer import DatasetSize, write_dataset

__all__ = ["DatasetConfig", "DatasetSize", "write_dataset"]
