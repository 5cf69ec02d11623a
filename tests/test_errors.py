"""The errors that are raised on purpose."""

import errno
import pickle
from pathlib import Path

import pytest

from anystar import config
from anystar.errors import AlreadyDone, AnyStarError, ConfigError, FileError, InputError, user_message


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


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    ],
)
def test_too_little_memory_is_one_line(error):
    assert user_message(error).startswith("not enough memory; crop the image")
    assert user_message(RuntimeError("another")) is None
