"""The volumes that are segmented: ``python -m benchmarks.speed.volume FILE.npy Z Y X``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np


def make_volume(path: Path, shape: tuple[int, ...]) -> None:
    """Write a volume of the ``mild`` recipe in 8 bits: objects of 15 to 22 voxels."""
    import anystar

    recipe = anystar.get_recipe("mild")
    recipe = replace(recipe, layout=replace(recipe.layout, diameter=(15.0, 22.0)))
    batch = anystar.generate(recipe, seed=1, indices=[1], shape=shape)
    np.save(path, (batch.image[0, 0].numpy() * 255).astype(np.uint8))


if __name__ == "__main__":
    make_volume(Path(sys.argv[1]), tuple(map(int, sys.argv[2:])))
