"""Work on the CPU is stopped between its parts."""

import threading
import time

import numpy as np
import pytest

from anystar.errors import Cancelled
from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from anystar.geometry.threads import run_chunks
from anystar.runtime.interrupt import checked, checkpoint, is_checked


class StopAfter:
    def __init__(self, calls):
        self.left = calls

    def __call__(self):
        self.left -= 1
        if self.left < 0:
            raise Cancelled


@pytest.mark.parametrize("num_threads", [1, 2])
def test_chunks_stop_soon(num_threads):
    done, lock = [], threading.Lock()

    def work(start, stop):
        time.sleep(0.001)  # or one thread does all before the other has begun
        with lock:
            done.append(stop - start)

    with pytest.raises(Cancelled), checked(StopAfter(2)):
        run_chunks(work, 1000, num_threads=num_threads)
    assert sum(done) < 1000
    done.clear()
    run_chunks(work, 1000, num_threads=num_threads)
    assert sum(done) == 1000
    assert not is_checked()


def test_suppression_stops_midway_and_gives_the_same_when_it_does_not():
    rng = np.random.default_rng(0)
    radii = rng.uniform(2, 5, (3000, 1)) * np.ones((1, 32))
    candidates = Polyhedra(rng.uniform(0, 60, (3000, 3)), radii, golden_spiral(32), rng.random(3000))
    expected = suppress(candidates)
    calls = []
    with checked(lambda: calls.append(1)):
        np.testing.assert_array_equal(suppress(candidates), expected)
    assert len(calls) > 10
    with pytest.raises(Cancelled), checked(StopAfter(len(calls) // 2)):
        suppress(candidates)


def test_another_thread_is_not_stopped():
    with checked(StopAfter(0)):
        other = threading.Thread(target=checkpoint)
        other.start()
        other.join()
        with pytest.raises(Cancelled):
            checkpoint()
