"""Time one task with StarDist, in its own environment: ``python theirs.py TASK FOLDER [repeat]``.

``prepare-GRID`` makes the candidates that both sides suppress, by StarDist's conventions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from stardist.geometry import polyhedron_to_label, star_dist3D
from stardist.matching import matching
from stardist.nms import _ind_prob_thresh, non_maximum_suppression_3d_sparse
from stardist.rays3d import Rays_GoldenSpiral
from stardist.utils import edt_prob
from timing import report

from scenes import volume


def prepare(folder: Path, grid: int, rays: Rays_GoldenSpiral) -> None:
    labels = volume(folder, 256)
    prob = edt_prob(labels, anisotropy=(1, 1, 1))[::grid, ::grid, ::grid]
    mask = _ind_prob_thresh(prob, 0.5, b=2)
    distances = np.maximum(star_dist3D(labels, rays, grid=(grid,) * 3)[mask], 1e-3)
    scores = prob[mask].astype(np.float32)
    # What a network makes of them: 6% error on every ray, 0.05 on the score
    rng = np.random.default_rng(1)
    noisy = distances * (1 + 0.06 * rng.standard_normal(distances.shape).astype(np.float32))
    noisy_scores = np.clip(scores + 0.05 * rng.standard_normal(scores.shape), 0.001, 0.999)
    np.save(folder / f"points-{grid}.npy", (np.argwhere(mask) * grid).astype(np.int32))
    np.save(folder / f"distances-{grid}.npy", distances.astype(np.float32))
    np.save(folder / f"prob-{grid}.npy", scores)
    np.save(folder / f"distancesnoisy-{grid}.npy", np.maximum(noisy, 1e-3).astype(np.float32))
    np.save(folder / f"probnoisy-{grid}.npy", noisy_scores.astype(np.float32))


def main() -> None:
    task, folder = sys.argv[1], Path(sys.argv[2])
    repeat = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    rays = Rays_GoldenSpiral(96, anisotropy=(1, 1, 1))
    kind, *rest = task.split("-")
    if kind == "prepare":
        prepare(folder, int(rest[0]), rays)
    elif kind == "distances":
        labels, grid = volume(folder, int(rest[0])), (int(rest[1]),) * 3
        report(lambda: star_dist3D(labels, rays, grid=grid), repeat=repeat, warm=False)
    elif kind == "probability":
        labels = volume(folder, int(rest[0]))
        report(lambda: edt_prob(labels, anisotropy=(1, 1, 1)), repeat=repeat, warm=False)
    elif kind == "suppress":
        points, distances, prob = (
            np.load(folder / f"{name}-{rest[0]}.npy")
            for name in ("points", f"distances{rest[1]}", f"prob{rest[1]}")
        )
        report(
            lambda: non_maximum_suppression_3d_sparse(distances, prob, points, rays, nms_thresh=0.3)[0],
            repeat=repeat,
            warm=False,
        )
    elif kind == "match":
        labels, drawn = volume(folder, 256), np.load(folder / "drawn-2.npy")
        report(lambda: matching(labels, drawn, thresh=0.5), repeat=repeat, warm=False)
    elif kind == "rasterise":
        kept = np.load(folder / "kept-2.npy")
        points, distances, prob = (
            np.load(folder / f"{name}-2.npy")[kept] for name in ("points", "distances", "prob")
        )
        report(
            lambda: polyhedron_to_label(distances, points, rays, (256,) * 3, prob=prob, verbose=False),
            repeat=repeat,
            warm=False,
        )


if __name__ == "__main__":
    main()
