"""Recipe, seed, indices -> a batch of images and labels, all on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anystar.synth.augment.base import rescale, run
from anystar.synth.augment.cutout import Cutout
from anystar.synth.augment.margin import Margin
from anystar.synth.connected_components import clean_batch
from anystar.synth.contrast import Contrast, paint_contrast
from anystar.synth.deform import bend_coords, world_coords
from anystar.synth.fields import lattice, sample
from anystar.synth.grains import carve
from anystar.synth.layouts import build_objects
from anystar.synth.mixture import Mixture, paint_mixture
from anystar.synth.objects import Owner, evaluate
from anystar.synth.recipe import Recipe, stages
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = ["Batch", "Observer", "Pending", "begin", "generate"]

_CELLS = 729
"""Mirror images of the world that are distinguished: nine an axis."""

Observer = Callable[[str, Tensor, Tensor], None]
"""Takes a stage's name, the images ``(B, 1, Z, Y, X)`` and the instances ``(B, Z, Y, X)`` after it."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch of samples."""

    image: Tensor
    """Float32 in [0, 1], shape ``(B, 1, Z, Y, X)``."""
    labels: Tensor
    """Int32, shape ``(B, Z, Y, X)``; 0 is background, instances are 1 to n without gaps."""
    drawn: tuple[dict[str, Any], ...]
    """For each sample, the parameters of every stage, by the stage's name."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A batch that the device still works on: the host may do something else before it needs the labels."""

    image: Tensor
    key: Tensor
    """Instances before they are cleaned, on the host as soon as ``copied`` says so; ``(B, Z, Y, X)``."""
    copied: torch.cuda.Event | None
    """``None`` if they are there."""
    min_voxels: int
    drawn: tuple[dict[str, Any], ...]

    def finish(self) -> Batch:
        """Wait for the instances, clean them, and return the batch."""
        if self.copied is not None:
            self.copied.synchronize()
        labels = clean_batch(self.key.numpy(), min_voxels=self.min_voxels)
        return Batch(image=self.image, labels=put(labels, self.image.device, torch.int32), drawn=self.drawn)


def generate(
    recipe: Recipe,
    *,
    seed: int,
    indices: Sequence[int],
    shape: tuple[int, int, int] = (64, 64, 64),
    device: torch.device | str = "cpu",
    observe: Observer | None = None,
) -> Batch:
    """Make samples ``indices`` of the endless series that ``recipe`` and ``seed`` define.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Non-negative.
    indices : sequence of int
        Which samples; each is a pure function of ``(recipe, seed, index, shape)``.
    shape : three ints
        Each at least 8.
    device : torch.device or str
        Where everything but the search for connected pieces runs.
    observe : callable, optional
        Called after every stage that any sample got (see :data:`Observer`).

    Returns
    -------
    Batch

    Examples
    --------
    >>> from anystar.synth.recipes import get_recipe
    >>> batch = generate(get_recipe("as-mix"), seed=0, indices=[0, 1], shape=(32, 32, 32))
    >>> batch.image.shape, batch.labels.dtype
    (torch.Size([2, 1, 32, 32, 32]), torch.int32)
    """
    return begin(recipe, seed=seed, indices=indices, shape=shape, device=device, observe=observe).finish()


