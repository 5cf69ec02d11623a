import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from anystar.synth.fields import lattice, perlin, perlin_gradients, sample
from anystar.synth.layouts import Packing, SphereGrid, build_objects
from anystar.synth.objects import find_owners, find_owners_in_torch
from anystar.synth.placement import clear_of
from anystar.synth.streams import Streams


def literal_owner(objects, row, coords):
    """Test every object at every point, one after the other."""
    points = coords.reshape(-1, 3).double()
    reading = (coords[None] - objects.noise_origin) * objects.noise_scale_B[row]
    noise = sample(objects.noise_B1IJK[row : row + 1], reading)[0, 0].reshape(-1).double()
    best = torch.full((len(points),), torch.inf, dtype=torch.float64)
    owner = torch.full((len(points),), -1)
    for i in range(objects.radius_BN.shape[1]):
        radius = objects.radius_BN[row, i].double()
        offset = points - objects.centre_BN3[row, i].double()
        if objects.metric_BN33 is not None:
            offset = offset @ objects.metric_BN33[row, i].double().T
        distance = offset.norm(dim=1)
        inside = distance + objects.bump_BN[row, i] * noise < radius
        order = distance - objects.priority * radius
        wins = inside & (order < best)
        owner[wins], best[wins] = i, order[wins]
    return owner.reshape(coords.shape[:3])


@pytest.mark.parametrize("layout", [SphereGrid(), Packing(diameter=(6, 12))], ids=["grid", "packing"])
def test_owner_equals_testing_every_object(layout):
    streams = Streams(5, [0, 1])
    shape = (32, 32, 32)
    world = 128 if isinstance(layout, SphereGrid) else 32
    drawn = [layout.draw(rng, world, shape) for rng in streams.scalars("layout")]
    objects = build_objects(drawn, streams)
    coords = lattice(shape, "cpu").expand(2, -1, -1, -1, -1) * (2.5 if world == 128 else 1)
    found = find_owners(objects, coords)
    for row in range(2):
        literal = literal_owner(objects, row, coords[row])
        assert (found.index_BZYX[row] != literal).float().mean() < 1e-4  # ties of float32 against float64
        assert (literal >= 0).any()


def test_sphere_grid_equals_the_papers_rule():
    """Sixty-four jittered spheres; the nearest of those that hold the voxel wins (GENERATOR stage 1)."""
    streams = Streams(1, [7])
    drawn = SphereGrid().draw(streams.scalars("layout")[0], 128, (64, 64, 64))
    coords = lattice((128, 128, 128), "cpu")[None, ::4, ::4, ::4]
    found = find_owners(build_objects([drawn], streams), coords).index_BZYX[0].numpy()
    noise = perlin(perlin_gradients(streams.fields("layout"), 8, "cpu"), 128)[0, ::4, ::4, ::4].numpy()
    away = np.linalg.norm(coords[0].numpy()[..., None, :] - drawn.centre, axis=-1)
    corrupted = away + 0.9 * 12 * noise[..., None]
    corrupted[corrupted >= drawn.radius] = np.inf
    literal = np.where(np.isfinite(corrupted).any(-1), corrupted.argmin(-1), -1)
    assert (found != literal).mean() < 1e-4
    assert 42 <= len(drawn.radius) <= 64


def test_layouts_respect_their_ranges():
    for index in range(20):
        rng = Streams(2, [index]).scalars("layout")[0]
        drawn = SphereGrid().draw(rng, 128, (64, 64, 64))
        assert ((drawn.radius >= 0.6 * 12) & (drawn.radius <= 1.2 * 12)).all()
        assert (drawn.centre.min() >= 24 - 6) & (drawn.centre.max() <= 96 + 6)
        packed = Packing(empty=0.0).draw(rng, 64, (64, 64, 64))
        assert (packed.radius >= 0.8 * 2.5).all()
        assert np.allclose(np.linalg.det(packed.metric), 1)


def test_depth_is_the_distance_to_a_smooth_ball():
    streams = Streams(0, [0])
    drawn = Packing(diameter=(20, 20), spread=(0, 0), second=0, bump=(0, 0), elongation=(1, 1), empty=0)
    objects = build_objects([drawn.draw(streams.scalars("layout")[0], 32, (32, 32, 32))], streams)
    coords = objects.centre_BN3[:, :1, None, None] + torch.tensor([0.0, 0.0, 4.0]).view(1, 1, 1, 1, 3)
    found = find_owners(objects, coords.expand(1, 4, 4, 4, 3))
    assert found.wall_BZYX is None
    assert found.index_BZYX[0, 0, 0, 0] == 0
    assert float(found.depth_BZYX[0, 0, 0, 0]) == pytest.approx(float(objects.radius_BN[0, 0]) - 4, abs=1e-4)


@pytest.mark.parametrize("way", [find_owners, find_owners_in_torch])
def test_walls_are_where_labels_change(way):
    """The distance to where the owner ends is that to the nearest point of anything else."""
    streams = Streams(3, [0])
    layout = Packing(
        diameter=(14, 14), spread=(0, 0), second=0, bump=(0, 0), elongation=(1, 1), empty=0,
        gap=(0.7, 0.7), kept=(0.9, 0.9), clustered=0, tissue=0,
    )  # fmt: skip
    objects = build_objects([layout.draw(streams.scalars("layout")[0], 32, (32, 32, 32))], streams)
    fine = lattice((96, 96, 96), "cpu") / 3
    found = way(objects, fine[None], walls=True)
    labels, wall = found.index_BZYX[0].numpy(), found.wall_BZYX[0].numpy()
    true = np.zeros(labels.shape)
    for label in np.unique(labels[labels >= 0]):
        true = np.maximum(true, distance_transform_edt(labels == label) / 3)
    inner = (slice(24, -24),) * 3  # what lies beyond the volume is near nothing in here
    inside = (labels >= 0)[inner]
    difference, close = (wall - true)[inner][inside], true[inner][inside] < 1.5
    assert difference[close].max() < 0.35, "never more than the distance, but for the grid"
    assert np.quantile(np.abs(difference[close]), 0.95) < 0.6
    assert (wall[labels < 0] == 0).all()
    touching = (found.depth_BZYX[0].numpy() - wall)[inner][inside] > 1
    assert touching.mean() > 0.2, "without neighbours, walls would be no deeper than surfaces"
    outside = (labels < 0)[inner]
    depth = found.depth_BZYX[0].numpy()[inner][outside]
    from_objects = distance_transform_edt(labels < 0)[inner][outside] / 3
    near = from_objects < 1.5
    assert np.abs(-depth - from_objects)[near].max() < 0.7


def test_the_second_population_keeps_clear_of_the_first():
    rng = np.random.default_rng(0)
    points, centre = rng.uniform(0, 60, (300, 3)), rng.uniform(0, 60, (80, 3))
    room, radius = rng.uniform(0.5, 3, 300), rng.uniform(2, 9, 80)
    distance = np.linalg.norm(points[:, None] - centre, axis=-1) - radius
    expected = (distance > room[:, None]).all(1)
    assert 20 < expected.sum() < 280
    assert np.array_equal(clear_of(points, room, centre, radius), expected)
    assert clear_of(points, room, centre[:0], radius[:0]).all()
    assert len(clear_of(points[:0], room[:0], centre, radius)) == 0
