"""Random pairs of label images, and what the peers' own packages say about them.

The scores in ``peer_scores.json`` were made once by environments that hold the packages::

    STARDIST/bin/python tests/evaluate/peer_scores.py stardist
    PANOPTICA/bin/python tests/evaluate/peer_scores.py panoptica

Only NumPy is needed for the pairs.
"""

import json
import sys
from pathlib import Path

import numpy as np

NUM_PAIRS = 200
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
PATH = Path(__file__).with_suffix(".json")
NAMES = ("fp", "tp", "fn", "precision", "recall", "accuracy", "f1", "n_true", "n_pred", "mean_true_score")
NAMES = (*NAMES, "mean_matched_score", "panoptic_quality")

"""Of StarDist's ``Matching``, in the order of the file."""
QUALITIES = ("pq", "sq", "rq", "tp")
"""Of panoptica's result."""


def random_pair(seed):
    """Return a ground truth of boxes and a prediction that shifts, drops, merges and invents some of them."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(10, 24, 3)
    ground_truth, pred = np.zeros((2, *shape), np.int32)
    for number in range(1, rng.integers(2, 20)):
        start = rng.integers(0, shape - 4)
        stop = np.minimum(start + rng.integers(3, 9, 3), shape)
        ground_truth[tuple(map(slice, start, stop))] = number
        if rng.random() < 0.85:
            a, b = np.clip([start + rng.integers(-1, 2, 3), stop + rng.integers(-1, 2, 3)], 0, shape)
            pred[tuple(map(slice, a, b))] = number if rng.random() < 0.9 else max(1, number - 1)
    if rng.random() < 0.3:
        pred[:3, :3, :3] = 77
    return ground_truth, pred


def stardist(ground_truth, pred):
    from stardist.matching import matching

    found = matching(ground_truth, pred, thresh=THRESHOLDS)
    return [[round(float(getattr(m, n)), 9) for n in NAMES] for m in found]


def panoptica(ground_truth, pred):
    from panoptica import InputType, NaiveThresholdMatching, Panoptica_Evaluator

    evaluator = Panoptica_Evaluator(
        expected_input=InputType.UNMATCHED_INSTANCE,
        instance_matcher=NaiveThresholdMatching(matching_threshold=0.5),
        verbose=False,
    )
    result = evaluator.evaluate(pred.astype(np.uint8), ground_truth.astype(np.uint8), verbose=False)[
        "ungrouped"
    ]
    return [round(float(getattr(result, n)), 9) for n in QUALITIES]


if __name__ == "__main__":
    content = json.loads(PATH.read_text()) if PATH.exists() else {}
    ask = {"stardist": stardist, "panoptica": panoptica}[sys.argv[1]]
    content[sys.argv[1]] = [ask(*random_pair(seed)) for seed in range(NUM_PAIRS)]
    PATH.write_text(json.dumps(content, separators=(",", ":")).replace("]],", "]],\n") + "\n")
