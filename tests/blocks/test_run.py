"""Blockwise is the same as at once."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from anystar import io
from anystar.arrays import Volume, VoxelSize
from anystar.io.lazy import LazyImage
from anystar.predict.scale_search import SearchConfig, search_scale
from anystar.predict.scale_search.search import SecondScale
from anystar.predict.scale_search.trial import Setting
from anystar.preprocess import subsample
from anystar.report.table import read_table
from tests.blocks.conftest import labels_of
from tests.predict.stub import Stub, stub_model
from tests.scenes import objects_on_texture, texture


def same_objects(one, other):
    """Whether two label images differ in nothing but the numbers; return number by number."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]).astype(np.int64), axis=1).T
    assert len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(pairs)
    assert (0, 0) in {tuple(p) for p in pairs.tolist()}
    return {int(a): int(b) for a, b in pairs}


@pytest.mark.parametrize(
    ("seed", "tiles_along", "block", "hold"),
    [(0, 1, (16, 16, 16), 1 << 30), (0, 3, (64, 16, 48), 0), (1, 2, (8, 64, 64), 1 << 30)],
)
def test_any_block_size_gives_the_same_objects(tmp_path, model, image, sized, seed, tiles_along, block, hold):
    source = image(seed)
    how = {"diameter": 3.3, "prob_thresh": 0.25}
    want = model.segment(source.read(), spacing=source.spacing, **how)
    assert len(want.objects) > 30
    out = tmp_path / "labels.zarr"
    outcome = sized(
        source,
        out,
        model=model,
        tiles_along=tiles_along,
        block=block,
        hold=hold,
        table=tmp_path / "objects.parquet",
        **how,
    )
    numbers = same_objects(want.labels, labels_of(out))
    assert outcome.num_objects == len(want.objects)
    got, _ = read_table(tmp_path / "objects.parquet")
    wanted = want.table(source.read())
    order = np.argsort([numbers[int(n)] for n in wanted["label"]])
    got = got.select(np.argsort(got["label"]))
    assert got["label"].tolist() == sorted(b for a, b in numbers.items() if a)
    assert list(got.columns) == list(wanted.columns)
    for name in set(wanted.columns) - {"label"}:
        np.testing.assert_allclose(got[name], wanted[name][order], rtol=1e-6, atol=1e-6, err_msg=name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.npy", "labels.zarr", "objects.parquet"]
    assert io.open_image(out).spacing == source.spacing


class Graded(Stub):
    """Votes of different sizes: what is brighter is larger."""

    def distances(self, prob):
        return self.radius * (0.6 + 0.8 * prob)


def test_the_uncertainty_of_a_volume_does_not_depend_on_blocks(tmp_path, model, image, sized):
    graded, source, how = replace(model, network=Graded(4.0)), image(), {"diameter": 3.3, "prob_thresh": 0.25}
    want = graded.segment(source.read(), spacing=source.spacing, **how)
    sized(source, tmp_path / "a.zarr", model=graded, hold=0, table=tmp_path / "a.csv", **how)
    numbers = same_objects(want.labels, labels_of(tmp_path / "a.zarr"))
    (got, _), wanted = read_table(tmp_path / "a.csv"), want.table()
    order = np.argsort([numbers[int(n)] for n in wanted["label"]])
    got = got.select(np.argsort(got["label"]))
    for name in ("volume_uncertainty", "calibrated_probability"):
        assert len(np.unique(wanted[name])) > 10
        np.testing.assert_allclose(got[name], wanted[name][order], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("most", [1000, 4_000_000])
def test_a_small_image_is_read_once_before_the_first_block(tmp_path, model, image, sized, monkeypatch, most):
    monkeypatch.setattr(subsample, "MAX_VOXELS", most)
    model = replace(model, search=SearchConfig(unsure=0.0))
    source, honest, voxels = image(), LazyImage.read, []

    def read(self, box, **how):
        voxels.append(int(np.prod([len(range(*s.indices(n))) for s, n in zip(box, self.shape, strict=True)])))
        return honest(self, box, **how)

    def first_block(*args):
        voxels.append(None)

    monkeypatch.setattr(LazyImage, "read", read)
    monkeypatch.setattr("anystar.blocks.run.find_objects", first_block)
    sized(source, tmp_path / "a.zarr", model=model, diameter=3.3, prob_thresh=0.25)
    looks = 2 if most > 1000 else 3  # with every n-th plane, one more for blank ones
    corners = 0 if most > 1000 else 8  # of which constant margins have equal ones
    boxes = 9 * 16**3  # by which another image of the same name would be known
    assert sum(voxels[: voxels.index(None)]) == looks * np.prod(source.shape) + corners + boxes


def test_blocks_take_the_threshold_of_the_whole(tmp_path, sized):
    io.write(tmp_path / "image.npy", Volume(data=objects_on_texture()))
    want = stub_model().segment(objects_on_texture(), diameter=8.0)
    source, out = io.open_image(tmp_path / "image.npy"), tmp_path / "labels.zarr"
    outcome = sized(source, out, model=stub_model(), diameter=8.0)
    assert want.prob_thresh > 0.53
    assert (outcome.prob_thresh, outcome.notes) == (want.prob_thresh, want.notes)
    same_objects(want.labels, labels_of(out))


def test_blocks_take_the_aspect_ratio_of_the_whole(tmp_path, model, sized, monkeypatch):
    where = "anystar.predict.scale_search.search.search_aspect"
    monkeypatch.setattr(where, lambda score, config: score(Setting(aspect=(2.0, 1.0, 1.0))))
    voxels = texture(0, (32, 60, 56))
    io.write(tmp_path / "image.npy", Volume(data=voxels))
    how = {"diameter": 6.6, "prob_thresh": 0.25}
    want = model.segment(voxels, **how)
    given = replace(model).segment(voxels, spacing=(2, 1, 1), **how)
    np.testing.assert_array_equal(want.labels, given.labels)
    out, table = tmp_path / "labels.zarr", tmp_path / "objects.parquet"
    outcome = sized(io.open_image(tmp_path / "image.npy"), out, model=model, table=table, **how)
    assert outcome.voxel_size == want.voxel_size == VoxelSize((2.0, 1.0, 1.0), "relative")
    assert outcome.notes == want.notes
    numbers = same_objects(want.labels, labels_of(out))
    got, _ = read_table(table)
    wanted = want.table(voxels)
    order = np.argsort([numbers[int(n)] for n in wanted["label"]])
    got = got.select(np.argsort(got["label"]))
    for name in ("sphericity", "contrast", "surface_um2", "volume_vox"):
        np.testing.assert_allclose(got[name], wanted[name][order], rtol=1e-6, atol=1e-6, err_msg=name)
    assert np.isnan(got["surface_um2"]).all()


def test_blocks_fill_the_blank_planes_of_the_whole(tmp_path, model, sized):
    voxels = texture(0, (32, 60, 56))
    voxels[[7, 8, 15, 16, 24]] = 0  # within blocks, and at their ends
    io.write(tmp_path / "image.npy", Volume(data=voxels))
    how = {"diameter": 6.6, "prob_thresh": 0.25}
    source, out = io.open_image(tmp_path / "image.npy", spacing=(1, 1, 1)), tmp_path / "labels.zarr"
    want = model.segment(voxels, spacing=(1, 1, 1), **how)
    outcome = sized(source, out, model=model, hold=0, table=tmp_path / "labels.csv", **how)
    assert outcome.notes == want.notes
    assert "5 blank planes" in want.notes[0].text
    numbers = same_objects(want.labels, labels_of(out))
    (got, _), wanted = read_table(tmp_path / "labels.csv"), want.table(voxels)
    order = np.argsort([numbers[int(n)] for n in wanted["label"]])
    got = got.select(np.argsort(got["label"]))
    np.testing.assert_allclose(got["intensity_mean"], wanted["intensity_mean"][order], rtol=1e-5)


@pytest.mark.parametrize("angle", [0, 30])
def test_blocks_leave_out_the_margins_of_the_whole(tmp_path, model, sized, angle):
    voxels = texture(0, (24, 52, 50)) + np.uint16(1)
    voxels = np.pad(ndimage.rotate(voxels, angle, axes=(1, 2), order=1), ((5, 3), (0, 9), (4, 0)))
    io.write(tmp_path / "image.npy", Volume(data=voxels))
    how = {"diameter": 6.6, "prob_thresh": 0.25}
    source, out = io.open_image(tmp_path / "image.npy", spacing=(1, 1, 1)), tmp_path / "labels.zarr"
    want = model.segment(voxels, spacing=(1, 1, 1), **how)
    assert (want.preprocessing.margins.region is not None) == bool(angle)
    assert not want.labels[voxels == 0].any()
    for hold in (0, 1 << 30):
        outcome = sized(source, out, model=model, hold=hold, table=tmp_path / "a.csv", overwrite=True, **how)
        assert outcome.notes == want.notes
        numbers = same_objects(want.labels, labels_of(out))
        (got, _), wanted = read_table(tmp_path / "a.csv"), want.table(voxels)
        order = np.argsort([numbers[int(n)] for n in wanted["label"]])
        got = got.select(np.argsort(got["label"]))
        for name in set(wanted.columns) - {"label"}:
            np.testing.assert_allclose(got[name], wanted[name][order], rtol=1e-5, atol=1e-6, err_msg=name)


def test_blocks_fill_the_missing_voxels_of_the_whole(tmp_path, model, sized):
    voxels = np.pad(texture(0, (24, 52, 50)).astype(np.float32), 4, constant_values=np.nan)
    voxels[np.random.default_rng(0).random(voxels.shape) < 0.002] = np.inf
    io.write(tmp_path / "image.npy", Volume(data=voxels))
    how = {"diameter": 6.6, "prob_thresh": 0.25}
    source, out = io.open_image(tmp_path / "image.npy", spacing=(1, 1, 1)), tmp_path / "labels.zarr"
    want = model.segment(voxels, spacing=(1, 1, 1), **how)
    outputs = {"table": tmp_path / "a.csv", "overview": tmp_path / "a.png"}
    outcome = sized(source, out, model=model, hold=0, **outputs, **how)
    assert outcome.notes == want.notes
    assert "are filled from their neighbours" in want.notes[1].text
    numbers = same_objects(want.labels, labels_of(out))
    (got, _), wanted = read_table(tmp_path / "a.csv"), want.table(voxels)
    order = np.argsort([numbers[int(n)] for n in wanted["label"]])
    got = got.select(np.argsort(got["label"]))
    for name in ("intensity_mean", "intensity_max", "background", "touches_border"):
        np.testing.assert_allclose(got[name], wanted[name][order], rtol=1e-5, err_msg=name)
        assert np.isfinite(got[name]).all()


def test_blocks_are_smoothed_and_brightened_as_the_whole(tmp_path, model, sized, monkeypatch):
    model = replace(model, search=SearchConfig(unsure=1.0))
    where = "anystar.predict.scale_search.search.search_appearance"
    monkeypatch.setattr(
        where, lambda plain, score, config: score(replace(plain.setting, gamma=0.5, sigma=2.0))
    )
    voxels = texture(0, (32, 60, 56))
    io.write(tmp_path / "image.npy", Volume(data=voxels))
    how = {"diameter": 6.6, "prob_thresh": 0.5}
    want = model.segment(voxels, spacing=(1, 1, 1), **how)
    out = tmp_path / "labels.zarr"
    outcome = sized(io.open_image(tmp_path / "image.npy", spacing=(1, 1, 1)), out, model=model, **how)
    assert outcome.notes == want.notes
    assert "was smoothed by 2 voxels and adjusted with a gamma of 0.5" in want.notes[0].text
    same_objects(want.labels, labels_of(out))
    plain = model.segment(voxels, spacing=(1, 1, 1), appearance=False, **how)
    assert len(plain.objects) < len(want.objects)


def test_blocks_find_objects_of_a_second_size_as_the_whole(tmp_path, model, image, sized, monkeypatch):
    def with_second(trials, **how):
        second = SecondScale(diameter=3.0, zoom=trials.object_diameter / 3.0, prob_thresh=0.3)
        return replace(search_scale(trials, **how), second=second)

    source = image(0)
    how = {"diameter": 9.0, "prob_thresh": 0.25}
    first = model.segment(source.read(), spacing=source.spacing, **how)
    monkeypatch.setattr("anystar.predict.pipeline.search_scale", with_second)
    want = model.segment(source.read(), spacing=source.spacing, **how)
    assert len(want.objects) > len(first.objects) > 5
    centres = {tuple(c) for c in first.objects.centre_vox}
    assert centres <= {tuple(c) for c in want.objects.centre_vox}  # the second pass takes none of them away
    out = tmp_path / "labels.zarr"
    outcome = sized(source, out, model=model, tiles_along=1, block=(16, 16, 16), hold=0, **how)
    same_objects(want.labels, labels_of(out))
    assert outcome.second_diameter_vox == want.second_diameter_vox == 3
    np.testing.assert_array_equal(want.rethreshold(prob_thresh=0.25).labels, want.labels)
