"""The same geometry for torch tensors, wherever they are.

Tensors on a graphics card stay there: every step is made of torch's own operations, so there is nothing to
compile and no copy to the host. Tensors anywhere else go through the Numba kernels of
:mod:`anystar.geometry`, which are many times faster on a CPU. The conventions are the same to the letter;
results differ by rounding only.
"""

from anystar.geometry.tensors.distances import star_distances, star_distances_at
from anystar.geometry.tensors.probability import object_probability
from anystar.geometry.tensors.raster import rasterise
from anystar.geometry.tensors.suppression import TensorSuppression, suppress

__all__ = [
    "TensorSuppression",
    "object_probability",
    "rasterise",
    "star_distances",
    "star_distances_at",
    "suppress",
]
