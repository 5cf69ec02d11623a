"""The torch kernels on every device there is; on the CPU they are made to run where Numba would."""

import pytest
import torch

from anystar.geometry.nms import torch as suppression
from anystar.geometry.object_probability import torch as probability
from anystar.geometry.rasterise import torch as raster
from anystar.geometry.star_distances import torch as distances


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    for module in (distances, probability, raster, suppression):
        monkeypatch.setattr(module, "stays", lambda tensor: True)
    return torch.device(request.param)
