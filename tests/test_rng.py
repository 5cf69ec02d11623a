"""Streams depend on the seed and their path alone, and never change."""

import itertools

import numpy as np

from anystar.rng import stream, stream_seed

PATHS = [(0, ()), (1, ()), (0, (0,)), (0, (1,)), (0, (0, 0))]
PATHS += [(0, ("labels",)), (0, (0, "labels")), (0, ("labels", 0))]


def test_different_paths_are_different_streams():
    drawn = [stream(seed, *path).integers(2**63, size=4) for seed, path in PATHS]
    assert all((a != b).all() for a, b in itertools.combinations(drawn, 2))
    assert len({stream_seed(seed, *path) for seed, path in PATHS}) == len(PATHS)


def test_a_stream_does_not_depend_on_what_was_drawn_before():
    first = stream(3, 7, "image").normal(size=5)
    stream(3, 7, "labels").normal(size=100)
    np.random.default_rng(0).normal(size=3)
    np.testing.assert_array_equal(stream(3, 7, "image").normal(size=5), first)


def test_streams_are_those_of_earlier_versions():
    """Or every sample of every seed would change."""
    assert stream(0, 7, "labels").integers(1000, size=4).tolist() == [475, 499, 110, 663]
    assert stream_seed(0, 7, "labels") == 8699453340549490430
    assert 0 <= stream_seed(2**40, "x") < 2**63