def begin(
    recipe: Recipe,
    *,
    seed: int,
    indices: Sequence[int],
    shape: tuple[int, int, int] = (64, 64, 64),
    device: torch.device | str = "cpu",
    observe: Observer | None = None,
) -> Pending:
    """Let the device begin what :func:`generate` returns, without waiting for it."""
    recipe.check_shape(shape)
    streams = Streams(seed, indices, device)
    world = (
        None if recipe.world is None else [recipe.world.draw(rng, shape) for rng in streams.scalars("world")]
    )
    extent = max(shape) if world is None else world[0].size
    layout = [recipe.layout.draw(rng, extent, shape) for rng in streams.scalars("layout")]
    objects = build_objects(layout, streams)
    walls = isinstance(recipe.image, Contrast)

    def own(points_BZYX3: Tensor) -> tuple[Tensor, Owner, Tensor]:
        """Return each point's instance (0 for none), its owner, and where textures are read."""
        if world is None:
            owner = evaluate(objects, points_BZYX3, walls=walls)
            owner = carve(owner, [one.gap for one in layout], [one.absent for one in layout])
            return owner.index_BZYX + 1, owner, points_BZYX3
        planes = _slab(len(streams) * shape[1] * shape[2], streams.device)
        keys, owners, scaled = zip(*map(own_slab, points_BZYX3.split(planes, dim=1)), strict=True)
        if len(keys) == 1:
            return keys[0], owners[0], scaled[0]
        owner = Owner(
            index_BZYX=torch.cat([o.index_BZYX for o in owners], dim=1),
            depth_BZYX=torch.cat([o.depth_BZYX for o in owners], dim=1),
            wall_BZYX=torch.cat([o.wall_BZYX for o in owners], dim=1) if walls else None,
        )
        return torch.cat(keys, dim=1), owner, torch.cat(scaled, dim=1)

    def own_slab(points_BZYX3: Tensor) -> tuple[Tensor, Owner, Tensor]:
        assert world is not None
        scaled, coords, cell, inside = world_coords(world, points_BZYX3, shape)
        owner = evaluate(objects, coords, walls=walls)
        key = torch.where((owner.index_BZYX >= 0) & inside, owner.index_BZYX * _CELLS + cell + 1, 0)
        return key, owner, scaled

    points = lattice(shape, streams.device).expand(len(streams), -1, -1, -1, -1)
    key, owner, scaled = own(points)
    image, drawn_image = _paint(recipe, owner, key, scaled, extent, layout, streams)

    def after(stage: str, image: Tensor) -> None:
        if observe is not None:
            observe(stage, image, key)

    after("image", rescale(image))
    image, drawn_first = run(stages(recipe.acquisition), rescale(image), streams, observe=after)

    drawn_mask: list[dict[str, Any]] = [{} for _ in drawn_image]
    if some := Subset.of(drawn_image, lambda d: getattr(d, "mask", None), device=streams.device):
        bright = some.column(lambda d: not d.inverted, axes=4) > 0
        image = some.replace(image, ((some.pick(key) > 0)[:, None] == bright).float())
        for row, d in zip(some.places, some.drawn, strict=True):
            drawn_mask[row]["mask"] = d
        after("mask", image)

    bend = None
    if recipe.bend is not None:
        bend = [recipe.bend.draw(rng, shape) for rng in streams.scalars("bend")]
        coords, on_lattice = bend_coords(bend, streams, shape)
        image = sample(image, coords, zeros=True)
        key = torch.where(on_lattice, own(coords)[0], 0)
        after("bend", rescale(image))
    image, drawn_last = run(stages(recipe.finish), rescale(image), streams, observe=after)

    hidden = [(name, stage) for name, stage in stages(recipe.finish) if isinstance(stage, Cutout | Margin)]
    if any(name in d for d in drawn_last for name, _ in hidden):
        visible = np.ones((len(streams), *shape), bool)
        for row, d in enumerate(drawn_last):
            for name, stage in hidden:
                if name in d:
                    visible[row] &= stage.mask(d[name], shape)
        key = key * put(visible, key.device, torch.bool)
    drawn = []
    for row in range(len(streams)):
        parts: dict[str, Any] = {} if world is None else {"world": world[row]}
        parts |= {"layout": layout[row], "image": drawn_image[row]}
        parts |= (
            drawn_first[row]
            | drawn_mask[row]
            | ({} if bend is None else {"bend": bend[row]})
            | drawn_last[row]
        )
        drawn.append(parts)
    host, copied = _fetch(key)
    return Pending(image=image, key=host, copied=copied, min_voxels=recipe.min_voxels, drawn=tuple(drawn))


def _slab(points_a_plane: int, device: torch.device) -> int:
    """Return how many planes are evaluated at once: on a CPU what bounds the memory, elsewhere all."""
    return max(16, 2**22 // points_a_plane) if device.type == "cpu" else 2**31


def _paint(
    recipe: Recipe,
    owner: Owner,
    key: Tensor,
    scaled: Tensor,
    extent: int,
    layout: Sequence[Any],
    streams: Streams,
) -> tuple[Tensor, list[Any]]:
    rngs = streams.scalars("image")
    copies = 1 if recipe.world is None else _CELLS
    num_keys = [len(one.radius) * copies + 1 for one in layout]
    if isinstance(recipe.image, Mixture):
        drawn: list[Any] = [recipe.image.draw(rng) for rng in rngs]
        return paint_mixture(recipe.image, drawn, owner, key, scaled, extent, num_keys, streams), drawn
    assert isinstance(recipe.image, Contrast)
    drawn = [recipe.image.draw(rng, one) for rng, one in zip(rngs, layout, strict=True)]
    return paint_contrast(drawn, owner, key, num_keys, streams), drawn


def _fetch(key: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    """Copy instances to the host; from a graphics card as few bytes as will do, and later."""
    if key.device.type != "cuda":
        return key.cpu(), None
    host = torch.empty(key.shape, dtype=torch.int32, pin_memory=True)
    host.copy_(key.int(), non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(key.device))
    return host, copied
