"""The hash finds what is near without comparing everything with everything: pairs are counted."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json
import numpy as np
from anystar.geometry.nms import spatial_hash, suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral

rays, rng, num = golden_spiral(8), np.random.default_rng(0), 400
test, compared = spatial_hash.overlaps, 0

def counted(*arguments):
    global compared
    compared += 1
    return test(*arguments)

# Not compiled, integers do not wrap around: another mixture of the bits that fits 64 of them.
spatial_hash._key = lambda *cell: hash(tuple(map(int, cell)))
spatial_hash.overlaps = counted

def pairs(points, distances):
    global compared
    compared = 0
    kept = suppress(Polyhedra(points, distances, rays, np.linspace(1, 0.5, len(points))))
    return compared, len(kept)

apart, radii = rng.uniform(0, 100, (num, 3)), rng.uniform(3, 6, (num, 8))
spikes = radii.copy()
spikes[::40, 0] = 400  # ten whose bounding spheres meet all others
scattered = rng.normal(0, 1.5, (num, 3))
print(json.dumps({
    "apart": pairs(apart, radii),
    "spikes": pairs(apart, spikes),
    "alike": pairs(np.zeros((num, 3)), np.full((num, 8), 6.0)),
    "scattered": pairs(scattered, np.full((num, 8), 6.0)),
}))
"""
NUM, SPIKES = 400, 10


@pytest.fixture(scope="module")
def compared():
    """Return the pairs whose overlap is tested, and the survivors, of each scene of NUM bodies."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_bodies_far_apart_are_not_compared(compared):
    pairs, kept = compared["apart"]
    assert kept > 100
    assert NUM / 10 < pairs < NUM * 10  # all with all would be 80,000


def test_a_few_huge_bodies_do_not_make_all_others_neighbours(compared):
    assert compared["spikes"][0] < compared["apart"][0] + 2 * SPIKES * NUM


@pytest.mark.parametrize("scene", ["alike", "scattered"])
def test_many_bodies_in_one_spot_are_each_compared_with_few(compared, scene):
    pairs, kept = compared[scene]
    assert 1 <= kept < 20
    assert pairs < 5 * NUM
