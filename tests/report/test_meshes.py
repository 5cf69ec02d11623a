"""Meshes in parts are those at once."""

import numpy as np
import pytest

from anystar.geometry.mesh import (
    body_meshes,
    obj_bytes,
    ply_bytes,
    ply_faces,
    ply_header,
    stl_bytes,
    stl_header,
)
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from anystar.report import meshes
from anystar.report.meshes import write_meshes

RAYS = golden_spiral(32)
SPACING = (2.0, 0.5, 0.5)
LABELS = np.array([3, 4, 9, 11, 12, 20, 70_000])


@pytest.fixture
def bodies():
    rng = np.random.default_rng(0)
    distances = rng.uniform(3, 5, (7, 32)).astype(np.float32)
    return Polyhedra(rng.uniform(0, 30, (7, 3)), distances, RAYS)


def parts_of(bodies, *cuts):
    """Yield the rows between cuts, as a generator that can be used once."""
    for start, stop in zip((0, *cuts), (*cuts, len(bodies)), strict=True):
        yield LABELS[start:stop], bodies.take(np.arange(start, stop))


@pytest.mark.parametrize("at_once", [2, 512])
@pytest.mark.parametrize("kind", ["obj", "ply", "stl"])
def test_a_file_in_parts_is_that_of_all_meshes(tmp_path, bodies, monkeypatch, kind, at_once):
    monkeypatch.setattr(meshes, "AT_ONCE", at_once)
    cubic = Polyhedra(bodies.points * (np.array(SPACING) / 0.5), bodies.distances, RAYS)
    surfaces = body_meshes(cubic, spacing=(0.5,) * 3)
    want = {
        "obj": obj_bytes(surfaces, labels=LABELS.tolist()),
        "ply": ply_bytes(surfaces, labels=LABELS.tolist()),
        "stl": stl_bytes(surfaces),
    }
    path = tmp_path / f"a.{kind}"
    write_meshes(path, parts_of(bodies, 0, 3, 4), LABELS, RAYS, spacing=SPACING)
    assert path.read_bytes() == want[kind]
    write_meshes(tmp_path / "each", parts_of(bodies, 5), LABELS, RAYS, spacing=SPACING, kind=kind)
    assert {p.name for p in (tmp_path / "each").iterdir()} == {f"object_{n}.{kind}" for n in LABELS}
    alone = {"obj": obj_bytes, "ply": ply_bytes, "stl": lambda m, labels: stl_bytes(m)}[kind]
    for label, surface in zip(LABELS.tolist(), surfaces, strict=True):
        assert (tmp_path / "each" / f"object_{label}.{kind}").read_bytes() == alone([surface], labels=[label])


@pytest.mark.parametrize("name", ["a.obj", "a.ply", "a.stl", "folder"])
def test_no_objects_are_an_empty_file(tmp_path, bodies, name):
    write_meshes(tmp_path / name, [], LABELS[:0], RAYS)
    assert (tmp_path / name).exists()


def test_what_a_format_cannot_count_is_refused():
    advice = "; write a folder of files instead"
    with pytest.raises(ValueError, match=f"at most 4,294,967,295 triangles, got 4,294,967,296{advice}"):
        stl_header(2**32)
    with pytest.raises(ValueError, match=f"at most 2,147,483,647 vertices, got 2,147,483,648{advice}"):
        ply_header(2**31, 1)
    with pytest.raises(ValueError, match=f"labels up to 2,147,483,647, got 2,147,483,648{advice}"):
        ply_faces([np.zeros((1, 3), np.int32)], [0], [2**31])
