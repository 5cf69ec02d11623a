"""Curves of series whose curves are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.timecourse import follow, make_regions, relative_change, smooth

RNG = np.random.default_rng(0)


def scene():
    """Labels 3, 70000 and 9 in an organ that is larger than they are."""
    labels = np.zeros((12, 20, 18), np.int32)
    labels[2:6, 3:8, 3:8] = 3
    labels[6:10, 3:8, 9:15] = 70_000
    labels[3:9, 12:17, 4:12] = 9
    mask = np.zeros(labels.shape, np.uint8)
    mask[1:11, 2:18, 2:16] = 1
    return labels, mask


def curves(num):
    t = np.arange(num)
    return {
        3: 100 + 30 * np.sin(t / 7),
        9: 80 * np.exp(-t / 40),
        70_000: np.full(num, 55.0) + (t > 20) * 11,
        0: np.full(num, 40.0) + t / 10,
    }


def series(labels, mask, known, dtype=np.float32):
    """Frames whose regional means are as known: a texture of zero mean over each region is added."""
    texture = RNG.normal(size=labels.shape)
    region = np.where(mask > 0, labels, -1)
    for label in np.unique(region):
        texture[region == label] -= texture[region == label].mean()
    for t in range(len(known[0])):
        frame = 5.0 + texture
        for label, curve in known.items():
            frame[region == label] += curve[t] - 5.0
        yield frame.astype(dtype)


def test_known_curves_come_back_to_a_millionth():
    labels, mask = scene()
    known = curves(60)
    regions = make_regions(labels, mask)
    frames = list(series(labels, mask, known))
    course = follow(iter(frames), regions, reference=frames[0], baseline=(0, 4), sigma=3)
    assert course.label.tolist() == [3, 9, 70_000]
    for column, label in enumerate(course.label, start=1):
        expected = known[label] / known[label][:5].mean() - 1
        np.testing.assert_allclose(course.mean[:, column], known[label], rtol=1e-6)
        np.testing.assert_allclose(course.change[:, column], expected, atol=1e-6)
    size = {label: np.count_nonzero((labels == label) & (mask > 0)) for label in known}
    organ = sum(known[label] * n for label, n in size.items()) / sum(size.values())
    np.testing.assert_allclose(course.mean[:, 0], organ, rtol=1e-6)
    assert course.voxels.tolist() == [sum(size.values()), size[3], size[9], size[70_000]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_means_are_those_of_numpy_in_any_type_and_order(dtype):
    labels, mask = scene()
    frame = RNG.integers(0, 200, labels.shape).astype(dtype)
    for given_frame in (frame, np.asfortranarray(frame), frame[:, ::-1][:, ::-1]):
        found = make_regions(labels, mask).means(given_frame)
        assert found[0] == pytest.approx(frame[mask > 0].mean(dtype=float), rel=1e-12)
        for n, label in enumerate((3, 9, 70_000), start=1):
            inside = (labels == label) & (mask > 0)
            assert found[n] == pytest.approx(frame[inside].mean(dtype=float), rel=1e-12)


def test_without_a_mask_the_organ_is_all_objects_together():
    labels, _ = scene()
    frame = RNG.normal(size=labels.shape)
    assert make_regions(labels).means(frame)[0] == pytest.approx(frame[labels > 0].mean())


def test_missing_constant_and_broken_frames_have_no_values_but_for_untouched_regions():
    labels, _ = scene()
    frames = [RNG.random(labels.shape) + 1 for _ in range(6)]
    frames[1] = None
    frames[2] = np.zeros(labels.shape)
    frames[3][4, 5, 5] = np.nan  # inside label 3
    frames[4][0, 0, 0] = np.inf  # in the background
    course = follow(frames, make_regions(labels), reference=frames[0], baseline=(0, 5), sigma=2)
    assert course.state.tolist() == ["ok", "missing", "constant", "not finite", "not finite", "ok"]
    there = np.isfinite(course.mean)
    assert there.tolist() == [
        [True] * 4, [False] * 4, [False] * 4, [False, False, True, True], [True] * 4, [True] * 4,
    ]  # fmt: skip
    assert (np.isfinite(course.smoothed) == there).all()
    assert [d is None for d in course.drift] == [False, True, True, True, True, False]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), min_size=1, max_size=25), st.floats(0.3, 6))
def test_smoothing_equals_a_literal_weighted_mean(values, sigma):
    curve = np.array([[np.nan if v is None else v] for v in values])
    found = smooth(curve, sigma).ravel()
    radius = int(4 * sigma + 0.5)
    for t, value in enumerate(values):
        if value is None:
            assert np.isnan(found[t])
            continue
        near = [s for s in range(len(values)) if abs(s - t) <= radius and values[s] is not None]
        weight = np.exp([-((s - t) ** 2) / (2 * sigma**2) for s in near])
        assert found[t] == pytest.approx(weight @ [values[s] for s in near] / weight.sum(), abs=1e-9)


def test_a_region_without_a_positive_baseline_has_no_change():
    mean = np.array([[0.0, 1.0, np.nan], [2.0, 2.0, 3.0]])
    change = relative_change(mean, (0, 0))
    np.testing.assert_array_equal(change, [[np.nan, 0, np.nan], [np.nan, 1, np.nan]])


def test_bad_arguments():
    labels, mask = scene()
    with pytest.raises(ValueError, match=r"baseline must be two frames within 0 to 1, got 1 and 2"):
        relative_change(np.ones((2, 1)), (1, 2))
    with pytest.raises(ValueError, match="differ in shape"):
        make_regions(labels, mask[1:])
    with pytest.raises(ValueError, match="mask must hold an object"):
        make_regions(labels, mask * 0)
    with pytest.raises(ValueError, match="at least one frame"):
        follow([], make_regions(labels), reference=labels)
    with pytest.raises(ValueError, match="sigma"):
        smooth(np.ones((2, 1)), -1)
