"""The kinds of volumes of ``universal``, ``packed`` and ``sparse``: each does what its knobs say."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial import ConvexHull

from anystar.config import ConfigError, override
from anystar.synth.defocus import Defocus, DefocusDrawn, defocused
from anystar.synth.generate import generate
from anystar.synth.grains import Grains
from anystar.synth.layouts import Packing
from anystar.synth.recipes import get_recipe
from anystar.synth.specimen import Specimen
from anystar.synth.subset import Subset
from benchmarks.generator.knobs import plain

SHAPE = (40, 40, 40)


def made(changes, index=0):
    batch = generate(override(plain(), changes), seed=5, indices=[index], shape=SHAPE)
    return batch.image[0, 0].numpy(), batch.labels[0].numpy(), batch.drawn[0]


def grains(**knobs):
    return {"layout": {"grains": {"probability": 1, "diameter": [13, 13], "bump": [0, 0], **knobs}}}


def touch(labels):
    """Whether any two objects are neighbours."""
    pairs = []
    for axis in range(3):
        first, second = (np.moveaxis(labels, axis, 0)[part] for part in (slice(1, None), slice(-1)))
        pairs.append(((first != second) & (first > 0) & (second > 0)).any())
    return any(pairs)


def convexity(labels):
    """Volume of each whole object over that of its convex hull, at voxel centres."""
    found = []
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[box] == label
        if inside.sum() > 300 and all(s.start > 0 and s.stop < 40 for s in box):
            points = np.argwhere(inside)
            found.append(inside.sum() / (ConvexHull(points).volume + ConvexHull(points).area / 2))
    return found


def test_grains_are_convex_and_fill_space_or_leave_gaps():
    _, labels, _ = made(grains(touching=1, pores=[0, 0], jitter=[0.2, 0.2]))
    assert (labels > 0).mean() > 0.97
    assert touch(labels)
    assert np.mean(convexity(labels)) > 0.85
    _, apart, drawn = made(grains(touching=0, gap=[0.2, 0.2], pores=[0, 0], jitter=[0.2, 0.2]))
    assert not touch(apart)
    assert drawn["layout"].gap == pytest.approx(0.2 * 13)
    assert 0.3 < (apart > 0).mean() < 0.75
    assert np.mean(convexity(apart)) > 0.85


def test_pores_are_empty_cells():
    dense = made(grains(touching=1, pores=[0, 0]))[1]
    _, porous, drawn = made(grains(touching=1, pores=[1, 1]))
    absent = drawn["layout"].absent
    assert absent is not None
    share = absent.mean()
    assert (porous > 0).mean() < (dense > 0).mean() * (1 - share) + 0.25
    assert set(np.unique(porous > 0)) <= {False, True}


def test_stretched_grains_are_long():
    def ratio(stretch):
        labels = made(grains(touching=0, gap=[0.1, 0.1], pores=[0, 0], stretch=[stretch, stretch]))[1]
        ratios = []
        for label in np.unique(labels)[1:]:
            points = np.argwhere(labels == label)
            if len(points) > 100:
                widths = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
                ratios.append(widths[2] / widths[0])
        return np.median(ratios)

    assert ratio(3) > 1.5 * ratio(1)


def test_a_specimen_holds_all_objects_and_fades_towards_its_core():
    changes = {
        "layout": {
            "specimen": {"probability": 1, "diameter": [6, 6], "radius": [0.45, 0.45], "elongation": [1, 1]}
        },
        "image": {"scattering": {"level": [0, 0], "decay": [2, 2], "blur": [0, 0]}},
    }
    image, labels, drawn = made(changes)
    body = drawn["layout"].specimen
    points = np.stack(np.indices(SHAPE), -1).reshape(-1, 3)
    depth = body.depth(points).reshape(SHAPE)
    assert labels.max() > 10
    assert not labels[depth < -4].any()
    assert not image[depth < -5].any()
    whole = ndimage.binary_erosion(labels > 0)
    deep, shallow = (image[whole & part].mean() for part in (depth > 0.6 * depth.max(), depth < 4))
    assert deep < 0.7 * shallow


def test_a_shell_is_bright_near_its_outer_surface_only():
    changes = {"layout": {"diameter": [20, 20]}}
    shell = {"image": {"shell": {"probability": 1, "thickness": [0.15, 0.15], "loss": [1, 1]}}}
    image, labels, _ = made(changes | shell)
    depth = ndimage.distance_transform_edt(labels > 0)
    border = np.zeros(SHAPE, bool)
    border[4:-4, 4:-4, 4:-4] = True  # the transform does not see surfaces beyond the image
    assert image[(depth > 1) & (depth < 2.4) & border].mean() > 0.8
    assert image[(depth > 5) & border].mean() < 0.05


def test_defocus_is_a_gaussian_and_grows_with_depth():
    image = torch.rand(2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    drawn = [
        DefocusDrawn(sigma=(1.0, 2.0, 1.5), axis=-1, reverse=False),
        DefocusDrawn(sigma=(1.5, 1.5, 1.5), axis=1, reverse=False),
    ]
    ours = defocused(image, Subset(drawn, device="cpu"))
    theirs = ndimage.gaussian_filter(image[0].numpy(), (1.0, 2.0, 1.5), truncate=8)[6:10, 6:10, 6:10]
    assert np.abs(ours[0, 6:10, 6:10, 6:10].numpy() - theirs).max() < 0.02
    assert torch.equal(ours[1, :, 0], image[1, :, 0])
    assert ours[1, :, -1].std() < 0.5 * image[1, :, -1].std()


def test_defocus_is_less_where_objects_touch():
    def width(pitch):
        rng = np.random.default_rng(0)
        draw = Defocus(width=(0.33, 0.33), axial=(1.0, 1.0)).draw
        return draw(rng, 10.0, pitch).sigma[0]

    assert width(2.0) == pytest.approx(3.3)
    assert width(1.0) == pytest.approx(1.6)
    assert width(0.6) == pytest.approx(0.8)


def test_anatomy_is_smooth_and_no_object():
    image, labels, _ = made({"layout": {"empty": 1}, "image": {"anatomy": {"probability": 1}}})
    assert labels.max() == 0
    assert image.std() > 0.1
    assert np.abs(np.diff(image, axis=0)).mean() < 0.1


def test_a_mask_has_two_values_and_its_objects_are_those():
    for dark in (0, 1):
        image, labels, _ = made({"image": {"mask": 1, "dark": dark}})
        assert set(np.unique(image)) == {0.0, 1.0}
        same = (image > 0.5) == (labels == 0 if dark else labels > 0)
        assert same.mean() > 0.999  # crumbs are background


def test_objects_that_fill_the_volume_are_no_mask():
    image, _, _ = made(grains(touching=1) | {"image": {"mask": 1, "rim": 1}})
    assert len(np.unique(image)) > 2


def test_both_polarities_in_one_volume():
    image, labels, _ = made({"image": {"either": 1}})
    inside = [np.median(image[labels == i]) for i in np.unique(labels)[1:]]
    assert min(inside) == 0
    assert max(inside) == 1
    assert np.median(image[labels == 0]) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["universal", "packed", "sparse"])
def test_a_sample_does_not_depend_on_its_batch(name):
    recipe = get_recipe(name)
    together = generate(recipe, seed=3, indices=range(6), shape=SHAPE)
    for row in (0, 3, 5):
        alone = generate(recipe, seed=3, indices=[row], shape=SHAPE)
        assert torch.equal(alone.labels[0], together.labels[row])
        assert torch.allclose(alone.image[0], together.image[row], atol=2e-5)


def test_a_flat_long_volume_of_grains_takes_its_own_voxels_only():
    recipe = override(plain(), grains(stretch=[2.5, 2.5]))
    labels = generate(recipe, seed=1, indices=[0], shape=(8, 16, 600)).labels
    assert labels.max() > 20


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grains(gap=(0.5, 0.1)), "gap"),
        (lambda: Grains(touching=2.0), "touching"),
        (lambda: Specimen(radius=(0.0, 1.0)), "radius"),
        (lambda: Packing(grains=Grains(probability=-1.0)), "probability"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
