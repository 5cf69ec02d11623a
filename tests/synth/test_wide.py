"""Every knob of ``wide`` does what it says, with its probability and in its range."""

import numpy as np
import pytest
import torch

from anystar.config import override
from anystar.synth.contrast import Contrast
from anystar.synth.generate import generate
from anystar.synth.layouts import Packing
from anystar.synth.streams import Streams
from benchmarks.generator.knobs import KNOBS, plain

SHAPE = (40, 40, 40)


def made(changes):
    batch = generate(override(plain(), changes), seed=5, indices=[0], shape=SHAPE)
    return batch.image[0, 0].numpy(), batch.labels[0].numpy()


@pytest.fixture(scope="module")
def nothing():
    return made({})


def core_and_shell(image, labels):
    from scipy.ndimage import binary_erosion

    core = binary_erosion(labels > 0, iterations=4, border_value=1)
    shell = (labels > 0) & ~binary_erosion(labels > 0, iterations=2, border_value=1)
    return image[core].mean(), image[shell].mean()


def test_with_all_knobs_off_objects_are_even_on_an_even_background(nothing):
    image, labels = nothing
    assert labels.max() > 3
    assert np.ptp(image[labels == 0]) < 0.51  # half of a border voxel is object
    assert np.median(image[labels > 0]) == 1
    assert np.median(image[labels == 0]) == 0


@pytest.mark.parametrize("name", [name for name in KNOBS if name != "nothing"])
def test_every_knob_changes_the_sample(nothing, name):
    image, labels = made(KNOBS[name])
    assert np.abs(image - nothing[0]).max() > 0.02 or not np.array_equal(labels, nothing[1])
    if "layout" not in KNOBS[name] and name not in ("cutout", "margin"):
        assert np.array_equal(labels, nothing[1]), "how it looks does not change where objects are"


def test_polarity():
    image, labels = made(KNOBS["dark"])
    assert image[labels > 0].mean() < 0.2 < 0.8 < image[labels == 0].mean()


def test_faded_objects_are_dimmer_at_the_surface():
    core, shell = core_and_shell(*made(KNOBS["fade"]))
    assert shell < core - 0.1


@pytest.mark.parametrize(("name", "least"), [("rim", 0.1), ("hollow", 0.3)])
def test_rims_are_brighter_than_the_inside(name, least):
    core, shell = core_and_shell(*made(KNOBS[name]))
    assert shell > core + least


@pytest.mark.parametrize("name", ["shading", "haze", "regions", "fibres", "vessels", "membranes", "specks"])
def test_what_is_no_object_is_outside_and_has_no_label(nothing, name):
    image, labels = made(KNOBS[name])
    far = (nothing[0] == 0) & (labels == 0)
    assert image[far].std() > 0.02


def test_diameters_and_density():
    def diameters(name):
        sizes = np.bincount(made(KNOBS[name])[1].ravel())[1:]
        return (sizes * 6 / np.pi) ** (1 / 3)

    assert 3.5 < np.median(diameters("small (5)")) < 6
    assert diameters("large (48)").max() > 20
    dense, nothing = made(KNOBS["dense"])[1], made({})[1]
    assert (dense > 0).mean() > 1.5 * (nothing > 0).mean()
    assert made(KNOBS["empty"])[1].max() == 0
    assert 1 <= made(KNOBS["few"])[1].max() <= 8 < made({})[1].max()


def test_a_handful_of_objects_lies_in_the_image():
    many, few = Packing(few=0.0, empty=0.0, tissue=0.0), Packing(few=1.0, empty=0.0, tissue=0.0)
    for seed in range(20):
        drawn = few.draw(np.random.default_rng(seed), 48, (48, 48, 48))
        everything = many.draw(np.random.default_rng(seed), 48, (48, 48, 48))
        assert len(drawn.radius) <= 12
        assert ((drawn.centre >= 0) & (drawn.centre < 48)).all()
        kept = (everything.centre[:, None] == drawn.centre).all(2)
        assert kept.sum(0).tolist() == [1] * len(drawn.radius)
        assert np.array_equal(everything.radius[kept.any(1)], drawn.radius)
        assert np.array_equal(everything.metric[kept.any(1)], drawn.metric)


def test_probabilities_are_kept():
    layout = Packing(empty=0).draw(np.random.default_rng(0), 32, (32, 32, 32))
    config, num = Contrast(), 1500
    drawn = [config.draw(rng, layout) for rng in Streams(0, range(num)).scalars("image")]
    for name in ("nucleoli", "rim", "shading", "haze", "regions", "fibres", "membranes", "specks"):
        share, expected = np.mean([getattr(d, name) != 0 for d in drawn]), getattr(config, name)
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / num)), name
    assert np.mean([d.polarity < 0 for d in drawn]) == pytest.approx(config.dark, abs=0.05)
    assert np.mean([d.either for d in drawn]) == pytest.approx(config.either, abs=0.03)
    empty = [
        len(Packing().draw(rng, 16, (16,) * 3).radius) == 0 for rng in Streams(1, range(num)).scalars("l")
    ]
    assert np.mean(empty) > Packing().empty / 2


def test_ranges_are_kept():
    layout = Packing(empty=0).draw(np.random.default_rng(0), 32, (32, 32, 32))
    config = Contrast()
    for rng in Streams(0, range(300)).scalars("image"):
        d = config.draw(rng, layout)
        assert config.thickness[0] <= d.thickness <= config.thickness[1]
        assert config.cell[0] <= d.cell <= config.cell[1]
        assert 0 <= d.floor <= config.floor[1]
        assert d.rim == 0 or config.rim_gain[0] <= d.rim <= config.rim_gain[1]
        for name in ("fibres", "membranes", "specks"):
            gain = abs(getattr(d, name))
            assert gain == 0 or config.distractor_gain[0] <= gain <= config.distractor_gain[1]


def test_photons_make_noise_of_their_own_strength():
    """Twelve photons at most: the brightest voxels vary by about the square root of that."""
    changes = {"acquisition": {"photon_noise": {"probability": 1, "photons": [12, 12], "dark": [0, 0]}}}
    image, labels = made(changes)
    values = torch.from_numpy(image[labels > 0])
    assert float(values.std() / values.mean()) == pytest.approx(12**-0.5, rel=0.2)


def test_tissue_fills_the_volume(nothing):
    _, labels = made(KNOBS["tissue"])
    assert (labels > 0).mean() > 0.85 > 1.5 * (nothing[1] > 0).mean()


def test_mottle_has_its_strength_and_grain_everywhere(nothing):
    image, labels = made(KNOBS["mottle"])
    difference = image - image[labels == 0].mean()
    far = (nothing[0] == 0) & (labels == 0)
    deviation = difference[far].std()
    # the sample's range is rescaled to [0, 1] at the end: compare with the contrast that is left
    contrast = np.median(image[labels > 0]) - np.median(image[far])
    assert 0.15 < deviation / contrast < 0.45
    step = np.diff(image, axis=2)[far[..., 1:] & far[..., :-1]].std()
    assert step < 0.8 * deviation, "neighbours are alike"


def test_a_volume_without_objects_is_finite():
    image, labels = made({"layout": {"empty": 1}, "image": {"floor": [0.2, 0.2]}})
    assert np.isfinite(image).all()
    assert image.std() > 0.01
    assert not labels.any()
