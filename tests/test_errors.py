"""The errors that are raised on purpose."""

import pickle
from pathlib import Path

import pytest

from anystar import config
from anystar.errors import AlreadyDone, AnyStarError, ConfigError, FileError, InputError


@pytest.mark.parametrize("kind", [InputError, FileError, ConfigError])
def test_what_a_user_can_correct_is_one_family_and_still_a_value_error(kind):
    assert issubclass(kind, InputError)
    assert issubclass(kind, AnyStarError)
    assert issubclass(kind, ValueError)


def test_success_is_no_bad_input():
    assert issubclass(AlreadyDone, AnyStarError)
    assert not issubclass(AlreadyDone, ValueError)


def test_the_error_of_configurations_is_found_where_it_is_used():
    assert config.ConfigError is ConfigError


def test_errors_travel_between_processes():
    before = pickle.loads(pickle.dumps(AlreadyDone(Path("a.zarr"), 7)))
    assert (before.labels, before.num_objects) == (Path("a.zarr"), 7)
    assert str(before) == "a.zarr is finished, 7 objects; nothing is left to do"
