"""Which kernels for graphics cards may work; the kernels themselves are tested beside what they compute."""

import os
import sys
import types
import warnings

import pytest
import torch

from anystar.runtime import gpu

CARD = torch.device("cuda")


@pytest.fixture
def kernels(monkeypatch):
    module = types.ModuleType("some_kernels")
    module.double = lambda x: 2 * x
    monkeypatch.setitem(sys.modules, "some_kernels", module)
    gpu.kernel_for.cache_clear()
    yield module
    gpu.kernel_for.cache_clear()


def trial(kernel, device):
    return "" if kernel(3) == 6 else "it does not double"


def test_a_kernel_that_passes_its_trial_works_and_is_tried_once(kernels):
    tried = []

    def counted(kernel, device):
        tried.append(device)
        return trial(kernel, device)

    for _ in range(3):
        assert gpu.kernel_for("some_kernels", "double", CARD, counted) is kernels.double
    assert tried == [CARD]


@pytest.mark.parametrize("how", ["errs", "breaks"])
def test_without_a_kernel_that_works_torch_does_it_and_that_is_said_once(how, kernels):
    def broken(x):
        raise RuntimeError("Failed to find C compiler.\nSpecify one.")

    kernels.double, why = {
        "errs": (lambda x: x, "it does not double"),
        "breaks": (broken, "RuntimeError: Failed to find C compiler."),
    }[how]
    with pytest.warns(UserWarning, match=f"Triton's double is done by torch, .* .{why}"):
        assert gpu.kernel_for("some_kernels", "double", CARD, trial) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gpu.kernel_for("some_kernels", "double", CARD, trial) is None


def test_where_triton_is_not_nothing_is_said(kernels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gpu.kernel_for("no_such_kernels", "double", CARD, trial) is None


@pytest.mark.parametrize("other", ["cpu", "meta"])
def test_other_devices_have_none_of_it(other, kernels):
    assert gpu.kernel_for("some_kernels", "double", torch.device(other), trial) is None


@pytest.mark.skipif(not hasattr(os, "RTLD_DEEPBIND"), reason="other systems keep symbols of libraries apart")
def test_triton_is_imported_with_symbols_of_its_own(monkeypatch, tmp_path):
    (tmp_path / "triton.py").write_text("import sys\nflags = sys.getdlopenflags()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    before = sys.getdlopenflags()
    gpu.load_triton()
    assert sys.modules["triton"].flags == before | os.RTLD_DEEPBIND
    assert sys.getdlopenflags() == before
    del sys.modules["triton"]
    monkeypatch.setitem(sys.modules, "triton", None)  # not installed
    gpu.load_triton()
    assert sys.getdlopenflags() == before
