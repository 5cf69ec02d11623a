"""How many voxels each object of one label image shares with each object of another, sparsely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from anystar.errors import InputError
from anystar.objects.labels import as_labels
from anystar.runtime.compiled import kernel

__all__ = ["Overlap", "overlap", "overlap_of_blocks"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlap:
    """The objects of two label images and the pairs of them that share voxels.

    Memory grows with the number of objects and touching pairs, not with the highest label.
    """

    true_labels: np.ndarray
    "(T,) labels of the true objects, ascending, without 0."
    pred_labels: np.ndarray
    "(P,) labels of the predicted objects, ascending, without 0."
    true_volume: np.ndarray
    "(T,) int64, voxels of each true object."
    pred_volume: np.ndarray
    "(P,) int64, voxels of each predicted object."
    true_index: np.ndarray
    "(K,) int64, for each sharing pair the position of its true object."
    pred_index: np.ndarray
    "(K,) int64, and of its predicted object."
    shared: np.ndarray
    "(K,) int64, voxels in common, at least 1."

    @property
    def iou(self) -> np.ndarray:
        """(K,) float64, intersection over union of each pair, in (0, 1]."""
        union = self.true_volume[self.true_index] + self.pred_volume[self.pred_index] - self.shared
        return self.shared / union


def overlap(ground_truth: np.ndarray, pred: np.ndarray) -> Overlap:
    """Count the shared voxels of every pair of objects.

    Parameters
    ----------
    ground_truth, pred : numpy.ndarray
        Label images of one shape, any integer type, 0 is background.

    Raises
    ------
    ValueError
        If the shapes differ or the values are not labels.

    Examples
    --------
    >>> pairs = overlap(np.array([[[1, 1, 0, 7]]]), np.array([[[0, 3, 3, 7]]]))
    >>> pairs.true_labels.tolist(), pairs.pred_labels.tolist(), pairs.shared.tolist()
    ([1, 7], [3, 7], [1, 1])
    """
    return overlap_of_blocks([(ground_truth, pred)])


def overlap_of_blocks(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> Overlap:
    """Count the shared voxels of every pair of objects of two images that are never held as a whole.

    Parameters
    ----------
    blocks : iterable of pairs of numpy.ndarray
        Ground truth and prediction, of one shape each, block by block in any order. Every voxel of the images
        is in exactly one block; an object may reach over several.

    Raises
    ------
    ValueError
        If the shapes of a pair differ or the values are not labels.

    Examples
    --------
    >>> ground_truth, pred = np.array([[[1, 1, 0, 7]]]), np.array([[[0, 3, 3, 7]]])
    >>> halves = overlap_of_blocks((ground_truth[..., a : a + 2], pred[..., a : a + 2]) for a in (0, 2))
    >>> halves.shared.tolist(), halves.true_volume.tolist()
    ([1, 1], [2, 1])
    """
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    num, most = 0, 1 << 20
    for ground_truth, pred in blocks:
        ground_truth, pred = as_labels(ground_truth), as_labels(pred)
        if ground_truth.shape != pred.shape:
            raise InputError(
                f"ground truth and prediction differ in shape: {ground_truth.shape} and {pred.shape}"
            )
        rows.append(
            _joint_histogram(
                np.ascontiguousarray(ground_truth).reshape(-1), np.ascontiguousarray(pred).reshape(-1)
            )
        )
        num += len(rows[-1][0])
        if num > most:  # memory grows with the number of pairs, not of blocks
            rows = [_added(rows)]
            num = len(rows[0][0])
            most = max(most, 2 * num)
    true_of, pred_of, count = _added(rows)
    true_labels, true_volume = _sum_by_label(true_of, count)
    pred_labels, pred_volume = _sum_by_label(pred_of, count)
    both = (true_of > 0) & (pred_of > 0)
    return Overlap(
        true_labels=true_labels,
        pred_labels=pred_labels,
        true_volume=true_volume,
        pred_volume=pred_volume,
        true_index=np.searchsorted(true_labels, true_of[both]),
        pred_index=np.searchsorted(pred_labels, pred_of[both]),
        shared=count[both],
    )


def _added(
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every distinct pair of labels once, sorted, with its number of voxels."""
    empty = np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    true_of, pred_of, count = (np.concatenate(column) for column in zip(empty, *rows, strict=True))
    order = np.lexsort((pred_of, true_of))
    true_of, pred_of, count = true_of[order], pred_of[order], count[order]
    new = np.ones(len(order), bool)
    new[1:] = (true_of[1:] != true_of[:-1]) | (pred_of[1:] != pred_of[:-1])
    starts = np.flatnonzero(new)
    return true_of[starts], pred_of[starts], np.add.reduceat(count, starts) if len(starts) else count


def _sum_by_label(label: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct labels without 0, ascending, and the voxels of each."""
    labels, inverse = np.unique(label, return_inverse=True)
    volume = np.zeros(len(labels), np.int64)
    np.add.at(volume, inverse, count)
    return labels[labels > 0], volume[labels > 0]


@kernel()
def _joint_histogram(a, b):  # pragma: no cover - compiled
    """Count each distinct pair ``(a[i], b[i])`` in an open-addressing table that doubles when half full.

    Neighbouring voxels mostly agree, so only the end of a run of equal pairs touches the table.
    """
    capacity = 1 << 10
    keys_a, keys_b = np.zeros(capacity, np.uint64), np.zeros(capacity, np.uint64)
    counts = np.zeros(capacity, np.int64)
    used = 0
    i, n = 0, a.size
    while i < n:
        va, vb = a[i], b[i]
        start = i
        i += 1
        while i < n and a[i] == va and b[i] == vb:
            i += 1
        slot = _slot(keys_a, keys_b, counts, np.uint64(va), np.uint64(vb))
        if counts[slot] == 0:
            keys_a[slot], keys_b[slot] = np.uint64(va), np.uint64(vb)
            used += 1
        counts[slot] += i - start
        if 2 * used > capacity:
            capacity *= 2
            old_a, old_b, old_counts = keys_a, keys_b, counts
            keys_a, keys_b = np.zeros(capacity, np.uint64), np.zeros(capacity, np.uint64)
            counts = np.zeros(capacity, np.int64)
            for k in range(old_counts.size):
                if old_counts[k] > 0:
                    slot = _slot(keys_a, keys_b, counts, old_a[k], old_b[k])
                    keys_a[slot], keys_b[slot], counts[slot] = old_a[k], old_b[k], old_counts[k]
    filled = np.flatnonzero(counts)
    return keys_a[filled], keys_b[filled], counts[filled]


@kernel(inline="always")
def _slot(keys_a, keys_b, counts, a, b):  # pragma: no cover - compiled
    """Return the slot of the pair, or the empty one where it belongs."""
    mask = np.uint64(counts.size - 1)
    hashed = (a * np.uint64(0x9E3779B97F4A7C15)) ^ (b * np.uint64(0xC2B2AE3D27D4EB4F))
    slot = (hashed ^ (hashed >> np.uint64(29))) & mask
    while counts[slot] > 0 and (keys_a[slot] != a or keys_b[slot] != b):
        slot = (slot + np.uint64(1)) & mask
    return slot
