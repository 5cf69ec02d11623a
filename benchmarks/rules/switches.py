"""Segment with one automatic step switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from types import FunctionType
from typing import Any
from unittest.mock import patch

import numpy as np
from numba import njit

import anystar
from anystar.geometry import voting
from anystar.geometry.polyhedra import Polyhedra
from anystar.predict import adaptive_threshold, instances
from anystar.predict.candidates import Candidates
from anystar.preprocess import Preprocessing

__all__ = ["SWITCHES", "Switch"]


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One step that is switched off."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    "Of ``Model.segment``."
    search: dict[str, Any] = field(default_factory=dict)
    "Fields of ``SearchConfig``."
    patches: tuple[tuple[Any, str, Any], ...] = ()
    "Module, name, and what takes its place."

    @contextmanager
    def off(self, model: anystar.Model) -> Iterator[Callable[..., anystar.Result]]:
        """Yield ``segment`` of the model without the step."""
        kept = [patch.object(*each) for each in self.patches]
        for each in kept:
            each.start()
        try:
            changed = replace(model, search=replace(model.search, **self.search))
            yield partial(changed.segment, **self.options)
        finally:
            for each in kept:
                each.stop()


_suppress = instances.InstanceStages.suppress


def _suppress_once(stages: Any, some: Any, device: Any = None) -> np.ndarray:
    """Suppress candidates, but not their outlines."""
    return _suppress(stages, some, device) if isinstance(some, Candidates) else np.arange(len(some))


def _only_raised(probabilities: Any, usual: float) -> float:
    return max(usual, adaptive_threshold.choose_threshold(probabilities, usual))


def _only_lowered(probabilities: Any, usual: float) -> float:
    return min(usual, adaptive_threshold.choose_threshold(probabilities, usual))


def _plain_votes(some: Polyhedra, kept: np.ndarray) -> Polyhedra:
    """Vote with the mean in the place of the power mean; the constant is part of the compiled function."""
    with patch.object(voting, "_count_votes", _count_plainly()):
        return voting.vote(some, kept)


@cache
def _count_plainly() -> Any:
    own = FunctionType(voting._count_votes.py_func.__code__, {**vars(voting), "_POWER": 1})
    return njit(nogil=True, fastmath={"contract", "nsz"})(own)


_CHOOSE = "choose_threshold"
SWITCHES = (
    Switch(name="as it is"),
    Switch(name="illumination correction", options={"illumination": False}),
    Switch(name="appearance: smoothing and gammas", options={"appearance": False}),
    Switch(name="smoothing", search={"sigma": 0.0}),
    Switch(name="gammas", search={"gammas": ()}),
    Switch(name="adaptive threshold", options={"threshold": False}),
    Switch(name="threshold raised", patches=((anystar.predict.pipeline, _CHOOSE, _only_lowered),)),
    Switch(name="threshold lowered", patches=((anystar.predict.pipeline, _CHOOSE, _only_raised),)),
    Switch(name="precedence by volume", patches=((voting, "_SIZE", 0.0),)),
    Switch(name="votes", patches=((instances, "vote", lambda some, kept: some.take(kept)),)),
    Switch(name="power of the votes", patches=((instances, "vote", _plain_votes),)),
    Switch(name="second suppression", patches=((instances.InstanceStages, "suppress", _suppress_once),)),
    Switch(name="sizes from the plain image", patches=((Preprocessing, "adjusted", False),)),
    Switch(name="rule for specks", search={"min_speck_confidence": 0.55}),
    Switch(name="limits of confidence", search={"min_confidence": 0.0, "min_speck_confidence": 0.0}),
    Switch(name="parts of a specimen", search={"many_objects": float("inf")}),
    Switch(name="second size", search={"second_confidence": 1.1}),
)
