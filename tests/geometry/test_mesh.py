import numpy as np
import pytest

from anystar.geometry.mesh import body_meshes, obj_bytes, ply_bytes, stl_bytes, template
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from tests import scenes

RAYS = golden_spiral(96)


def signed_volume(vertices, faces):
    return np.linalg.det(vertices[faces].astype(float)).sum() / 6


@pytest.fixture
def meshes():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 30, (3, 3))
    return body_meshes(Polyhedra(points, scenes.smooth_distances(rng, 3, RAYS), RAYS), spacing=(2, 0.5, 0.25))


def test_surface_is_closed_and_points_outwards(meshes):
    for mesh in meshes:
        edges = {(int(f[i]), int(f[(i + 1) % 3])) for f in mesh.faces for i in range(3)}
        assert len(edges) == 3 * len(mesh.faces)
        assert all((b, a) in edges for a, b in edges)
        assert signed_volume(mesh.vertices, mesh.faces) > 0
        assert len(mesh.vertices) - len(edges) // 2 + len(mesh.faces) == 2


@pytest.mark.parametrize(("subdivisions", "share"), [(0, 0.94), (1, 0.985), (2, 0.996)])
def test_subdivisions_fill_the_ball(subdivisions, share):
    (mesh,) = body_meshes(Polyhedra(np.zeros((1, 3)), np.full((1, 96), 5), RAYS), subdivisions=subdivisions)
    assert len(mesh.faces) == 188 * 4**subdivisions
    volume = signed_volume(mesh.vertices, mesh.faces) / (4 / 3 * np.pi * 125)
    assert share - 0.005 < volume < 1
    with pytest.raises(ValueError, match="subdivisions must be at least 0, got -1"):
        template(RAYS, -1)


def test_obj(meshes):
    lines = obj_bytes(meshes, labels=[7, 8, 9]).decode().splitlines()
    assert [line for line in lines if line.startswith("o")] == ["o object_7", "o object_8", "o object_9"]
    vertices = np.array([line.split()[1:] for line in lines if line.startswith("v")], float)
    faces = np.array([line.split()[1:] for line in lines if line.startswith("f")], int) - 1
    np.testing.assert_allclose(vertices[: len(meshes[0].vertices), ::-1], meshes[0].vertices, rtol=1e-5)
    volumes = sum(signed_volume(m.vertices, m.faces) for m in meshes)
    assert signed_volume(vertices, faces) == pytest.approx(volumes, rel=1e-4)  # outwards in XYZ too
    with pytest.raises(ValueError, match="labels must be one per mesh, 3, got 1"):
        obj_bytes(meshes, labels=[1])


def test_stl(meshes):
    data = stl_bytes(meshes)
    num = int(np.frombuffer(data, "<u4", 1, 80)[0])
    assert num == sum(len(m.faces) for m in meshes)
    assert len(data) == 84 + 50 * num
    values = np.frombuffer(data, np.uint8, offset=84).reshape(num, 50)[:, :48].copy().view("<f4")
    normal, corners = values[:, :3], values[:, 3:].reshape(num, 3, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((cross * normal).sum(1) > 0).all()
    volumes = sum(signed_volume(m.vertices, m.faces) for m in meshes)
    assert np.linalg.det(corners.astype(float)).sum() / 6 == pytest.approx(volumes, rel=1e-4)
    assert len(stl_bytes([])) == 84


def test_ply(meshes):
    header, body = ply_bytes(meshes, labels=[7, 8, 70_000]).split(b"end_header\n", 1)
    num_vertices, num_faces = sum(len(m.vertices) for m in meshes), sum(len(m.faces) for m in meshes)
    assert f"element vertex {num_vertices}\n".encode() in header
    assert len(body) == 12 * num_vertices + 17 * num_faces
    vertices = np.frombuffer(body, "<f4", 3 * num_vertices).reshape(-1, 3)
    record = np.dtype([("count", "u1"), ("corners", "<i4", 3), ("label", "<i4")])
    faces = np.frombuffer(body, record, offset=12 * num_vertices)
    assert (faces["count"] == 3).all()
    assert sorted(set(faces["label"].tolist())) == [7, 8, 70_000]
    volumes = sum(signed_volume(m.vertices, m.faces) for m in meshes)
    assert signed_volume(vertices, faces["corners"]) == pytest.approx(volumes, rel=1e-4)
    assert b"element vertex 0\n" in ply_bytes([])
