"""Bodies drawn onto anisotropic voxels."""

import numpy as np

from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral


def test_an_anisotropic_lattice_is_a_sampling_of_the_fine_one():
    rng = np.random.default_rng(0)
    rays = golden_spiral(96)
    points = rng.uniform(4, 26, (6, 3))
    distances = rng.uniform(3, 6, (6, 1)) * np.ones(96)
    fine = rasterise(points, distances, rays, (30, 30, 30))
    size = (3.0, 2.0, 1.0)
    coarse = rasterise(points / size, distances, rays, (10, 15, 30), voxel_size=size)
    assert coarse.max() > 0
    assert (coarse == fine[::3, ::2]).mean() > 0.999
