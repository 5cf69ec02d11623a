"""One sample replayed and explained: its parameters as TOML, an image of its stages, and the pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anystar.dataset.pool import DatasetConfig, one_thread, pair_of

__all__ = ["explain_sample"]


def explain_sample(dataset: DatasetConfig, index: int) -> list[Path]:
    """Write ``<index>.toml``, ``<index>.png`` and the pair into the dataset's folder; return their paths."""
    from anystar._version import __version__
    from anystar.config import dump_plain, to_dict
    from anystar.dataset.stores import write_array
    from anystar.report.montage import draw_montage
    from anystar.runtime.atomic import staged
    from anystar.synth.explain import explain, parameters

    with one_thread():
        batch, steps = explain(dataset.recipe, seed=dataset.seed, index=index, shape=dataset.shape)
    voxels, numbers = pair_of(dataset, batch)
    text = dump_plain(
        {
            "version": __version__,
            "recipe": dataset.recipe.name,
            "seed": dataset.seed,
            "index": index,
            "shape": list(dataset.shape),
            "instances": int(numbers.max()),
            "drawn": parameters(batch.drawn[0], arrays=True),
            "config": to_dict(dataset.recipe),
        }
    )
    rows = {"image": [_stretched(s.image) for s in steps], "labels": [s.labels for s in steps]}
    figure = draw_montage(rows, titles=[s.name.replace("_", " ") for s in steps])
    names = [f"{index:06d}.toml", f"{index:06d}.png"]
    suffix = "tif" if dataset.suffix == "zarr" else dataset.suffix
    names += [f"{index:06d}_{part}.{suffix}" for part in ("image", "labels")]
    paths = [dataset.out / name for name in names]
    with staged(*paths) as (toml, png, image, labels):
        toml.write_text(text, encoding="utf-8")
        figure.savefig(png, dpi=100, format="png")
        write_array(image, voxels)
        write_array(labels, numbers)
    return paths


def _stretched(image: np.ndarray) -> np.ndarray:
    """Map a volume onto [0, 1]: on the way, images have any range."""
    low, high = float(image.min()), float(image.max())
    return (image - low) / max(high - low, 1e-8)
