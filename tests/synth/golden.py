"""Write the golden samples again: ``python -m tests.synth.golden``. Explain a change in the change log."""

from pathlib import Path

import numpy as np

from anystar.synth.generate import generate
from anystar.synth.recipes import get_recipe

FILE = Path(__file__).with_name("golden.npz")
SHAPE = (28, 28, 28)
SAMPLES = [("as-mix", 2), ("as-mix", 11), ("wide", 3), ("wide", 5)]


def sample(recipe, index):
    batch = generate(get_recipe(recipe), seed=7, indices=[index], shape=SHAPE)
    return batch.image[0, 0].numpy(), batch.labels[0].numpy()


def main():
    arrays = {}
    for recipe, index in SAMPLES:
        image, labels = sample(recipe, index)
        arrays[f"{recipe}-{index}-image"] = np.round(image * 255).astype(np.uint8)
        arrays[f"{recipe}-{index}-labels"] = labels.astype(np.uint8)
        print(recipe, index, labels.max(), f"{(labels > 0).mean():.2f}", image.std())
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
