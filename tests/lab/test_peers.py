"""Other tools in environments of their own: stand-ins of their packages, and for real where they are."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anystar.lab.methods import Unavailable, VolumeRequest
from anystar.lab.peers.tools import CellposeMethod, StarDistMethod
from tests.scenes import noisy_balls

HERE = Path(sys.executable)

CELLPOSE = """
import numpy as np
from scipy import ndimage

class CellposeModel:
    def __init__(self, gpu, pretrained_model=None, model_type=None):
        if model_type == "gone":
            raise OSError("urlopen error: no route")
        self.known = {"file": pretrained_model, "name": model_type}

    def eval(self, image, diameter, z_axis, channel_axis, do_3D, channels=None, anisotropy=None,
             stitch_threshold=0.0):
        assert (channels == [0, 0]) == (VERSION < 4) and z_axis == 0
        labels = ndimage.label(image > 100)[0]
        # What it was called with, for the test to see.
        labels[0, 0, :5] = [round(diameter), do_3D, round(10 * (anisotropy or 0)), 100 * stitch_threshold,
                            self.known["name"] is None]
        return labels.astype(np.uint16), None, None
"""

STARDIST = """
from collections import namedtuple
import numpy as np

class StarDist3D:
    def __init__(self, config, name, basedir):
        self.thresholds = namedtuple("Thresholds", "prob nms")(0.6, 0.4)

    def predict_sparse(self, image, prob_thresh):
        prob = np.array([0.9, 0.65, 0.3])
        kept = prob >= prob_thresh
        return prob[kept], np.ones((3, 8))[kept], np.array([[1, 1, 1], [5, 5, 5], [9, 9, 9]])[kept]

    def _instances_from_prediction(self, shape, prob, dist, points, prob_thresh, nms_thresh):
        assert len(prob) == len(dist) == len(points) and (prob >= prob_thresh).all()
        labels = np.zeros(shape, np.int32)
        labels[tuple(points.T)] = np.arange(1, len(points) + 1)
        labels[0, 0, 0] = round(100 * nms_thresh)
        return labels, {}
