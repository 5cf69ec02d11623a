"""Settings of all tests."""

import os

import torch
from hypothesis import settings

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports Triton

# Machines are shared, so no test has a deadline; time is measured in benchmarks. Every run tries the same
# examples, so that a change is judged by itself; ``--hypothesis-profile explore`` looks for new ones.
settings.register_profile("explore", deadline=None)
settings.register_profile("anystar", settings.get_profile("explore"), derandomize=True)
settings.load_profile("anystar")
