"""A model without a network, and an image for it."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import ndimage

import anystar
from anystar import io
from anystar.arrays import Volume, VoxelSize
from anystar.cli import main
from anystar.errors import InputError
from anystar.geometry.rays import golden_spiral
from anystar.objects import Objects
from anystar.predict.boxed import segment_in_box
from anystar.predict.candidates import Candidates
from anystar.predict.notes import Note
from anystar.predict.options import PredictionOptions
from anystar.predict.result import Result
from anystar.preprocess import Preprocessing


class FakeModel:
    """Takes every bright connected piece for an object."""

    name = "anystar-mix"

    def __init__(self):
        self.card = {"trained": {"iterations": 3, "on": ["cpu", "gpu"]}, "size": 4_250_000}
        self.calls = []
        self.threshold = 0.5
        self.device = "cpu"

    def digest(self):
        return "0123"

    def segment(self, image, *, progress, **options):
        return self.segment_with(PredictionOptions(**options), image, progress=progress)

    def segment_with(self, options, image, *, box=None, progress=None):
        if box is not None:
            return segment_in_box(
                lambda part, diameter: self.segment_with(
                    replace(options, diameter=diameter), part, progress=progress
                ),
                image,
                box,
                voxel_size=VoxelSize.of(image),
                diameter=options.diameter,
            )
        volume = image
        voxel_size, image = VoxelSize.of(image), image.data
        self.calls.append(vars(options) | {"spacing": voxel_size and voxel_size.lengths.spacing})
        if progress is not None:
            progress(1, 2, "network")
        Preprocessing.fit(image)  # which refuses what cannot be segmented
        bright = image > float(image.min()) + self.threshold * float(np.ptp(image))
        labels, count = ndimage.label(bright)
        index = np.arange(1, count + 1)
        boxes = [[*(s.start for s in b), *(s.stop for s in b)] for b in ndimage.find_objects(labels)]
        centroid = ndimage.center_of_mass(bright, labels, index) if count else []
        objects = Objects(
            label=index.astype(np.int32),
            probability=np.full(count, 0.75, np.float32),
            calibrated_probability=np.full(count, np.nan, np.float32),
            volume_uncertainty=np.full(count, np.nan, np.float32),
            centroid_vox=np.reshape(centroid, (-1, 3)),
            volume_vox=np.bincount(labels.ravel(), minlength=count + 1)[1:],
            bbox=np.reshape(boxes, (-1, 6)),
            centre_vox=np.reshape(centroid, (-1, 3)),
            distances=np.full((count, 32), 4.5, np.float32),
        )
        return Result(
            labels=labels.astype(np.int32),
            objects=objects,
            notes=(Note("remark", "a remark"),),
            diameter_vox=9.0,
            voxel_size=voxel_size.lengths if voxel_size else VoxelSize((1.0, 1.0, 1.0), "relative"),
            prob_thresh=0.5,
            nms_thresh=0.3,
            timings={"network": 0.1},
            preprocessing=Preprocessing(),
            candidates=Candidates.none(golden_spiral(32), 0.1),
            image=volume,
        )


@pytest.fixture
def model(monkeypatch):
    """The fake, in the place of every known model's name."""
    fake = FakeModel()

    def load_model(name=None, device="auto"):
        if name not in (None, "anystar-mix"):
            raise InputError(f"unknown model {name!r}; did you mean 'anystar-mix'?")
        fake.device = device
        return fake

    # Not setattr: it would look at the attribute that is there, and so import the network.
    monkeypatch.setitem(vars(anystar), "load_model", load_model)
    monkeypatch.setitem(vars(anystar), "list_models", lambda: {"anystar-mix": fake.card})
    return fake


@pytest.fixture
def run():
    """Call the command line; return what it printed and its exit code."""

    def invoke(*args):
        return CliRunner().invoke(main, [str(a) for a in args])

    return invoke


@pytest.fixture
def refused(run):
    """Call the command line and demand exit code 2, one line on stderr and no new file."""

    def invoke(*args, folder):
        before = sorted(folder.rglob("*"))
        result = run(*args)
        assert result.exit_code == 2, result.output
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("anystar: ")
        assert "; " in lines[0], "it must say what to do"
        assert sorted(folder.rglob("*")) == before
        return lines[0]

    return invoke


@pytest.fixture
def cells(tmp_path):
    """An image of two balls with spacing, as a file."""
    data = np.full((12, 24, 26), 10, np.uint16)
    z, y, x = np.ogrid[:12, :24, :26]
    for centre in ((5, 7, 8), (6, 16, 18)):
        far = sum((a - c) ** 2 for a, c in zip((z, y, x), centre, strict=True))
        data[far <= 16] = 200
    path = tmp_path / "cells.tif"
    io.write(path, Volume(data=data, spacing=(2, 0.5, 0.5)))
    return path
