"""One sample, stage by stage: what was drawn, and what it did to the image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from anystar.config import to_dict
from anystar.synth.connected_components import clean_labels
from anystar.synth.generate import Batch, generate
from anystar.synth.recipe import Recipe

__all__ = ["ExplainedStage", "explain", "parameters"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExplainedStage:
    """A sample after one stage."""

    name: str
    """The stage, as in the recipe."""
    image: np.ndarray
    """Float32, shape ``(Z, Y, X)``."""
    labels: np.ndarray
    """Int32, the same shape."""
    drawn: Any
    """The frozen parameters of the stage."""


def explain(
    recipe: Recipe,
    *,
    seed: int,
    index: int,
    shape: tuple[int, int, int] = (64, 64, 64),
) -> tuple[Batch, tuple[ExplainedStage, ...]]:
    """Replay one sample; return it and its image after every stage, from the painted objects to the end.

    Examples
    --------
    >>> from anystar.synth.recipes import get_recipe
    >>> batch, steps = explain(get_recipe("as-mix"), seed=0, index=3, shape=(16, 16, 16))
    >>> steps[0].name, bool((steps[-1].image == batch.image[0, 0].numpy()).all())
    ('image', True)
    """
    observed: list[tuple[str, np.ndarray, np.ndarray]] = []

    def observe(name: str, image: Tensor, key: Tensor) -> None:
        labels = clean_labels(key[0].cpu().numpy(), min_voxels=recipe.min_voxels)
        observed.append((name, image[0, 0].cpu().numpy().copy(), labels))

    batch = generate(recipe, seed=seed, indices=[index], shape=shape, observe=observe)
    drawn = batch.drawn[0]
    steps = [ExplainedStage(name=n, image=i, labels=labels, drawn=drawn[n]) for n, i, labels in observed]
    if steps:
        steps[-1] = replace(steps[-1], labels=batch.labels[0].cpu().numpy())
    return batch, tuple(steps)


def parameters(drawn: dict[str, Any], *, arrays: bool) -> dict[str, Any]:
    """Return the drawn parameters of a sample (:attr:`Batch.drawn`) as plain values, by stage.

    With ``arrays``, every object's place, size and shape is listed; without, only how many there are.
    """
    plain: dict[str, Any] = {}
    for stage, value in drawn.items():
        entries = to_dict(value)
        lists = {key: entry.tolist() for key, entry in entries.items() if isinstance(entry, np.ndarray)}
        count = {"num_objects": len(value.radius)} if lists else {}
        kept = {key: lists.get(key, entry) for key, entry in entries.items() if arrays or key not in lists}
        plain[stage] = count | {key: _short(entry) for key, entry in kept.items()}
    return plain


def _short(value: Any) -> Any:
    """Round floats to what a person can use; the seed replays the rest."""
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
