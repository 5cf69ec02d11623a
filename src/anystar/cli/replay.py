"""One sample replayed and explained: its parameters as TOML, a picture of its stages, and the pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anystar.cli.pool import Order

__all__ = ["replay"]


def replay(order: Order, index: int) -> list[Path]:
    """Write ``<index>.toml``, ``<index>.png`` and the pair into the order's folder; return their paths."""
    import tomlkit

    from anystar import io
    from anystar._version import __version__
    from anystar.arrays import Volume
    from anystar.atomic import staged
    from anystar.config import to_dict
    from anystar.report.montage import draw_montage
    from anystar.synth.explain import explain, parameters

    batch, steps = explain(order.recipe, seed=order.seed, index=index, shape=order.shape)
    text = tomlkit.dumps(
        {
            "version": __version__,
            "recipe": order.recipe.name,
            "seed": order.seed,
            "index": index,
            "shape": list(order.shape),
            "instances": int(batch.labels.max()),
            "drawn": parameters(batch.drawn[0], arrays=True),
            "config": to_dict(order.recipe),
        }
    )
    rows = {"image": [_stretched(s.image) for s in steps], "labels": [s.labels for s in steps]}
    figure = draw_montage(rows, titles=[s.name.replace("_", " ") for s in steps])
    names = [f"{index:06d}.toml", f"{index:06d}.png"]
    suffix = "tif" if order.suffix == "zarr" else order.suffix
    names += [f"{index:06d}_{part}.{suffix}" for part in ("image", "labels")]
    paths = [order.out / name for name in names]
    with staged(*paths) as (toml, png, image, labels):
        toml.write_text(text, encoding="utf-8")
        figure.savefig(png, dpi=100, format="png")
        io.write(image, Volume(data=batch.image[0, 0].numpy()))
        io.write(labels, Volume(data=batch.labels[0].numpy()))
    return paths


def _stretched(image: np.ndarray) -> np.ndarray:
    """Map a volume onto [0, 1]: on the way, images have any range."""
    low, high = float(image.min()), float(image.max())
    return (image - low) / max(high - low, 1e-8)
