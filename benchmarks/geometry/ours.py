"""Time one task with AnyStar: ``python ours.py TASK FOLDER [repeat]``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from timing import report

from anystar.evaluate import match_labels
from anystar.geometry.nms import suppress
from anystar.geometry.object_probability import object_probability
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from scenes import million, volume


def main() -> None:
    task, folder = sys.argv[1], Path(sys.argv[2])
    repeat = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    rays = golden_spiral(96)
    kind, *rest = task.split("-")
    if kind == "distances":
        labels, grid = volume(folder, int(rest[0])), int(rest[1])
        points = np.argwhere(np.ones([-(-size // grid) for size in labels.shape], bool)) * grid
        report(lambda: star_distances(labels, points, rays), repeat=repeat)
    elif kind == "sampled":
        labels = volume(folder, 64)
        points = np.random.default_rng(0).choice(np.argwhere(labels), 4096)
        report(lambda: star_distances(labels, points, rays), repeat=repeat)
    elif kind == "probability":
        labels = volume(folder, int(rest[0]))
        report(lambda: object_probability(labels), repeat=repeat)
    elif kind == "suppress":
        if rest == ["million"]:
            points, distances, prob = million(rays.vertices)
        elif rest[0] == "scale":
            num = int(rest[1])
            points, distances, prob = million(rays.vertices, num=num, num_objects=num // 50)
        else:
            points, distances, prob = (
                np.load(folder / f"{name}-{rest[0]}.npy")
                for name in ("points", f"distances{rest[1]}", f"prob{rest[1]}")
            )
        report(lambda: suppress(Polyhedra(points, distances, rays, prob)), repeat=repeat)
    elif kind == "rasterise":
        points, distances, prob = (
            np.load(folder / f"{name}-2.npy") for name in ("points", "distances", "prob")
        )
        candidates = Polyhedra(points, distances, rays, prob)
        kept = suppress(candidates)
        np.save(folder / "kept-2.npy", kept)
        drawn = report(lambda: rasterise(candidates.take(kept), (256,) * 3), repeat=repeat)
        np.save(folder / "drawn-2.npy", drawn)
    elif kind == "match":
        labels, drawn = volume(folder, 256), np.load(folder / "drawn-2.npy")
        report(lambda: match_labels(labels, drawn, thresholds=[0.5]), repeat=repeat)


if __name__ == "__main__":
    main()
