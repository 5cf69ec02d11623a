"""What is reported on objects of other sizes than the chosen one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.predict.notes import Note
from anystar.predict.scale_search import SearchResult
from anystar.predict.scale_search.evidence import ScaleEvidence
from anystar.preprocess.arrays import Shape

__all__ = ["RunnerUp", "report_sizes"]

_CONFIDENT, _RATIO, _SHARE = 0.65, 2.0, 0.25
"""Confidence, ratio of diameters, and evidence as a share of that of the chosen scale in the same place, from
which the runner-up is reported in a note."""
_LIKELY = 0.5
"""Probability of the objects that are counted."""
_FILLED = 0.1
"""Share of the image from which a single object is reported as one that may be the whole specimen."""


@dataclass(frozen=True, kw_only=True)
class RunnerUp:
    """The best scale of those whose objects have another size than the chosen one."""

    diameter: float
    """Median diameter of its objects, in shortest edges."""
    score: float
    """Evidence for it."""
    confidence: float
    """Mean probability of its objects, weighted by their evidence."""
    num_objects: int = 0
    """Estimated number of its objects in the image, from the part that was tried."""
    share: float = 0.0
    """Its evidence as a share of that of the chosen scale, where both were tried."""

    @classmethod
    def of(cls, scale: ScaleEvidence | None, chosen: ScaleEvidence | None, volume: float) -> RunnerUp | None:
        """Return the summary of a scale, given the chosen one and the volume of the image in cubic edges."""
        if scale is None:
            return None
        score, confidence = scale.evidence
        likely = float((scale.probabilities >= _LIKELY).sum())
        number = likely * max(1.0, volume / scale.volume) if scale.num_effective >= 2 else likely
        return cls(
            diameter=scale.diameter,
            score=score,
            confidence=confidence,
            num_objects=round(number),
            share=0.0 if chosen is None else _share(scale, chosen),
        )

    def is_serious(self, diameter: float) -> bool:
        """Return whether it is worth a note, beside objects of a diameter."""
        ratio = max(self.diameter / diameter, diameter / self.diameter)
        sure = self.confidence >= _CONFIDENT and self.num_objects > 0
        return sure and ratio >= _RATIO and self.share >= _SHARE


def report_sizes(
    found: SearchResult, shape: Shape, *, unit: float
) -> tuple[RunnerUp | None, tuple[Note, ...]]:
    """Return the runner-up, and the remarks on other sizes and on an object that fills the image.

    ``unit`` is the diameter of an object of one shortest edge, as the user gives diameters.
    """
    volume = float(np.prod(np.array(shape) * np.array(found.aspect)))
    runner_up = RunnerUp.of(found.runner_up, found.best, volume)
    if found.best is None or found.diameter is None:
        return runner_up, ()
    notes = []
    if found.second is not None:
        small, large = sorted([found.diameter * unit, found.second.diameter * unit])
        text = f"objects of two sizes are found, diameters of about {small:.3g} and {large:.3g}"
        notes.append(Note("two_sizes", f"{text}; use diameter=D for those of one size"))
    elif runner_up is not None and runner_up.is_serious(found.diameter):
        size = f"{runner_up.diameter * unit:.3g}"
        text = f"also visible: {_about(runner_up.num_objects)} with a diameter of about {size}"
        notes.append(Note("runner_up", f"{text}; use diameter={size} to find these"))
    single = (found.best.probabilities >= _LIKELY).sum() == 1
    if single and np.pi / 6 * found.best.diameter**3 >= _FILLED * volume:
        text = "a single object fills much of the image and may be the whole specimen"
        notes.append(Note("specimen", f"{text}; use diameter=D with the diameter of its parts to find these"))
    return runner_up, tuple(notes)


def _share(scale: ScaleEvidence, chosen: ScaleEvidence) -> float:
    """Return the evidence of a scale as a share of that of another, in the smaller of their parts."""
    if scale.volume <= chosen.volume:
        mine, other = scale.evidence.score, chosen.within(scale.boxes).score
    else:
        mine, other = scale.within(chosen.boxes).score, chosen.evidence.score
    return mine / max(other, 1e-9)


def _about(number: int) -> str:
    """Return a number of objects in words, with two digits.

    Examples
    --------
    >>> _about(1), _about(23), _about(4182)
    ('1 object', 'some 23 objects', 'some 4200 objects')
    """
    if number == 1:
        return "1 object"
    rounded = int(float(f"{number:.2g}"))
    return f"some {rounded} objects"
