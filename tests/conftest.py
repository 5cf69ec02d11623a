"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("anystar", deadline=None)  # machines are shared; time is measured in benchmarks
settings.load_profile("anystar")
