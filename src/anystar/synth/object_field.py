"""The objects of a batch as a function of space: which instance owns each point of the image.

Points go straight into the layout's space, or through a world that is larger than the image and mirrored at
its faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from anystar.synth.contrast import Contrast
from anystar.synth.deform import WorldDrawn, world_coords
from anystar.synth.grains import carve
from anystar.synth.layouts import LayoutDrawn, build_objects
from anystar.synth.objects import Owner, SyntheticObjects, find_owners
from anystar.synth.recipe import Recipe
from anystar.synth.streams import Streams

__all__ = ["ObjectField"]

_CELLS = 729
"""Mirror images of the world that are distinguished: nine per axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectField:
    """The objects of a batch, and how the image lies among them."""

    shape: tuple[int, int, int]
    """Voxels of a sample along Z, Y, X."""
    extent: int
    """Voxels per axis of the space in which objects are placed."""
    world: Sequence[WorldDrawn] | None
    """How each image lies in its world; ``None`` if objects are placed in the image itself."""
    layout: Sequence[LayoutDrawn]
    """Parameters of the objects of each sample."""
    objects: SyntheticObjects
    walls: bool
    """Whether distances to walls between objects are needed."""

    @classmethod
    def draw(cls, recipe: Recipe, streams: Streams, shape: tuple[int, int, int]) -> ObjectField:
        """Draw world and objects of each sample."""
        world = None
        if recipe.world is not None:
            world = [recipe.world.draw(rng, shape) for rng in streams.scalars("world")]
        extent = max(shape) if world is None else world[0].size
        layout = [recipe.layout.draw(rng, extent, shape) for rng in streams.scalars("layout")]
        return cls(
            shape=shape,
            extent=extent,
            world=world,
            layout=layout,
            objects=build_objects(layout, streams),
            walls=isinstance(recipe.image, Contrast),
        )

    @property
    def num_keys(self) -> list[int]:
        """A number above every instance of each sample."""
        copies = 1 if self.world is None else _CELLS
        return [len(one.radius) * copies + 1 for one in self.layout]

    def drawn(self, row: int) -> dict[str, Any]:
        """Return the parameters of a sample, by stage."""
        own: dict[str, Any] = {} if self.world is None else {"world": self.world[row]}
        return own | {"layout": self.layout[row]}

    def own(self, points_BZYX3: Tensor) -> tuple[Tensor, Owner, Tensor]:
        """Return each point's instance (0 for none), its owner, and where textures are read."""
        if self.world is None:
            owner = find_owners(self.objects, points_BZYX3, walls=self.walls)
            owner = carve(owner, [one.gap for one in self.layout], [one.absent for one in self.layout])
            return owner.index_BZYX + 1, owner, points_BZYX3
        batch, _, height, width, _ = points_BZYX3.shape
        planes = _slab(batch * height * width, points_BZYX3.device)
        slabs = [self._own_in_world(self.world, slab) for slab in points_BZYX3.split(planes, dim=1)]
        if len(slabs) == 1:
            return slabs[0]
        keys, owners, scaled = zip(*slabs, strict=True)
        owner = Owner(
            index_BZYX=torch.cat([o.index_BZYX for o in owners], dim=1),
            depth_BZYX=torch.cat([o.depth_BZYX for o in owners], dim=1),
            wall_BZYX=torch.cat([o.wall_BZYX for o in owners], dim=1) if self.walls else None,
        )
        return torch.cat(keys, dim=1), owner, torch.cat(scaled, dim=1)

    def _own_in_world(
        self, world: Sequence[WorldDrawn], points_BZYX3: Tensor
    ) -> tuple[Tensor, Owner, Tensor]:
        """Do :meth:`own` to some planes of points; mirror images of an object are instances of their own."""
        scaled, coords, cell, inside = world_coords(world, points_BZYX3, self.shape)
        owner = find_owners(self.objects, coords, walls=self.walls)
        key = torch.where((owner.index_BZYX >= 0) & inside, owner.index_BZYX * _CELLS + cell + 1, 0)
        return key, owner, scaled


def _slab(points_per_plane: int, device: torch.device) -> int:
    """Return how many planes are evaluated at once: on a CPU what bounds the memory, elsewhere all."""
    return max(16, 2**22 // points_per_plane) if device.type == "cpu" else 2**31
