"""What is written beside the labels is that of the volume taken at once."""

import matplotlib.image
import numpy as np
import pytest
import tifffile

from anystar import filters, io
from anystar.arrays import Volume
from anystar.blocks.journal import Journal
from anystar.blocks.overview import Surveyor
from anystar.geometry.polyhedra import Polyhedra
from anystar.objects.measure import add_channel, add_mask
from anystar.report.meshes import write_meshes
from anystar.report.overview import outline, panels, save_overview, save_panels
from anystar.report.table import read_table
from tests.blocks.conftest import labels_of
from tests.blocks.test_run import same_objects

HOW = {"diameter": 3.3, "prob_thresh": 0.25}
SMALL = (20, 40, 36)


def large(table):
    return filters.relevant(table, [filters.volume(low=16)])


def anything(table):
    return np.ones(len(table), bool)


@pytest.fixture
def mask(tmp_path, image):
    """Half of a texture, in a file that is opened anew for each run."""
    data = (image(seed=5).read() > 9000).astype(np.uint8) * 3
    io.write(tmp_path / "mask.nrrd", Volume(data=data))
    return lambda: io.open_image(tmp_path / "mask.nrrd")


@pytest.mark.parametrize(
    ("tiles_along", "block", "hold"), [(1, (16, 16, 16), 1 << 30), (3, (64, 16, 48), 0), (2, (8, 64, 64), 0)]
)
def test_distances_and_a_mask(tmp_path, model, image, sized, mask, tiles_along, block, hold):
    source = image()
    want = model.segment(source.read(), spacing=source.spacing, **HOW)
    table = add_mask(want.table(source.read(), distances=True), want.labels, mask().read())
    keep = filters.relevant(table, [filters.inside_mask(0.5)])
    assert 10 < keep.sum() < len(keep) - 10
    out, path = tmp_path / "labels.zarr", tmp_path / "objects.parquet"
    where = {"tiles_along": tiles_along, "block": block, "hold": hold, "mask": mask(), "distances": True}
    relevant = {"keep": lambda part: filters.relevant(part, [filters.inside_mask(0.5)])}
    outcome = sized(source, out, model=model, table=path, **where, **relevant, **HOW)
    assert outcome.num_filtered == (~keep).sum()
    numbers = same_objects(filters.keep_labels(want.labels, table["label"][keep]), labels_of(out))
    table, (got, _) = table.select(keep), read_table(path)
    assert list(got.columns) == list(table.columns)
    assert {"centre_x", "distance_0", "distance_31", "mask_overlap"} <= set(got.columns)
    got = got.select(np.argsort(got["label"]))
    table = table.select(np.argsort([numbers[int(n)] for n in table["label"]]))
    for name in set(table.columns) - {"label"}:
        assert got[name].dtype == table[name].dtype
        np.testing.assert_allclose(got[name], table[name], rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("cluster", [None, "local"])
def test_intensities_in_the_other_channels(tmp_path, model, image, sized, cluster):
    one, two, three = (image(seed=s, shape=(24, 40, 36), name=f"{s}.npy").read() for s in (1, 2, 3))
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([two, one, three], axis=1), imagej=True, metadata={"axes": "ZCYX"}
    )
    source, spacing = io.open_image(tmp_path / "a.tif", channel=1, spacing=(1.0, 0.5, 0.5)), (1.0, 0.5, 0.5)
    want = model.segment(one, spacing=spacing, **HOW)
    table = want.table(one)
    for number, other in ((0, two), (2, three)):
        table = add_channel(table, want.labels, other, f"c{number}")
    out, path = tmp_path / "labels.zarr", tmp_path / "objects.parquet"
    sized(source, out, model=model, table=path, dask=cluster, workers=1 if cluster else None, **HOW)
    source.close()
    numbers = same_objects(want.labels, labels_of(out))
    got, _ = read_table(path)
    assert list(got.columns) == list(table.columns)
    got = got.select(np.argsort(got["label"]))
    table = table.select(np.argsort([numbers[int(n)] for n in table["label"]]))
    for name in ("mean", "median", "min", "max"):
        for suffix in ("", "_c0", "_c2"):
            column = f"intensity_{name}{suffix}"
            np.testing.assert_allclose(got[column], table[column], rtol=1e-6, err_msg=column)


def test_a_mask_of_another_shape_is_refused_before_anything_is_done(tmp_path, model, image, sized):
    source, other = image(), image(shape=(32, 60, 55), name="mask.npy")
    with pytest.raises(
        ValueError, match=r"mask\.npy has shape \(32, 60, 55\), the image \(32, 60, 56\); give"
    ):
        sized(source, tmp_path / "a.zarr", model=model, mask=other, table=tmp_path / "a.csv", **HOW)
    assert not model.network.seen
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.npy", "mask.npy"]


