import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.geometry.threads import default_num_threads, run_chunks


@given(st.integers(0, 300), st.integers(1, 4), st.integers(1, 40))
def test_the_ranges_cover_all_items_once(num_items, num_threads, min_chunk):
    ranges, lock = [], threading.Lock()

    def work(start, stop):
        with lock:
            ranges.append((start, stop))

    run_chunks(work, num_items, num_threads=num_threads, min_chunk=min_chunk)
    assert sorted(i for start, stop in ranges for i in range(start, stop)) == list(range(num_items))
    assert all(stop - start >= min(min_chunk, num_items) for start, stop in sorted(ranges)[:-1])


def test_an_error_of_a_thread_is_raised():
    def work(start, stop):
        if start > 0:
            raise RuntimeError(f"from {start}")

    with pytest.raises(RuntimeError, match="from"):
        run_chunks(work, 100, num_threads=2)
    with pytest.raises(ValueError, match="num_threads must be at least 1, got 0"):
        run_chunks(work, 100, num_threads=0)


@pytest.mark.parametrize("who", ["caller", "helper"])
def test_no_chunk_begins_after_an_error(who):
    """Whichever thread fails: the other may finish the chunk that it is at."""
    begun, caller, failed = [], threading.current_thread(), threading.Event()

    def work(start, stop):
        begun.append(start)
        if (threading.current_thread() is caller) == (who == "caller"):
            failed.set()
            raise RuntimeError("one thread failed")
        failed.wait()

    with pytest.raises(RuntimeError, match="one thread failed"):
        run_chunks(work, 1000, num_threads=2)
    assert len(begun) < 16  # of 32


@pytest.mark.parametrize(("limit", "most"), [("1", 1), ("no number", None), ("0", 1)])
def test_the_environment_limits_the_threads(monkeypatch, limit, most):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert default_num_threads() >= 1
    assert most is None or default_num_threads() == most