"""


def package(root, name, version, **modules):
    """Make a package that stands in for another."""
    (root / name).mkdir(parents=True)
    (root / name / "__init__.py").touch()
    for module, text in modules.items():
        (root / name / f"{module}.py").write_text(text)
    (root / f"{name}-{version}.dist-info").mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (root / f"{name}-{version}.dist-info" / "METADATA").write_text(metadata)


@pytest.fixture
def request_():
    image, _ = noisy_balls((20, 24, 28), seed=5, num=3)
    return VolumeRequest(name="a", image=image, spacing=(2.0, 0.5, 0.5))


@pytest.mark.parametrize("version", [3, 4])
def test_cellpose_along_planes_and_by_slices(tmp_path, monkeypatch, request_, version):
    package(tmp_path, "cellpose", f"{version}.1", models=f"VERSION = {version}\n{CELLPOSE}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for mode, seen in (("planes", [17, 1, 40, 0, version == 4]), ("slices", [17, 0, 0, 25, version == 4])):
        method = CellposeMethod(name="c", model="nuclei", mode=mode, python=HERE)
        ((request, labels),) = method.run([request_], [{"diameter": 17.2}])
        assert request is request_
        (one,) = labels
        assert one.dtype == np.int32
        assert one[0, 0, :5].tolist() == seen
        assert one[10:].any(), "the objects themselves"


def test_cellpose_searches_around_the_diameter_and_inverts(tmp_path):
    method = CellposeMethod(name="c", model="nuclei", mode="planes", python=None)
    assert [s["diameter"] for s in method.search(10)] == [6, 8, 10, 12.5, 16]
    assert method.inverts_dark
    assert not StarDistMethod(name="s", folder=tmp_path, python=None).inverts_dark


def test_stardist_predicts_once_and_thresholds_every_setting(tmp_path, monkeypatch, request_):
    package(tmp_path / "p", "stardist", "0.9", models=STARDIST)
    package(tmp_path / "p", "csbdeep", "0.8", utils="def normalize(x, low, high):\n    return x\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "p"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights_best.h5").write_bytes(b"w")
    method = StarDistMethod(name="s", folder=folder, python=HERE)
    settings = [{}, {"prob_thresh": 0.2, "nms_thresh": 0.3}, {"prob_thresh": 0.8, "nms_thresh": 0.5}]
    ((_, labels),) = method.run([request_], settings)
    assert [np.count_nonzero(a) - 1 for a in labels] == [2, 3, 1]
    assert [int(a[0, 0, 0]) for a in labels] == [40, 30, 50], "its own threshold where none is given"
    assert method.identity()["weights_best.h5"] == "50e721e49c013f00"
    assert len(method.search(9.0)) == 28


def unavailable(method, request):
    with pytest.raises(Unavailable) as error:
        list(method.run([request], [{}]))
    message = str(error.value)
    assert "; " in message
    assert "\n" not in message
    return message


def test_what_is_missing_is_one_line(tmp_path, monkeypatch, request_):
    star = StarDistMethod(name="s", folder=tmp_path / "no", python=None)
    assert "name its Python with --stardist-python" in unavailable(star, request_)
    gone = CellposeMethod(name="c", model="gone", mode="planes", python=tmp_path / "python")
    assert "is no Python interpreter; install cellpose" in unavailable(gone, request_)
    package(tmp_path / "empty", "nothing", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "empty"))
    here = CellposeMethod(name="c", model="gone", mode="planes", python=HERE)
    assert "Cellpose cannot be imported in" in unavailable(here, request_)
    package(tmp_path / "p", "cellpose", "3.1", models=f"VERSION = 3\n{CELLPOSE}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "p"))
    assert "Cellpose has no weights 'gone' here (urlopen error: no route)" in unavailable(here, request_)
    package(tmp_path / "p", "stardist", "0.9", models=STARDIST)
    package(tmp_path / "p", "csbdeep", "0.8", utils="def normalize(x, low, high):\n    return x\n")
    star = StarDistMethod(name="s", folder=tmp_path / "no", python=HERE)
    assert "is no StarDist model (config.json, weights_*.h5); give" in unavailable(star, request_)


def test_a_tool_that_fails_is_one_line(tmp_path, monkeypatch, request_):
    package(tmp_path, "cellpose", "3.1", models=f"VERSION = 4\n{CELLPOSE}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    method = CellposeMethod(name="c", model="nuclei", mode="planes", python=HERE)
    with pytest.raises(ValueError, match=r"cellpose in .* failed \(AssertionError\); try the tool there"):
        list(method.run([request_], [{"diameter": 5.0}]))


FRESH = """
import sys
from stardist.models import Config3D, StarDist3D
config = Config3D(grid=(2, 2, 2), unet_n_depth=1, unet_n_filter_base=4, use_gpu=False)
model = StarDist3D(config, name="fresh", basedir=sys.argv[1])
model.keras_model.save_weights(sys.argv[1] + "/fresh/weights_best.h5")
"""


@pytest.mark.slow
@pytest.mark.skipif("ANYSTAR_STARDIST_PYTHON" not in os.environ, reason="needs an environment with StarDist")
def test_stardist_for_real(tmp_path, request_):
    python = Path(os.environ["ANYSTAR_STARDIST_PYTHON"])
    subprocess.run([python, "-c", FRESH, tmp_path], check=True, capture_output=True)
    method = StarDistMethod(name="s", folder=tmp_path / "fresh", python=python)
    ((_, labels),) = method.run([request_], [{"prob_thresh": 0.45, "nms_thresh": 0.3}, {"prob_thresh": 1.0}])
    assert labels[0].shape == request_.image.shape
    assert labels[0].max() >= labels[1].max() == 0


@pytest.mark.slow
@pytest.mark.skipif("ANYSTAR_CELLPOSE_PYTHON" not in os.environ, reason="needs an environment with Cellpose")
def test_cellpose_for_real_has_weights_or_says_so(request_):
    python = Path(os.environ["ANYSTAR_CELLPOSE_PYTHON"])
    method = CellposeMethod(name="c", model="nuclei", mode="slices", python=python)
    with contextlib.suppress(Unavailable):  # no weights, which the next line says
        ((_, labels),) = method.run([request_], [{"diameter": 8.0}])
        assert labels[0].shape == request_.image.shape
        return
    assert "Cellpose has no weights 'nuclei' here" in unavailable(method, request_)
