"""Side by side with the ``stardist`` package, where it is installed; ``pytest -rP`` shows the figures."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    stardist = pytest.importorskip("stardist")
    from stardist.data import test_image_nuclei_3d as stardist_volume
    from stardist.geometry import polyhedron_to_label, star_dist3D
    from stardist.nms import non_maximum_suppression_3d_sparse
    from stardist.rays3d import Rays_GoldenSpiral
    from stardist.utils import edt_prob

from anystar.geometry.nms import suppress
from anystar.geometry.object_probability import object_probability
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from benchmarks.geometry.quality import flat
from tests import reference, scenes

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
NUM_RAYS = 64
DENSE = golden_spiral(800)
VOLUMES = ["nuclei", "ellipsoids"]


def nuclei():
    return stardist_volume(return_mask=True)[1].astype(np.int32)


def volumes():
    return [nuclei(), scenes.ellipsoids(np.random.default_rng(0), num=12, shape=(40, 50, 60))]


@pytest.mark.parametrize("num_rays", [32, 96, 128])
@pytest.mark.parametrize("anisotropy", [(1, 1, 1), (2, 1, 1)])
def test_rays_are_the_same(num_rays, anisotropy):
    ours, theirs = golden_spiral(num_rays, anisotropy), Rays_GoldenSpiral(num_rays, anisotropy=anisotropy)
    np.testing.assert_array_equal(ours.vertices, theirs.vertices)
    assert {frozenset(f) for f in ours.faces.tolist()} == {frozenset(f) for f in theirs.faces.tolist()}


@pytest.mark.parametrize("labels", volumes(), ids=VOLUMES)
@pytest.mark.parametrize("grid", [1, 2])
def test_distances_are_within_one_step(labels, grid):
    theirs = star_dist3D(labels, Rays_GoldenSpiral(NUM_RAYS), grid=(grid,) * 3)
    points = np.argwhere(np.ones(theirs.shape[:3], bool)) * grid
    ours = star_distances(labels, points, golden_spiral(NUM_RAYS)).reshape(theirs.shape)
    np.testing.assert_array_equal(ours[..., 0] > 0, theirs[..., 0] > 0)
    inside = ours[..., 0] > 0
    # They stop at the first step beyond the boundary, half a step further on average, and round the end.
    difference = theirs[inside] - ours[inside]
    near = (np.abs(difference - 0.5) < 1).mean()
    print(
        f"{difference.size:,} distances: longer by {difference.mean():.3f}, {near:.2%} within a step of 0.5"
    )
    assert 0.3 < difference.mean() < 0.7
    assert near > 0.97


@pytest.mark.parametrize("labels", volumes(), ids=VOLUMES)
@pytest.mark.parametrize("anisotropy", [(1, 1, 1), (2, 1, 0.7)])
def test_object_probability_is_the_same(labels, anisotropy):
    ours, theirs = object_probability(labels, spacing=anisotropy), edt_prob(labels, anisotropy=anisotropy)
    print(f"{labels.size:,} probabilities: at most {np.abs(ours - theirs).max():.1e} apart")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def from_volume(labels):
    """Candidates of StarDist's making: voxels in the inner half of an object, rounded distances."""
    prob = edt_prob(labels, anisotropy=(1, 1, 1))
    points = np.argwhere(prob > 0.5)
    distances = star_dist3D(labels, Rays_GoldenSpiral(NUM_RAYS))[tuple(points.T)]
    return points, distances, prob[tuple(points.T)]


def from_network():
    """Bumpy bodies, several of each, unlike each other by 15%."""
    some = scenes.candidates(np.random.default_rng(3), golden_spiral(NUM_RAYS), num=600)
    return some.points.astype(np.int32), some.distances, some.prob


def survivors(candidates, threshold):
    """Indices that they keep and that we keep, the scores without ties, and the bodies as we see them."""
    points, distances, prob = candidates
    rays, their_rays = golden_spiral(NUM_RAYS), Rays_GoldenSpiral(NUM_RAYS)
    # No ties: they settle them by the order of the input.
    scores = prob - np.arange(len(points), dtype=np.float32) * 1e-6
    order = np.random.default_rng(0).permutation(len(points))
    their_points, their_scores = non_maximum_suppression_3d_sparse(
        distances[order], scores[order], points[order], their_rays, nms_thresh=threshold
    )[:2]
    name = {
        (*point, float(score)): n
        for n, (point, score) in enumerate(zip(points.tolist(), scores, strict=True))
    }
    theirs = {name[(*p, float(s))] for p, s in zip(their_points.tolist(), their_scores, strict=True)}
    # The same bodies, which have flat faces: so finely described that ours have them too.
    bodies = flat(np.maximum(distances, 1e-3), rays, DENSE).astype(np.float32)
    ours = suppress(Polyhedra(points, bodies, DENSE, scores), threshold=threshold)
    return theirs, set(ours.tolist()), scores, bodies


@pytest.mark.parametrize(
    "candidates", [*map(from_volume, volumes()), from_network()], ids=[*VOLUMES, "bumpy"]
)
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_the_same_bodies_survive_but_for_overlaps_at_the_threshold(candidates, threshold):
    points = candidates[0]
    theirs, ours, scores, bodies = survivors(candidates, threshold)
    print(
        f"{len(points):,} candidates: they keep {len(theirs)}, we {len(ours)}, {len(theirs & ours)} of both"
    )
    # Both estimate; a fine lattice says how close to the threshold it was where they differ.
    assert len(theirs ^ ours) <= 0.03 * len(theirs) + 1
    for n in theirs ^ ours:
        rivals = np.array([m for m in theirs | ours if scores[m] > scores[n]])
        nearest = rivals[np.argsort(np.linalg.norm(points[rivals] - points[n], axis=1))[:8]]
        overlaps = [reference.overlap(points[[n, m]], bodies[[n, m]], DENSE, step=0.5) for m in nearest]
        assert min(abs(overlap - threshold) for overlap in overlaps) < 0.02, (n, overlaps)


def test_rasters_agree_where_flat_faces_do():
    # Their faces are flat, ours are not; with many rays that no longer matters.
    rays, their_rays = golden_spiral(1200), Rays_GoldenSpiral(1200)
    rng = np.random.default_rng(1)
    points = rng.integers(0, 60, (12, 3))
    distances = scenes.smooth_distances(rng, 12, rays, radius=(7, 11))
    prob = rng.permutation(12) / 12
    ours = rasterise(Polyhedra(points, distances, rays, prob), (60, 60, 60))
    theirs = polyhedron_to_label(distances, points, their_rays, (60, 60, 60), prob=prob, verbose=False)
    large = [label for label in range(1, 13) if (ours == label).sum() > 200]
    each = [iou(ours == label, theirs == label) for label in large]
    whole = iou(ours > 0, theirs > 0)
    print(f"{len(each)} bodies: IoU {min(each):.4f} to {max(each):.4f}, of all {whole:.4f}")
    assert len(each) > 8
    assert min(*each, whole) >= 0.98


def iou(a, b):
    return (a & b).sum() / (a | b).sum()
