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
from anystar.synth.contrast import Contrast
from anystar.synth.contrast_painting import paint_contrast
from anystar.synth.deform import bend_coords
from anystar.synth.fields import lattice, sample
from anystar.synth.mixture import Mixture, paint_mixture
from anystar.synth.object_field import ObjectField
from anystar.synth.objects import Owner
from anystar.synth.recipe import Recipe, stages
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = ["Batch", "Observer", "Pending", "begin", "generate"]

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
    field = ObjectField.draw(recipe, streams, shape)
    points = lattice(shape, streams.device).expand(len(streams), -1, -1, -1, -1)
    key, owner, scaled = field.own(points)

    def after(stage: str, image: Tensor) -> None:
        if observe is not None:
            observe(stage, image, key)

    image, drawn_image = _paint(recipe, field, owner, key, scaled, streams)
    drawn = [field.drawn(row) | {"image": one} for row, one in enumerate(drawn_image)]
    after("image", rescale(image))
    image, drawn_first = run(stages(recipe.acquisition), rescale(image), streams, observe=after)
    _add(drawn, drawn_first)
    if some := Subset.of(drawn_image, lambda d: getattr(d, "mask", None), device=streams.device):
        bright = some.column(lambda d: not d.inverted, axes=4) > 0
        image = some.replace(image, ((some.pick(key) > 0)[:, None] == bright).float())
        _add([drawn[row] for row in some.places], [{"mask": d} for d in some.drawn])
        after("mask", image)
    if recipe.bend is not None:
        bend = [recipe.bend.draw(rng, shape) for rng in streams.scalars("bend")]
        _add(drawn, [{"bend": one} for one in bend])
        coords, on_lattice = bend_coords(bend, streams, shape)
        image = sample(image, coords, zeros=True)
        key = torch.where(on_lattice, field.own(coords)[0], 0)
        after("bend", rescale(image))
    image, drawn_last = run(stages(recipe.finish), rescale(image), streams, observe=after)
    _add(drawn, drawn_last)
    key = _without_hidden(key, recipe, drawn_last, shape)
    host, copied = _fetch(key)
    return Pending(image=image, key=host, copied=copied, min_voxels=recipe.min_voxels, drawn=tuple(drawn))


def _add(drawn: Sequence[dict[str, Any]], more: Sequence[dict[str, Any]]) -> None:
    """Add the parameters of further stages to those of each sample."""
    for own, part in zip(drawn, more, strict=True):
        own |= part


def _without_hidden(
    key: Tensor, recipe: Recipe, drawn: Sequence[dict[str, Any]], shape: tuple[int, int, int]
) -> Tensor:
    """Return the instances without what cutouts and margins hide."""
    hiding = [(name, stage) for name, stage in stages(recipe.finish) if isinstance(stage, Cutout | Margin)]
    if not any(name in d for d in drawn for name, _ in hiding):
        return key
    visible = np.ones((len(drawn), *shape), bool)
    for row, d in enumerate(drawn):
        for name, stage in hiding:
            if name in d:
                visible[row] &= stage.mask(d[name], shape)
    return key * put(visible, key.device, torch.bool)


def _paint(
    recipe: Recipe, field: ObjectField, owner: Owner, key: Tensor, scaled: Tensor, streams: Streams
) -> tuple[Tensor, list[Any]]:
    """Return the images before any augmentation, and the parameters of each."""
    rngs, num_keys = streams.scalars("image"), field.num_keys
    if isinstance(recipe.image, Mixture):
        drawn: list[Any] = [recipe.image.draw(rng) for rng in rngs]
        return paint_mixture(recipe.image, drawn, owner, key, scaled, field.extent, num_keys, streams), drawn
    assert isinstance(recipe.image, Contrast)
    drawn = [recipe.image.draw(rng, one) for rng, one in zip(rngs, field.layout, strict=True)]
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
