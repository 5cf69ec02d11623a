"""Devices by name."""

import pytest
import torch

from anystar.config import ConfigError
from anystar.nn.device import device_or_error, fast_bfloat16


def test_auto_is_the_best_that_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device_or_error("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_or_error("auto") == torch.device("cuda")
    assert device_or_error("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu"])
def test_a_device_that_is_not_there_is_refused(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device (cuda|mps) is not available here|device must be auto"):
        device_or_error(name)


def test_bfloat16_is_fast_only_where_it_is_native():
    assert not fast_bfloat16(torch.device("mps"))
    assert fast_bfloat16(torch.device("cpu")) == torch.cpu._is_avx512_bf16_supported()