@pytest.mark.parametrize("relevant", [None, large])
def test_meshes(tmp_path, model, image, sized, relevant):
    source = image(shape=SMALL)
    want = model.segment(source.read(), spacing=source.spacing, **HOW)
    keep = np.ones(len(want.objects), bool) if relevant is None else relevant(want.table(source.read()))
    objects = want.objects.select(keep)
    bodies = (objects.label, Polyhedra(objects.centre_vox, objects.distances, want.rays))
    write_meshes(tmp_path / "whole", [bodies], bodies[0], want.rays, spacing=source.spacing, kind="obj")
    options = {"model": model, "keep": relevant, **HOW}
    out = tmp_path / "labels.zarr"
    sized(source, out, meshes=tmp_path / "blocks", mesh_format="obj", **options)
    numbers = same_objects(filters.keep_labels(want.labels, objects.label), labels_of(out))
    made = {p.name for p in (tmp_path / "blocks").iterdir()}
    assert made == {f"object_{numbers[n]}.obj" for n in objects.label.tolist()}
    assert len(made) < len(want.objects) or relevant is None

    def lines(folder, number):
        text = (tmp_path / folder / f"object_{number}.obj").read_text().splitlines()
        vertices = np.array([line.split()[1:] for line in text if line.startswith("v")], float)
        return vertices, [line for line in text if line.startswith("f")]

    for number in objects.label.tolist():
        (a, faces), (b, others) = lines("whole", number), lines("blocks", numbers[number])
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        assert faces == others
    sized(source, tmp_path / "file.zarr", meshes=tmp_path / "all.obj", **options)
    names = [line for line in (tmp_path / "all.obj").read_text().splitlines() if line.startswith("o ")]
    assert names == [f"o object_{n}" for n in np.unique(labels_of(tmp_path / "file.zarr"))[1:]]


@pytest.mark.parametrize("pixels", [600, 25])
def test_the_picture(tmp_path, model, image, sized, monkeypatch, pixels):
    monkeypatch.setattr("anystar.report.survey.PIXELS", pixels)
    monkeypatch.setattr(Surveyor, "strip", 500)
    drawn = []

    def keep_views(path, views, **how):
        drawn.append(views)
        save_panels(path, views, **how)

    monkeypatch.setattr("anystar.blocks.overview.save_panels", keep_views)
    source = image(shape=SMALL)
    out = tmp_path / "labels.zarr"
    options = {"model": model, "keep": large, "overview": tmp_path / "a.png", "name": "it", **HOW}
    outcome = sized(source, out, block=(16, 24, 20), **options)
    labels = labels_of(out)
    assert 10 < outcome.num_objects == len(np.unique(labels)) - 1
    assert outcome.num_filtered > 10
    (views,) = drawn
    for got, want in zip(views, panels(source.read(), labels, source.spacing), strict=True):
        assert (got.title, got.size) == (want.title, want.size)
        np.testing.assert_array_equal(got.grey, want.grey)
        np.testing.assert_array_equal(got.labels, want.labels)
    assert max(views[0].labels.shape) == min(pixels, 40)
    title = f"it: {outcome.num_objects} objects"
    save_overview(tmp_path / "b.png", source.read(), labels, spacing=source.spacing, title=title)
    displayed = [matplotlib.image.imread(tmp_path / name) for name in ("a.png", "b.png")]
    np.testing.assert_array_equal(*displayed)
    # and the slices and outlines of the volume taken at once, whose objects have other numbers
    want = model.segment(source.read(), spacing=source.spacing, **HOW)
    keep = large(want.table(source.read()))
    whole = panels(source.read(), filters.keep_labels(want.labels, want.objects.label[keep]), source.spacing)
    for got, want in zip(views[:3], whole[:3], strict=True):
        assert got.title == want.title
        np.testing.assert_array_equal(outline(got.labels), outline(want.labels))
    assert outcome.timings["overview"] > 0


class Killed(BaseException):
    """What no code catches, like SIGKILL."""


def test_a_picture_goes_on_where_it_was_interrupted(tmp_path, model, image, sized, monkeypatch):
    """And begins anew if other objects are to be kept."""
    source, honest, look, visible = image(shape=SMALL), Journal.add, Surveyor.__call__, []

    def dies(self, stage, block, **entry):
        honest(self, stage, block, **entry)
        if stage == "overview" and len(visible) == 3:
            raise Killed

    def counted(self, number):
        visible.append(number)
        return look(self, number)

    args = {"model": model, "block": (16, 24, 24), **HOW}
    monkeypatch.setattr(Surveyor, "__call__", counted)
    sized(source, tmp_path / "b.zarr", overview=tmp_path / "b.png", name="a", keep=large, **args)
    blocks = visible.copy()
    for first in (large, anything):
        visible.clear()
        again = {"overview": tmp_path / "a.png", "name": "a", "overwrite": True, **args}
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add", dies)
            with pytest.raises(Killed):
                sized(source, tmp_path / "a.zarr", keep=first, **again)
        again |= {"overwrite": False, "resume": True, "keep": large}
        sized(source, tmp_path / "a.zarr", **again)
        assert visible == (blocks if first is large else blocks[:3] + blocks)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        (tmp_path / "a.png").unlink()
    assert len(blocks) == 8


def test_outputs_without_objects(tmp_path, model, image, sized):
    np.save(tmp_path / "flat.npy", np.full((20, 24, 28), 7, np.uint8))
    files = {"table": "t.csv", "overview": "p.png", "meshes": "m.ply"}
    paths = {name: tmp_path / file for name, file in files.items()}
    outcome = sized(io.open_image(tmp_path / "flat.npy"), tmp_path / "a.zarr", model=model, **paths)
    assert outcome.num_objects == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "flat.npy", *sorted(files.values())]
    assert b"element vertex 0\n" in (tmp_path / "m.ply").read_bytes()
