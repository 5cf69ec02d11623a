"""Volumes for reports: balls with a ground truth, and two runs that get some of them wrong."""

import numpy as np

from anystar.report.html import Prediction, Run, VolumeInput, draw, examine, render_report
from tests.scenes import balls

RNG = np.random.default_rng(0)
SHAPE = (10, 40, 50)


GROUND_TRUTH = balls(SHAPE, (3, (5, 8, 8), 4), (7, (5, 20, 20), 5), (9, (4, 32, 10), 4), (12, (5, 30, 36), 4))
WRONG = balls(SHAPE, (1, (5, 8, 8), 4), (2, (5, 20, 20), 3), (4, (3, 8, 38), 3), (5, (5, 30, 36), 4))
IMAGE = (10 + 100 * (GROUND_TRUTH > 0) + RNG.normal(0, 3, SHAPE)).astype(np.float32)


def subject(name="ball & <sons>", ground_truth=GROUND_TRUTH):
    return VolumeInput(
        name=name,
        image=IMAGE,
        ground_truth=ground_truth,
        predictions={
            "first": Prediction(labels=WRONG, probability={1: 0.9, 2: 0.5}),
            "exact": Prediction(labels=GROUND_TRUTH),
        },
        spacing=(2.0, 0.5, 0.5),
    )


def write(path, *subjects):
    examined = [draw(examine(s), s, most=6) for s in subjects]
    runs = [Run(name="first", facts={"model": "grain-small"}), Run(name="exact")]
    page = render_report(runs, examined, left_out=["c.tif is cut off; copy it again"])
    path.write_text(page, encoding="utf-8")
    return path.stat().st_size
