"""Objects that are shown and hidden in place."""

import numpy as np

from anystar.objects import locate_objects
from anystar.objects.filters import keep_labels
from anystar.objects.redraw import redraw
from tests.scenes import ellipsoids


def test_it_draws_what_a_look_up_of_the_whole_volume_gives():
    rng = np.random.default_rng(1)
    labels = ellipsoids(rng, num=9)
    found = locate_objects(labels, 9)
    target, now = labels.copy(), np.ones(len(found), bool)
    for _ in range(5):
        visible = rng.random(len(found)) < 0.5
        rows = np.flatnonzero(visible != now)
        redraw(target, labels, found.label[rows], found.bbox[rows], visible[rows])
        now = visible
        np.testing.assert_array_equal(target, keep_labels(labels, found.label[visible]))
