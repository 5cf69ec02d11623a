"""Candidates of known bodies become instances."""

import numpy as np

from anystar.evaluate import match_labels
from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.instances import InstanceStages, candidates_to_instances
from tests.scenes import ellipsoid_distances

RAYS = golden_spiral(96)
SHAPE = (24, 24, 64)


def instances(candidates, *, nms_thresh):
    """Labels and objects of cubic voxels, at half a probability."""
    made = candidates_to_instances(
        candidates,
        SHAPE,
        InstanceStages(aspect=(1.0, 1.0, 1.0), prob_thresh=0.5, nms_thresh=nms_thresh),
    )
    return made.labels, made.objects


def long_object(rng, centre=(11.5, 11.5, 31.5), axes=(4.0, 4.0, 18.0), sight=11.0):
    """Candidates on the axis of a long object, none of which sees farther than ``sight``."""
    along = rng.permutation(np.arange(-13.0, 14.0))
    points = np.zeros((len(along), 3))
    points[:, 2] = along
    ground_truth = ellipsoid_distances(points, np.array(axes), RAYS)
    found = Candidates(
        points=(points + centre).astype(np.float32),
        prob=rng.uniform(0.7, 0.75, len(along)).astype(np.float32),
        distances=np.minimum(ground_truth, sight),
        rays=RAYS,
        floor=0.1,
    )
    middle = np.array([centre])
    whole = rasterise(
        Polyhedra(middle, ellipsoid_distances(np.zeros((1, 3)), np.array(axes), RAYS), RAYS), SHAPE
    )
    return found, whole


def test_a_long_object_is_one_although_no_candidate_covers_it():
    for seed in range(10):
        found, ground_truth = long_object(np.random.default_rng(seed))
        labels, objects = instances(found, nms_thresh=0.2)
        (scores,) = match_labels(ground_truth, labels, thresholds=(0.6,))
        assert len(objects) == 1
        assert scores.tp == 1
        assert 0.73 < objects.probability[0] <= found.prob.max()  # of the surest voter
    # which the most probable candidates alone do not make
    kept = suppress(found, threshold=0.2)
    assert len(kept) > 1


def test_outlines_are_closer_than_any_candidate_drew_them():
    rng = np.random.default_rng(0)
    axes, centre = np.array([6.0, 7.0, 8.0]), np.array([11.5, 11.5, 31.5])
    points = rng.uniform(-3, 3, (60, 3))
    distances = ellipsoid_distances(points, axes, RAYS)
    noisy = (distances * np.exp(rng.normal(0, 0.12, distances.shape))).astype(np.float32)
    prob = rng.uniform(0.6, 0.8, 60).astype(np.float32)
    found = Candidates(
        points=(points + centre).astype(np.float32), prob=prob, distances=noisy, rays=RAYS, floor=0.1
    )
    ground_truth = rasterise(
        Polyhedra(centre[None], ellipsoid_distances(np.zeros((1, 3)), axes, RAYS), RAYS), SHAPE
    )
    labels, _ = instances(found, nms_thresh=0.3)

    def iou(drawn):
        return ((drawn > 0) & (ground_truth > 0)).sum() / ((drawn > 0) | (ground_truth > 0)).sum()

    alone = [iou(rasterise(Polyhedra(found.points[[n]], noisy[[n]], RAYS), SHAPE)) for n in range(60)]
    assert iou(labels) > max(alone)
    assert iou(labels) > np.mean(alone) + 0.03


def test_labels_are_numbered_by_probability():
    centres = np.array([[11.5, 11.5, x] for x in (8.0, 30.0, 52.0)], np.float32)
    radii = np.repeat([[4.0], [6.0], [5.0]], 96, axis=1).astype(np.float32)
    found = Candidates(
        points=centres, prob=np.float32([0.9, 0.6, 0.8]), distances=radii, rays=RAYS, floor=0.1
    )
    labels, objects = instances(found, nms_thresh=0.3)
    assert [labels[11, 11, x] for x in (8, 30, 52)] == [1, 3, 2]
    assert objects.probability.tolist() == np.float32([0.9, 0.8, 0.6]).tolist()
