"""Connected pieces of instances, compiled: what the generator does on the CPU whatever the device."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from anystar.runtime.compiled import kernel

__all__ = ["clean_batch", "clean_labels"]


def clean_labels(key: np.ndarray, *, min_voxels: int) -> np.ndarray:
    """Number instances from 1 without gaps, each its largest connected piece (26 neighbours).

    Pieces that are too small to be an object, and splinters cut off by the geometry, become background (the
    reference keeps them as instances of their own). In ``key`` ``(Z, Y, X)``, 0 is background and any other
    integer an instance; those of fewer than ``min_voxels`` are dropped. The result is int32.
    """
    out = np.empty(key.shape, np.int32)
    if key.dtype not in (np.int32, np.int64):
        key = key.astype(np.int64)
    _clean(np.ascontiguousarray(key), int(key.max(initial=0)), max(min_voxels, 1), out)
    return out


def clean_batch(keys: np.ndarray, *, min_voxels: int) -> np.ndarray:
    """Do :func:`clean_labels` to each of ``(B, Z, Y, X)``, in up to ``torch.get_num_threads()`` threads."""
    threads = min(torch.get_num_threads(), len(keys))
    if threads <= 1:
        return np.stack([clean_labels(key, min_voxels=min_voxels) for key in keys])
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(functools.partial(clean_labels, min_voxels=min_voxels), keys)))


@kernel(forceinline=True)
def _root(parent: Any, piece: int) -> int:
    while parent[piece] != piece:
        parent[piece] = parent[parent[piece]]
        piece = parent[piece]
    return piece


@kernel()
def _clean(key: Any, largest_key: int, min_voxels: int, out: Any) -> None:
    nz, ny, nx = key.shape
    parent = np.zeros(key.size + 1, np.int32)
    num = 0
    # Pieces: a voxel joins those of the 13 neighbours before it that have its key.
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                mine = key[z, y, x]
                if mine == 0:
                    out[z, y, x] = 0
                    continue
                found = 0
                for dz in range(-1, 1):
                    if z + dz < 0:
                        continue
                    for dy in range(-1, 2 if dz else 1):
                        if y + dy < 0 or y + dy >= ny:
                            continue
                        for dx in range(-1, 2 if dz or dy else 0):
                            if x + dx < 0 or x + dx >= nx or key[z + dz, y + dy, x + dx] != mine:
                                continue
                            other = out[z + dz, y + dy, x + dx]
                            if other == found:
                                continue
                            root = _root(parent, other)
                            if found == 0:
                                found = root
                            elif root != found:  # the earlier piece is the root, so that order is kept
                                low, high = min(root, found), max(root, found)
                                parent[high] = low
                                found = low
                if found == 0:
                    num += 1
                    parent[num] = num
                    found = num
                out[z, y, x] = found
    size, key_of = np.zeros(num + 1, np.int64), np.zeros(num + 1, np.int64)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if out[z, y, x]:
                    piece = _root(parent, out[z, y, x])
                    out[z, y, x] = piece
                    size[piece] += 1
                    key_of[piece] = key[z, y, x]
    # Of each key the largest piece, the first of equals, if it is large enough; numbered in order.
    best = np.zeros(largest_key + 1, np.int32)
    for piece in range(1, num + 1):
        if size[piece] > size[best[key_of[piece]]]:
            best[key_of[piece]] = piece
    number, count = np.zeros(num + 1, np.int32), 0
    for piece in range(1, num + 1):
        if size[piece] >= min_voxels and best[key_of[piece]] == piece:
            count += 1
            number[piece] = count
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                out[z, y, x] = number[out[z, y, x]]
