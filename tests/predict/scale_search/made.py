"""Evidence that is made up, for searches without a network."""

import numpy as np

from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.predict.scale_search.trial import Trial


def scale_at(zoom, spots, weight, shape, *, prob=0.8, diameter=10.0):
    """Return a scale that shows objects at the given places of a whole volume."""
    num = len(spots)
    return ScaleEvidence(
        zoom=zoom,
        boxes=np.array([[[0.0, 0, 0], shape]]),
        points=np.array(spots, np.float64).reshape(num, 3),
        diameters=np.full(num, diameter),
        weight=np.full(num, weight),
        prob=np.full(num, prob),
    )


def trial(setting, confidence, *, zoom=1.0, num=10):
    """Return a trial with ``num`` equal objects of a confidence."""
    return Trial(setting=setting, best=scale_at(zoom, [(5, 5, 5)] * num, 1.0, (9, 9, 9), prob=confidence))
