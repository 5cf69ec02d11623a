"""Which bodies there are and where: ellipsoids with gentle bumps, pushed apart, drawn on a cubic lattice."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

_NUM_BUMPS = 7
_BUMP_SHARPNESS = 4.0
_LEAST_VISIBLE = 0.15
_LEAST_VOXELS = 20


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many bodies, of which size and shape; lengths in voxels of the finest axis."""

    diameter: tuple[float, float]
    "Of a ball of the same volume; the logarithm is uniform in this range."
    fraction: float
    "Share of the space that bodies fill before they are pushed apart; 0 for none."
    clearance: float = 0.0
    "Between two surfaces; bodies overlap by as much where it is negative and meet half way."
    elongation: tuple[float, float] = (1.0, 1.2)
    "Longest axis over the mean of the others."
    bumps: float = 0.05
    "Largest height of a bump, as a share of the radius."


@dataclass(frozen=True, kw_only=True, eq=False)
class Bodies:
    """N star-convex bodies."""

    centre: np.ndarray
    "(N, 3) voxels ZYX."
    inverse: np.ndarray
    "(N, 3, 3) maps an offset from the centre into the unit ball."
    axis: np.ndarray
    "(N, 3) semi-axes in voxels."
    bump_direction: np.ndarray
    "(N, K, 3) in the unit ball."
    bump_height: np.ndarray
    "(N, K) share of the radius."

    def __len__(self) -> int:
        return len(self.centre)

    @property
    def radius(self) -> np.ndarray:
        """(N,) of balls of the same volume."""
        return self.axis.prod(axis=1) ** (1 / 3)

    def take(self, rows: np.ndarray) -> "Bodies":
        return Bodies(**{name: value[rows] for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """Bodies on a cubic lattice."""

    owner: np.ndarray
    "(Z, Y, X) int32: the body that a voxel is nearest to, -1 far from all."
    depth: np.ndarray
    "(Z, Y, X) float32: about how far below the surface of its owner a voxel lies, negative outside."


def draw_bodies(crowd: Crowd, extent: int, *, rng: np.random.Generator) -> Bodies:
    """Return bodies around and in a cube of ``extent`` voxels, pushed apart."""
    margin = crowd.diameter[1] / 2
    sizes: list[float] = []
    room = crowd.fraction * (extent + 2 * margin) ** 3
    while crowd.fraction > 0 and sum(np.pi / 6 * d**3 for d in sizes) < room:
        sizes.append(float(np.exp(rng.uniform(*np.log(crowd.diameter)))))
    num = len(sizes)
    long = rng.uniform(*crowd.elongation, num)
    uneven = rng.uniform(0.92, 1.09, num)
    axis = np.stack([long ** (2 / 3), long ** (-1 / 3) * uneven, long ** (-1 / 3) / uneven], axis=1)
    axis *= np.array(sizes).reshape(-1, 1) / 2
    turn = Rotation.from_quat(rng.normal(size=(num, 4))).as_matrix() if num else np.zeros((0, 3, 3))
    direction = rng.normal(size=(num, _NUM_BUMPS, 3))
    bodies = Bodies(
        centre=rng.uniform(-margin, extent + margin, (num, 3)),
        inverse=np.swapaxes(turn, 1, 2) / axis[:, :, None],
        axis=axis,
        bump_direction=direction / np.linalg.norm(direction, axis=2, keepdims=True),
        bump_height=rng.uniform(-1, 1, (num, _NUM_BUMPS)) * crowd.bumps,
    )
    return _push_apart(bodies, crowd.clearance, (-margin, extent + margin))


def _push_apart(bodies: Bodies, clearance: float, bounds: tuple[float, float], steps: int = 150) -> Bodies:
    """Move bodies until their surfaces are ``clearance`` apart, and drop those for which there is no room."""
    if len(bodies) < 2:
        return bodies
    centre = bodies.centre.copy()
    for _ in range(steps):
        first, second, lack, along = _contacts(bodies, centre, clearance)
        if not len(lack) or lack.max() < 0.1:
            break
        push = 0.4 * lack[:, None] * along
        np.add.at(centre, first, -push)
        np.add.at(centre, second, push)
        np.clip(centre, *bounds, out=centre)
    moved = Bodies(**{**vars(bodies), "centre": centre})
    first, second, lack, _ = _contacts(moved, centre, clearance)
    kept = np.ones(len(moved), bool)
    for i, j, missing in zip(first, second, lack, strict=True):
        if kept[i] and kept[j] and missing > 1 + 0.05 * min(moved.radius[i], moved.radius[j]):
            kept[j] = False
    return moved.take(kept)


def _contacts(
    bodies: Bodies, centre: np.ndarray, clearance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs nearer than they may be, by how much, and the direction from the first to the second."""
    reach = max(2 * bodies.axis.max() + clearance, 1e-3)
    first, second = cKDTree(centre).query_pairs(reach, output_type="ndarray").T
    offset = centre[second] - centre[first]
    distance = np.linalg.norm(offset, axis=1)
    along = offset / np.maximum(distance, 1e-9)[:, None]
    radii = [
        1 / np.linalg.norm(np.einsum("nij,nj->ni", bodies.inverse[n], along), axis=1) for n in (first, second)
    ]
    lack = radii[0] + radii[1] + clearance - distance
    near = lack > 0
    return first[near], second[near], lack[near], along[near]


def rasterise(bodies: Bodies, extent: int) -> Drawing:
    """Draw bodies on a cube of ``extent`` voxels; where they overlap, each keeps what is deeper in it."""
    owner = np.full((extent,) * 3, -1, np.int32)
    nearest = np.full((extent,) * 3, np.inf, np.float32)
    for i in range(len(bodies)):
        reach = bodies.axis[i].max() * (1 + np.abs(bodies.bump_height[i]).sum()) + 2
        low = np.maximum(np.floor(bodies.centre[i] - reach).astype(int), 0)
        high = np.minimum(np.ceil(bodies.centre[i] + reach).astype(int) + 1, extent)
        if (low >= high).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        at = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
        unit = ((at - bodies.centre[i]) @ bodies.inverse[i].T).astype(np.float32)
        length = np.linalg.norm(unit, axis=-1)
        toward = (unit / np.maximum(length, 1e-6)[..., None]) @ bodies.bump_direction[i].T.astype(np.float32)
        surface = 1 + np.exp(_BUMP_SHARPNESS * (toward - 1)) @ bodies.bump_height[i].astype(np.float32)
        relative = length / surface
        closer = (relative < nearest[box]) & ((relative - 1) * bodies.axis[i].min() < 2)
        nearest[box][closer] = relative[closer]
        owner[box][closer] = i
    radius = bodies.axis.min(axis=1) if len(bodies) else np.ones(1)
    depth = np.where(owner >= 0, (1 - nearest) * radius[owner], -np.inf).astype(np.float32)
    return Drawing(owner=owner, depth=depth)


def drop_slivers(drawing: Drawing, bodies: Bodies, planes: slice) -> Drawing:
    """Erase bodies of which almost nothing lies on the stored planes, from ground truth and image alike."""
    if not len(bodies):
        return drawing
    stored = drawing.owner[planes][drawing.depth[planes] > 0]
    seen = np.bincount(stored, minlength=len(bodies))
    whole = 4 / 3 * np.pi * bodies.axis.prod(axis=1) / (planes.step or 1)
    gone = ~((seen >= _LEAST_VISIBLE * whole) & (seen >= _LEAST_VOXELS))
    erased = (drawing.owner >= 0) & gone[drawing.owner]
    return Drawing(
        owner=np.where(erased, -1, drawing.owner).astype(np.int32),
        depth=np.where(erased, -np.inf, drawing.depth).astype(np.float32),
    )
