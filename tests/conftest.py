"""Settings of all tests."""

import os

import torch
from hypothesis import settings

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports Triton

settings.register_profile("anystar", deadline=None)  # machines are shared; time is measured in benchmarks
settings.load_profile("anystar")
