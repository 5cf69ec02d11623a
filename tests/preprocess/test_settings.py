"""One value holds the preprocessing of an image: fitted, kept as TOML, applied anywhere alike."""

import tomllib
from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anystar.config import dump_toml, from_dict
from anystar.preprocess import Preprocessing
from anystar.preprocess.blank_planes import BlankPlanes
from anystar.preprocess.intensity import rescale
from tests.scenes import lit


def uneven_with_blank_planes():
    image = lit((32, 96, 144), np.linspace(1.0, 0.5, 144))
    image[[5, 20, 21]] = 0
    return image


def test_all_of_it_survives_toml_and_gives_the_same_image():
    image = uneven_with_blank_planes()
    fitted = Preprocessing.fit(image)
    assert fitted.blank_planes is not None
    assert fitted.illumination is not None
    again = from_dict(Preprocessing, tomllib.loads(dump_toml(fitted)))
    assert again == fitted
    box = slice(4, 23), slice(10, 40), slice(100, 144)
    np.testing.assert_array_equal(again.apply(image).read(box), fitted.apply(image).read(box))


@given(
    box=st.tuples(*[st.tuples(st.integers(0, 20), st.integers(21, 32)) for _ in range(3)]),
    gamma=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_a_crop_holds_what_the_whole_holds_there(box, gamma):
    image = uneven_with_blank_planes()
    prepared = Preprocessing.fit(image).apply(image).adjusted(gamma=gamma)
    part = tuple(slice(*ends) for ends in box)
    crop = prepared.crop(part)
    assert isinstance(crop.image, np.ndarray)
    np.testing.assert_array_equal(crop.read((slice(None),) * 3), prepared.read(part))


def test_steps_are_applied_in_the_order_of_the_fields():
    image = uneven_with_blank_planes()
    fitted = Preprocessing.fit(image)
    corrected = fitted.illumination.apply(fitted.blank_planes.apply(image))
    np.testing.assert_array_equal(
        fitted.apply(image).read((slice(None),) * 3), rescale(corrected[:, :, :], fitted.limits)
    )


def test_a_plain_image_is_only_rescaled():
    image = np.random.default_rng(0).normal(size=(16, 48, 48))
    fitted = Preprocessing.fit(image)
    assert [each.name for each in fields(fitted) if getattr(fitted, each.name) != each.default] == ["limits"]
    assert fitted.apply(image).image is image
    assert fitted.repaired(image) is image
    assert fitted.notes == ()


def test_intensities_are_measured_with_planes_filled_but_not_corrected():
    image = uneven_with_blank_planes()
    fitted = Preprocessing.fit(image)
    box = slice(3, 8), slice(0, 96), slice(0, 144)
    measured = fitted.repaired(image, box)
    np.testing.assert_array_equal(measured, fitted.blank_planes.apply(image)[box])
    np.testing.assert_array_equal(measured[[0, 1, 3, 4]], image[[3, 4, 6, 7]])
    assert measured[2].any()
    assert fitted.repaired(image).shape == image.shape


def test_a_constant_image_is_known_to_be_one():
    assert Preprocessing.fit(np.full((8, 9, 10), 7)).constant
    assert not Preprocessing(blank_planes=BlankPlanes(((2, 3),))).constant
