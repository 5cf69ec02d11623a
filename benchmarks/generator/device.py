"""What a batch asks of a device, counted without one: ``python -m benchmarks.generator.device``.

On the meta device, which computes nothing: operations that launch a kernel, and bytes that they read and
write, a sample. The search for owners and the placing of points count as one kernel each, which they are
where Triton is, without bytes. Beside it, what the host needs to draw the parameters, in one thread here.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from anystar.synth import deform, generate, layouts, object_field
from anystar.synth.mixture import Mixture
from anystar.synth.objects import find_owners_in_torch
from anystar.synth.recipe import Recipe, stages
from anystar.synth.recipes import get_recipe, recipe_names
from anystar.synth.streams import Streams

SHAPE = (64, 64, 64)


class Counter(TorchDispatchMode):
    """Counts kernels and the bytes that they touch."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels, self.bytes, self.counting = 0, 0, True

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if self.counting and not function.is_view:
            tensors = [t for t in _pytree.tree_leaves((args, kwargs, result)) if isinstance(t, Tensor)]
            if any(t.device.type == "meta" for t in tensors):
                self.kernels += 1
                self.bytes += sum(t.nbytes for t in tensors if t.device.type == "meta")
        return result

    def as_one(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let all that a function does count as one kernel without bytes."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.counting, self.kernels = False, self.kernels + 1
            try:
                return function(*args, **kwargs)
            finally:
                self.counting = True

        return wrapped


def count(recipe: Recipe, batch: int) -> Counter:
    """Make a batch up to its labels on the meta device."""

    def stop(tensor: Tensor) -> None:
        raise InterruptedError

    def no_generators(self: Streams, stage: str, rows: Any = None) -> list[None]:
        return [None] * len(self if rows is None else rows)

    counter = Counter()
    with (
        mock.patch.object(Tensor, "cpu", stop),
        mock.patch.object(Streams, "fields", no_generators),
        mock.patch.object(object_field, "find_owners", counter.as_one(find_owners_in_torch)),
        mock.patch.object(deform, "world_coords_in_torch", counter.as_one(deform.world_coords_in_torch)),
        counter,
    ):
        try:
            generate.begin(recipe, seed=0, indices=range(batch), shape=SHAPE, device="meta")
        except InterruptedError:
            return counter
    raise AssertionError("the labels were never asked for")


def time_draws(recipe: Recipe, num: int) -> float:
    """Return seconds a sample to draw all that is drawn on the host."""
    seconds = []
    for repeat in range(3):
        begun = time.perf_counter()
        streams = Streams(0, range(repeat * num, (repeat + 1) * num))
        extent = max(SHAPE)
        if recipe.world is not None:
            worlds = [recipe.world.draw(rng, SHAPE) for rng in streams.scalars("world")]
            extent = worlds[0].size
        drawn = [recipe.layout.draw(rng, extent, SHAPE) for rng in streams.scalars("layout")]
        blank = (torch.zeros(num, 1, 1, 1), [1.0] * num)  # the device draws it
        with mock.patch.object(layouts, "_corruption", return_value=blank):
            layouts.build_objects(drawn, streams)
        for name, stage in stages(recipe.acquisition) + stages(recipe.finish):
            for rng in streams.scalars(name):
                if rng.random() < stage.probability:
                    stage.draw(rng)
        for rng in streams.scalars("image"):
            recipe.image.draw(rng) if isinstance(recipe.image, Mixture) else recipe.image.draw(rng, drawn[0])
        seconds.append((time.perf_counter() - begun) / num)
    return min(seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["as-mix", "wide", "broad"], choices=recipe_names())
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16, 64])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| recipe | batch | kernels a sample | MB a sample | drawn in, ms a sample |\n|---|---|---|---|---|"
    )
    for name in options.recipes:
        recipe = get_recipe(name)
        draws = 1000 * time_draws(recipe, 32)
        for batch in options.batches:
            counter = count(recipe, batch)
            each, moved = counter.kernels / batch, counter.bytes / batch / 1e6
            print(f"| {name} | {batch} | {each:.0f} | {moved:.0f} | {draws:.2f} |", flush=True)


if __name__ == "__main__":
    main()
