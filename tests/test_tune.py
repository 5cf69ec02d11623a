"""Thresholds: all trials at once equal trials one by one."""

import dataclasses

import numpy as np
import pytest

from anystar.arrays import VoxelSize
from anystar.evaluate import add_scores, match_labels, mean_ap
from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.instances import InstanceStages, candidates_to_instances
from anystar.predict.result import Result
from anystar.tune import IOU, Judged, score, tune

RAYS = golden_spiral(32)
SHAPE = (32, 40, 40)


def scene(seed, *, unknown=False):
    """Overlapping balls of random probability, and a ground truth that has most of them."""
    rng = np.random.default_rng(seed)
    num = 60
    points = rng.uniform(2, np.array(SHAPE) - 2, (num, 3)).astype(np.float32)
    distances = np.repeat(rng.uniform(2, 6, (num, 1)), 32, 1).astype(np.float32)
    prob = rng.uniform(0.1, 0.99, num).astype(np.float32)
    candidates = Candidates(points=points, prob=prob, distances=distances, rays=RAYS, floor=0.1)
    made = candidates_to_instances(
        candidates,
        SHAPE,
        InstanceStages(aspect=(1.0, 1.0, 1.0), prob_thresh=0.1, nms_thresh=0.3),
    )
    labels, objects = made.labels, made.objects
    ground_truth = np.where(np.isin(labels, np.flatnonzero(rng.random(num + 1) < 0.6)), labels, 0)
    if unknown:
        ground_truth[:, :20] = -1
    result = Result(
        labels=labels,
        objects=objects,
        prob_thresh=0.5,
        nms_thresh=0.3,
        candidates=candidates,
        voxel_size=VoxelSize((1.0, 1.0, 1.0), "relative"),
    )
    return Judged(result=result, ground_truth=ground_truth.astype(np.int32))


def voters(seed):
    """Balls, each proposed a dozen times, from the side and of other sizes; a third are no objects."""
    rng = np.random.default_rng(seed)
    middles = np.stack(np.meshgrid(*[np.arange(6, size, 9) for size in SHAPE], indexing="ij"), -1)
    middles = middles.reshape(-1, 3)
    points = np.repeat(middles, 12, 0) + rng.normal(0, 1, (12 * len(middles), 3))
    candidates = Candidates(
        points=points.astype(np.float32),
        prob=rng.uniform(0.1, 0.99, len(points)).astype(np.float32),
        distances=np.repeat(rng.uniform(2, 6, (len(points), 1)), 32, 1).astype(np.float32),
        rays=RAYS,
        floor=0.1,
    )
    ground_truth = np.zeros(SHAPE, np.int32)
    for number, middle in enumerate(middles):
        far = np.linalg.norm(np.indices(SHAPE) - middle[:, None, None, None], axis=0)
        ground_truth[far < 4.2] = number if number % 3 else 0
    return Judged(
        result=dataclasses.replace(scene(seed).result, candidates=candidates), ground_truth=ground_truth
    )


def test_every_trial_equals_segmenting_with_those_thresholds():
    scenes = [scene(0), scene(1)]
    tuned = tune(scenes, nms=(0.2, 0.5))
    for nms in (0.2, 0.5):
        for prob in (0.1, 0.33, 0.5, 0.79, 0.95):  # 0.33 and 0.79 leave objects out of what is drawn at less
            results = [
                s.result.rethreshold(prob_thresh=float(np.float32(prob)), nms_thresh=nms) for s in scenes
            ]
            scores = [
                match_labels(s.ground_truth, r.labels, thresholds=IOU)
                for s, r in zip(scenes, results, strict=True)
            ]
            column = int(np.argmin(np.abs(tuned.probs - prob)))
            close = 0.02 if prob in (0.33, 0.79) else 1e-9
            assert tuned.table[nms][column] == pytest.approx(mean_ap(add_scores(scores)), abs=close)
    assert tuned.mean_ap == max(v.max() for v in tuned.table.values())
    assert tuned.table[tuned.nms][np.argmin(np.abs(tuned.probs - tuned.prob))] == tuned.mean_ap
    assert tuned.mean_ap > tuned.table[0.5][-1]


@pytest.mark.parametrize("seed", [0, 2, 6])  # where another drawing promises more
def test_the_accuracy_is_that_of_the_thresholds(seed):
    one = voters(seed)
    tuned = tune([one])
    again = one.result.rethreshold(prob_thresh=tuned.prob, nms_thresh=tuned.nms)
    scores = match_labels(one.ground_truth, again.labels, thresholds=IOU)
    assert tuned.mean_ap == pytest.approx(mean_ap(scores), abs=1e-9)
    assert tuned.mean_ap == score([one], prob=tuned.prob, nms=tuned.nms)
    assert tuned.mean_ap > 0.3


def test_the_middle_of_equals_is_taken():
    one = scene(2)
    few = np.array([0.2, 0.9], np.float32)
    candidates = Candidates(
        points=np.array([[8, 8, 8], [24, 28, 28]], np.float32),
        prob=few,
        distances=np.full((2, 32), 5, np.float32),
        rays=RAYS,
        floor=0.1,
    )
    made = candidates_to_instances(
        candidates,
        SHAPE,
        InstanceStages(aspect=(1.0, 1.0, 1.0), prob_thresh=0.1, nms_thresh=0.3),
    )
    labels, objects = made.labels, made.objects
    result = dataclasses.replace(one.result, candidates=candidates, labels=labels, objects=objects)
    ground_truth = np.where(labels == 1, 1, 0)  # the surer of the two
    tuned = tune([Judged(result=result, ground_truth=ground_truth)])
    assert tuned.mean_ap == 1
    assert tuned.prob == pytest.approx((0.21 + 0.9) / 2, abs=0.011)
    for own, chosen in ((0.5, 0.5), (0.35, 0.3)):  # all overlaps do equally well; 0.35 is not tried
        segmented = dataclasses.replace(result, nms_thresh=own)
        assert tune([Judged(result=segmented, ground_truth=ground_truth)]).nms == chosen


def test_objects_in_the_unknown_do_not_count():
    """What is found where nothing is known changes nothing."""
    some = scene(3, unknown=True)
    kept = np.flatnonzero(some.result.candidates.points[:, 1] > 26)
    candidates = some.result.candidates
    only = candidates.take(kept)
    fewer = dataclasses.replace(some.result, candidates=only)
    clear = some.ground_truth.copy()
    clear[:, :27] = -1
    far = np.flatnonzero((candidates.points[:, 1] > 26) | (candidates.points[:, 1] < 12))
    more = candidates.take(far)
    a = tune([Judged(result=fewer, ground_truth=clear)])
    b = tune([Judged(result=dataclasses.replace(some.result, candidates=more), ground_truth=clear)])
    assert a.mean_ap == b.mean_ap > 0


def test_by_default_each_volume_has_the_thresholds_that_it_was_segmented_with():
    scenes = [scene(0), scene(1)]
    settled = [
        dataclasses.replace(s, result=s.result.rethreshold(prob_thresh=prob, nms_thresh=nms))
        for s, prob, nms in zip(scenes, (0.2, 0.8), (0.5, 0.2), strict=True)
    ]
    scores = add_scores([match_labels(s.ground_truth, s.result.labels, thresholds=IOU) for s in settled])
    assert score(settled) == pytest.approx(mean_ap(scores), abs=1e-9)
    assert score(settled) != pytest.approx(score(scenes, prob=0.2, nms=0.5), abs=1e-6)
