"""What models are judged on: simulated conditions, fresh samples of each recipe, real volumes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anystar
from anystar.arrays import Volume
from anystar.synth.recipes import recipe_names
from benchmarks.accuracy.volumes import Sample, load_samples
from benchmarks.models.cache import cached_simulation
from benchmarks.models.simulator.conditions import CONDITIONS, Condition
from benchmarks.models.simulator.simulate import typical_diameter

Group = Literal["simulated", "beyond", "thin", "empty", "recipe", "real", "centres"]
GROUPS: tuple[Group, ...] = ("simulated", "beyond", "thin", "empty", "recipe", "real", "centres")

HELD_OUT_SEED = 77_000_000
"""Training must not use it, nor the numbers above it."""
_RECIPE_SAMPLES, _RECIPE_SHAPE = 4, (64, 64, 64)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One volume to segment."""

    group: Group
    name: str
    "Of the condition, the recipe or the file."
    seed: int
    sample: Sample


def tasks(*, groups: tuple[Group, ...], seeds: range, cache: Path, data: Path) -> Iterator[Task]:
    """Yield every volume of the chosen groups, made or loaded as it is asked for."""
    for condition in CONDITIONS:
        group = _group(condition)
        if group in groups:
            for seed in seeds:
                sample = cached_simulation(cache, condition, seed=seed)
                yield Task(group=group, name=condition.name, seed=seed, sample=sample)
    if "recipe" in groups:
        for name in recipe_names():
            for seed in seeds:
                yield from _recipe_tasks(name, seed)
    if "real" in groups or "centres" in groups:
        for sample in load_samples(data):
            if sample.labels is not None and "real" in groups:
                yield Task(group="real", name=sample.name, seed=0, sample=sample)
            elif sample.centres is not None and "centres" in groups:
                yield Task(group="centres", name=sample.name, seed=0, sample=sample)


def _group(condition: Condition) -> Group:
    if condition.is_empty:
        return "empty"
    if condition.is_thin:
        return "thin"
    return "beyond" if condition.beyond else "simulated"


def _recipe_tasks(name: str, seed: int) -> Iterator[Task]:
    """Yield fresh samples with at least one object; they have cubic voxels and no unit."""
    batch = anystar.generate(
        anystar.get_recipe(name),
        seed=HELD_OUT_SEED + seed,
        indices=range(_RECIPE_SAMPLES),
        shape=_RECIPE_SHAPE,
    )
    for image, ground_truth in zip(batch.image.numpy(), batch.labels.numpy(), strict=True):
        diameter = typical_diameter(ground_truth, None)
        if diameter is not None:
            sample = Sample(
                name=name, image=Volume(data=image[0]), labels=ground_truth, centres=None, diameter=diameter
            )
            yield Task(group="recipe", name=name, seed=seed, sample=sample)
