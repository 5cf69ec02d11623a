"""What Triton compiles for graphics cards is what torch does; without a card, Triton interprets it."""

import pytest
import torch

from anystar.synth import deform, objects
from anystar.synth.fields import lattice
from anystar.synth.layouts import build_objects
from anystar.synth.recipes import get_recipe
from anystar.synth.streams import Streams
from tests.triton_tools import compile_for

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SHAPE = (9, 12, 14)
TRIALS = {"owners": objects._trial, "place": deform._trial}


@pytest.fixture
def kernels():
    pytest.importorskip("triton")
    from anystar.synth import gpu_kernels

    return gpu_kernels


@pytest.mark.parametrize("name", ["as-mix", "wide", "broad"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_owners_are_those_of_torch(name, shared, kernels):
    streams, recipe = Streams(1, range(4), DEVICE), get_recipe(name)
    extent, walls = (64, False) if name == "as-mix" else (max(SHAPE), True)
    layout = [recipe.layout.draw(rng, extent, SHAPE) for rng in streams.scalars("layout")]
    placed = build_objects(layout, streams)
    points = (lattice(SHAPE, DEVICE) + 0.31 + (20 if name == "as-mix" else 0)).expand(4, -1, -1, -1, -1)
    if not shared:
        points = points + torch.linspace(0, 4, 4, device=DEVICE).view(-1, 1, 1, 1, 1)
    ours, twin = (f(placed, points, walls=walls) for f in (kernels.owners, objects.find_owners_in_torch))
    assert (ours.index_BZYX >= 0).any()
    assert torch.equal(ours.index_BZYX, twin.index_BZYX)
    assert torch.allclose(ours.depth_BZYX, twin.depth_BZYX, atol=1e-4)
    if walls:
        assert torch.allclose(ours.wall_BZYX, twin.wall_BZYX, atol=1e-4)
    else:
        assert ours.wall_BZYX is None


@pytest.mark.parametrize("shared", [True, False])
def test_points_are_placed_as_torch_places_them(shared, kernels, monkeypatch):
    recipe, shape = get_recipe("as-mix"), (17, 20, 23)
    drawn = [recipe.world.draw(rng, shape) for rng in Streams(0, range(6)).scalars("world")]
    assert {d.mirrored for d in drawn} == {True, False}
    points = lattice(shape, DEVICE).expand(6, -1, -1, -1, -1)
    points = points if shared else points * 1.5 - 3.0
    monkeypatch.setattr(deform, "is_compiled", lambda tensor: False)
    twin = deform.world_coords(drawn, points, shape)
    monkeypatch.setattr(deform, "kernel_for", lambda *_: kernels.place)
    scaled, world, cell, inside = deform.world_coords(drawn, points, shape)
    assert 0.05 < inside.float().mean() < 1
    assert len(cell.unique()) > 8
    same = (cell == twin[2]) & (inside == twin[3])
    assert same.float().mean() > 0.9999, "rounding may put a point on either side of a mirror"
    assert torch.allclose(scaled, twin[0], atol=1e-3)
    assert torch.allclose(world, twin[1], atol=1e-3)


@pytest.mark.parametrize("architecture", [75, 90])
@pytest.mark.parametrize("kernel", ["_owners", "_place"])
def test_they_compile_for_cards_that_are_not_here(kernel, architecture):
    pytest.importorskip("triton")
    kinds = dict.fromkeys(["dims", "begin", "first", "index", "cell"], "*i64")
    kinds |= dict.fromkeys(["stride", "num_points", "num_objects", "ni", "nj", "nk"], "i32")
    kinds |= dict.fromkeys(["origin", "priority", "far", "last", "per_fold"], "fp32")
    kinds |= {"rows": "*i32", "inside": "*i1"}
    fixed = {"BLOCK": 256} | ({"HAS_FORM": True, "WALLS": True} if kernel == "_owners" else {})
    assert compile_for(architecture, "anystar.synth.gpu_kernels", kernel, kinds, fixed) > 5_000


@pytest.mark.parametrize("name", TRIALS)
def test_trials_pass(name, kernels):
    assert TRIALS[name](getattr(kernels, name), DEVICE) == ""


def test_a_kernel_that_errs_is_found_out():
    def others(placed, points, *, walls):
        found = objects.find_owners_in_torch(placed, points, walls=walls)
        return objects.replace(found, index_BZYX=found.index_BZYX.flip(1))

    def deeper(placed, points, *, walls):
        found = objects.find_owners_in_torch(placed, points, walls=walls)
        return objects.replace(found, depth_BZYX=found.depth_BZYX + 0.1)

    def images(*args):
        scaled, world, cell, inside = deform.world_coords_in_torch(*args)
        return scaled, world, 728 - cell, inside

    def elsewhere(*args):
        scaled, world, cell, inside = deform.world_coords_in_torch(*args)
        return scaled, world + 0.1, cell, inside

    assert objects._trial(objects.find_owners_in_torch, DEVICE) == ""
    assert "other objects" in objects._trial(others, DEVICE)
    assert "other depths" in objects._trial(deeper, DEVICE)
    assert deform._trial(deform.world_coords_in_torch, DEVICE) == ""
    assert "mirror images" in deform._trial(images, DEVICE)
    assert "elsewhere" in deform._trial(elsewhere, DEVICE)
