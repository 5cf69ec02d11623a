"""How much of an object survives being turned into star distances and back, convention by convention.

    python -m benchmarks.geometry.quality --data DIR

From perfect probabilities and distances of the 2,000 ellipsoids: what is found, at which mean IoU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from anystar.geometry.nms import suppress
from anystar.geometry.object_probability import object_probability
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.star_distances import star_distances
from benchmarks.geometry.scenes import volume

DENSE = golden_spiral(1500)


def rounded_distances(labels: np.ndarray, points: np.ndarray, rays: Rays) -> np.ndarray:
    """StarDist's: unit steps until the label changes, the length taken at the rounded offset."""
    out = np.zeros((len(points), len(rays)), np.float32)
    padded = np.pad(labels, 1)
    own = labels[tuple(points.T)]
    walking = np.ones(out.shape, bool)
    for step in range(1, 2 * max(labels.shape)):
        offset = np.rint(step * rays.vertices.astype(np.float64)).astype(int)
        n, r = np.nonzero(walking)
        voxel = np.clip(
            np.rint(points[n] + step * rays.vertices[r].astype(np.float64)).astype(int), -1, labels.shape
        )
        stopped = padded[tuple((voxel + 1).T)] != own[n]
        out[n[stopped], r[stopped]] = np.linalg.norm(offset[r[stopped]], axis=1)
        walking[n[stopped], r[stopped]] = False
        if not walking.any():
            break
    return out


def flat(distances: np.ndarray, rays: Rays, dense: Rays) -> np.ndarray:
    """Distances along ``dense`` rays to the polyhedron with flat faces through the ends of ``rays``."""
    inverse = np.linalg.inv(rays.vertices[rays.faces].astype(np.float64).transpose(0, 2, 1))
    mixture = np.einsum("fkc,nc->nfk", inverse, dense.vertices.astype(np.float64))
    face = mixture.min(axis=2).argmax(axis=1)
    own = mixture[np.arange(len(face)), face]
    return 1 / (own[None] / distances[:, rays.faces[face]]).sum(axis=2)


def score(labels: np.ndarray, found: np.ndarray) -> tuple[int, float, float]:
    """Objects found at IoU above 1/2, their mean IoU, panoptic quality."""
    num = int(found.max()) + 1
    pairs = np.bincount(labels.ravel().astype(np.int64) * num + found.ravel())
    pairs = np.pad(pairs, (0, -len(pairs) % num)).reshape(-1, num)
    union = pairs.sum(axis=1)[:, None] + pairs.sum(axis=0)[None] - pairs
    iou = (pairs / np.maximum(union, 1))[1:, 1:]
    hits = iou[iou > 0.5]
    return len(hits), float(hits.mean()), float(hits.sum() / (0.5 * (iou.shape[0] + iou.shape[1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rays", type=int, default=96)
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    labels, rays = volume(options.data, 256).astype(np.int32), golden_spiral(options.rays)
    print("| grid | distance ends | faces | candidates near the border | found | mean IoU | PQ |")
    print("|---|---|---|---|---|---|---|")
    for grid in (1, 2):
        prob = object_probability(labels, grid=grid)
        for border, rule in ((2, "ignored (2 cells)"), (0, "kept")):
            mask = np.zeros(prob.shape, bool)
            mask[(slice(border, -border or None),) * 3] = True
            mask &= prob > 0.5
            points, scores = np.argwhere(mask) * grid, prob[mask]
            kept = suppress(Polyhedra(points, star_distances(labels, points, rays), rays, scores))
            points, scores = points[kept], scores[kept]
            for ends, distances in (
                ("at the rounded voxel", rounded_distances(labels, points, rays)),
                ("at the half-crossing", star_distances(labels, points, rays)),
            ):
                for faces, body in (
                    ("flat", (flat(distances, rays, DENSE), DENSE)),
                    ("radial", (distances, rays)),
                ):
                    drawn = rasterise(Polyhedra(points, *body, scores), labels.shape)
                    found, iou, quality = score(labels, drawn)
                    print(
                        f"| {grid} | {ends} | {faces} | {rule} | {found} | {iou:.4f} | {quality:.4f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
