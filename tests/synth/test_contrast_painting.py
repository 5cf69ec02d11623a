"""What drawn contrasts look like."""

import dataclasses

import pytest
import torch

from anystar.synth.contrast import ContrastDrawn
from anystar.synth.contrast_painting import paint_contrast
from anystar.synth.fields import lattice
from anystar.synth.object_field import ObjectField
from anystar.synth.recipes import get_recipe
from anystar.synth.streams import Streams

SHAPE = (24, 28, 32)
PLAIN = ContrastDrawn(
    polarity=1.0,
    either=False,
    variation=0.0,
    chromatin=0.0,
    grain=1.5,
    nucleoli=0.0,
    nucleoli_volume=0.1,
    rim=0.0,
    straddle=False,
    rim_width=1.5,
    core=1.0,
    shading=0.0,
    haze=0.0,
    haze_width=2.0,
    regions=0.0,
    fibres=0.0,
    membranes=0.0,
    specks=0.0,
    thickness=1.0,
    cell=12.0,
    floor=0.0,
    fade=0.0,
    fade_width=1.5,
    mottle=0.0,
    mottle_grain=(1.5, 1.5, 1.5),
    least=0.35,
)


@pytest.fixture(scope="module")
def painted():
    """Paint some objects with changes of a plain appearance; also return how deep each voxel lies."""
    streams = Streams(10, [0])
    field = ObjectField.draw(get_recipe("wide"), streams, SHAPE)
    key, owner, _ = field.own(lattice(SHAPE, streams.device)[None])

    def paint(**changes):
        drawn = [dataclasses.replace(PLAIN, **changes)]
        return paint_contrast(drawn, owner, key, field.num_keys, streams)[0, 0], owner.depth_BZYX[0]

    return paint


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_objects_have_the_contrast_of_their_polarity(painted, polarity):
    image, depth = painted(polarity=polarity)
    assert 500 < (depth > 0.5).sum() < depth.numel() / 2
    torch.testing.assert_close(image[depth > 0.5], torch.full_like(image[depth > 0.5], polarity))
    assert (image[depth < -0.5] == 0).all()


def test_rims_fade_with_depth_and_hollow_objects_lack_contrast(painted):
    image, depth = painted(rim=2.0, rim_width=1.0, core=0.25)
    assert image[(depth > 0.5) & (depth < 1.0)].median() > 1.0
    assert image[depth > 4].median() == pytest.approx(0.25, abs=0.1)


def test_white_noise_has_its_deviation_everywhere(painted):
    plain, _ = painted()
    noisy, _ = painted(floor=0.2)
    assert (noisy - plain).std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("kind", ["fibres", "membranes", "specks", "regions", "shading"])
def test_what_is_around_objects_leaves_their_inside_alone(painted, kind):
    plain, depth = painted()
    image, _ = painted(**{kind: 0.8})
    changed = (image - plain).abs()
    assert changed[depth < -0.5].max() > 0.2
    assert (changed[depth > 0.5] < 1e-6).all()
