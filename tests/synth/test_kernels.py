"""What CPUs run (compiled) is what other devices run (torch), and those never make the host wait."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.utils._python_dispatch import TorchDispatchMode

from anystar.config import override
from anystar.synth import deform, fields, generate, kernels, mixture, object_field, objects, separable
from anystar.synth.fields import largest_channel, upsample
from anystar.synth.recipes import get_recipe, recipe_names
from anystar.synth.streams import Streams

SHAPE = (24, 28, 32)
_ASKS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")


@pytest.fixture
def in_torch(monkeypatch):
    """Let the CPU do as other devices do."""
    for module in (deform, fields, mixture, objects):
        monkeypatch.setattr(module, "is_compiled", lambda tensor: False)
    monkeypatch.setattr(separable, "BLOCK", 10**9)  # whole products


class Asked(TorchDispatchMode):
    """Notes every operation whose result the host reads."""

    def __init__(self):
        super().__init__()
        self.operations, self.watching = [], True

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = str(function).removeprefix("aten.").split(".")[0]
        reads = name in _ASKS or (name == "index" and any(_is_mask(a) for a in args[1]))
        if reads and self.watching:
            self.operations.append(name)
        return function(*args, **(kwargs or {}))

    @contextmanager
    def looking_away(self):
        self.watching = False
        yield
        self.watching = True


def _is_mask(index):
    return index is not None and index.dtype in (torch.bool, torch.uint8)


@pytest.mark.parametrize("name", recipe_names())
def test_both_make_the_same_samples(name, request):
    recipe = get_recipe(name)
    # Counts are drawn by rejection: rounding changes how many numbers they take, and so all that follow.
    counts = ("finish", "final_noise") if name.startswith("as-") else ("acquisition", "photon_noise")
    recipe = override(recipe, {counts[0]: {counts[1]: {"probability": 0}}})
    here = generate.generate(recipe, seed=3, indices=[1, 2, 3], shape=SHAPE)
    request.getfixturevalue("in_torch")
    there = generate.generate(recipe, seed=3, indices=[1, 2, 3], shape=SHAPE)
    differs = ((here.labels > 0) != (there.labels > 0)).float().mean()
    assert differs < 2e-4, "rounding may give a voxel on a surface to either side"
    change = (here.image - there.image).abs()
    assert change.median() < 1e-3
    assert (change > 0.05).float().mean() < 2e-3


def test_an_empty_volume_beside_others(in_torch):
    """The torch path gave not-a-number where objects have rims and one volume of the batch has no objects."""
    recipe = override(get_recipe("wide"), {"image": {"rim": 1.0}, "layout": {"empty": 0.5}})
    batch = generate.generate(recipe, seed=3, indices=range(6), shape=SHAPE)
    objects = batch.labels.flatten(1).amax(1)
    assert (objects == 0).any()
    assert (objects > 0).any()
    assert batch.image.isfinite().all()


@pytest.mark.parametrize("name", ["as-mix", "wide"])
def test_the_host_waits_once_a_batch(name, in_torch, monkeypatch):
    quantile = torch.quantile

    def quietly(*args, **options):  # asks whether the share is within [0, 1], on CPUs only
        with asked.looking_away():
            return quantile(*args, **options)

    monkeypatch.setattr(torch, "quantile", quietly)
    with Asked() as asked:
        generate.generate(get_recipe(name), seed=1, indices=range(8), shape=SHAPE)
    assert asked.operations == []
    with Asked() as asked:  # it does notice
        bool(torch.ones(3).any())
        torch.arange(3)[torch.ones(3, dtype=torch.bool)]
    assert "index" in asked.operations
    assert len(asked.operations) >= 2


@pytest.mark.parametrize(("num", "shape"), [(1, (9, 9, 9)), (7, (24, 20, 30)), (3, (1, 8, 5))])
def test_the_largest_channel_of_all_that_are_upsampled(num, shape):
    half = tuple((n + 1) // 2 for n in shape)
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(num, *half)).astype(np.float32))
    values = torch.from_numpy(ndimage.uniform_filter(values.numpy(), (1, 3, 3, 3)))
    fine = upsample(values[None], shape)[0]
    found = kernels.largest(values, shape)
    assert torch.equal(found, largest_channel(fine)) or (
        (fine.gather(0, found[None])[0] - fine.amax(0)).abs().max() < 1e-5
    )


def test_a_search_grid_forgets_no_object():
    rng = np.random.default_rng(2)
    centre, reach = rng.uniform(-20, 60, (40, 3)), rng.uniform(0.5, 15, 40)
    low, dims, first, rows = kernels.search_cells(centre, reach, 4.0)
    points = rng.uniform(-40, 80, (4000, 3))
    for point in points:
        near = set(np.flatnonzero(np.linalg.norm(centre - point, axis=1) < reach))
        at = np.floor((point - low) / 4.0).astype(int)
        if ((at < 0) | (at >= dims)).any():
            assert not near
            continue
        cell = (at[0] * dims[1] + at[1]) * dims[2] + at[2]
        assert near <= set(rows[first[cell] : first[cell + 1]])


@pytest.fixture
def on_meta(monkeypatch):
    """Let samples be made up to their labels on the meta device, which holds no values."""
    labelled = []

    def stop(tensor):
        labelled.append(tensor)
        raise InterruptedError

    def make(name, indices):
        with pytest.raises(InterruptedError):
            generate.generate(get_recipe(name), seed=0, indices=indices, shape=(24, 24, 24), device="meta")
        return labelled

    monkeypatch.setattr(torch.Tensor, "cpu", stop)
    monkeypatch.setattr(
        Streams, "fields", lambda self, stage, rows=None: [None] * len(self if rows is None else rows)
    )
    return make


class Counted(TorchDispatchMode):
    """Counts operations, but for those that only look at a tensor otherwise and the search for owners."""

    def __init__(self):
        super().__init__()
        self.num = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.num += not function.is_view and not self.searching
        return function(*args, **(kwargs or {}))

    searching = False


@pytest.mark.parametrize("name", recipe_names())
def test_a_batch_takes_hardly_more_operations_than_a_sample(name, on_meta, monkeypatch):
    """Each is a kernel to launch: with 500 a sample, as it once was, a graphics card made 250 a second."""

    def search(placed, points, *, walls):
        counted.searching = True
        owner = objects.find_owners_in_torch(placed, points, walls=walls)
        counted.searching = False
        return owner

    monkeypatch.setattr(object_field, "find_owners", search)
    operations = []
    for num in (8, 40):
        with Counted() as counted:
            on_meta(name, range(num))
        operations.append(counted.num)
    assert operations[0] > 100
    assert operations[1] - operations[0] < 32 * 30, "what a sample more adds: its random fields, above all"


@pytest.mark.parametrize("name", recipe_names())
def test_nothing_meets_a_tensor_of_another_device_or_waits_for_it(name, on_meta):
    """On the meta device, which holds no values, both would raise; no graphics card is needed for it."""
    for first in (0, 8):
        labelled = on_meta(name, range(first, first + 8))
    assert [(t.device.type, tuple(t.shape)) for t in labelled] == [("meta", (8, 24, 24, 24))] * 2


@pytest.mark.gpu
@pytest.mark.parametrize("name", recipe_names())
def test_on_a_gpu(name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    recipe = get_recipe(name)
    generate.generate(recipe, seed=0, indices=[0], device="cuda")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as waits:
            warnings.simplefilter("always")
            batch = generate.generate(recipe, seed=0, indices=range(8), device="cuda")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len([w for w in waits if "synchroniz" in str(w.message)]) <= 1
    assert batch.image.is_cuda
    assert batch.labels.is_cuda
    assert float(batch.image.min()) >= 0
    assert float(batch.image.max()) <= 1 + 1e-6
    alone = generate.generate(recipe, seed=0, indices=[5], device="cuda")
    assert torch.equal(alone.labels[0], batch.labels[5])
    assert torch.allclose(alone.image[0], batch.image[5], atol=1e-4)
    cpu = generate.generate(recipe, seed=0, indices=range(8))
    count = [int(b.labels.flatten(1).amax(1).float().mean()) for b in (batch, cpu)]
    assert count[0] == pytest.approx(count[1], rel=0.5), "other noise, the same layouts"
