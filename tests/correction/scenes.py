"""Segmentations to correct."""

import numpy as np

from anystar.arrays import Volume
from anystar.correction import Corrections
from anystar.correction.rows import same_rows
from anystar.objects.objects import locate_objects
from tests.predict.stub import stub_model
from tests.scenes import balls

SHAPE = (24, 40, 40)
PLACES = ((12, 10, 10), (12, 10, 29), (12, 29, 10), (12, 29, 29))


def labels_of_four():
    """Four balls of radius 6; the last two touch."""
    return balls(SHAPE, (1, PLACES[0], 6), (2, PLACES[1], 6), (5, (12, 29, 14), 6), (9, (12, 29, 26), 6))


def result_of_four(**options):
    """A segmentation of four bright balls, one of them faint and below the threshold."""
    image = 0.9 * (balls(SHAPE, *((1, p, 4) for p in PLACES[:3])) > 0)
    image += 0.3 * (balls(SHAPE, (1, PLACES[3], 4)) > 0)
    volume = Volume(data=(200 * image).astype(np.uint8), spacing=(1, 1, 1))
    return stub_model(radius=6.0).segment(
        volume, diameter=12, prob_thresh=0.5, appearance=False, illumination=False, **options
    )


def snapshot(corrections):
    """Everything that undo must restore."""
    return corrections.labels.copy(), corrections.reviewed.copy(), dict(corrections.rows)


def assert_same(corrections, before):
    labels, reviewed, rows = before
    np.testing.assert_array_equal(corrections.labels, labels)
    np.testing.assert_array_equal(corrections.reviewed, reviewed)
    assert same_rows(corrections.rows, rows)


def assert_consistent(corrections: Corrections):
    """The rows are exactly what is found in the labels."""
    labels = corrections.labels
    found = locate_objects(labels, int(labels.max(initial=0)))
    assert sorted(corrections.rows) == found.label.tolist()
    for i, label in enumerate(found.label.tolist()):
        row = corrections.rows[label]
        assert row.label == label
        assert row.volume == found.volume_vox[i]
        assert row.bbox == tuple(found.bbox[i].tolist())
        np.testing.assert_allclose(row.centroid, found.centroid_vox[i])
        assert row.reviewed <= bool(corrections.reviewed[labels == label].all())
