import io
import sys

import numba
import pytest

from anystar.runtime.progress import progress_bar, starting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_told_why_the_first_run_waits(monkeypatch, terminal):
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("COLUMNS", "100")
    double = numba.njit(lambda x: 2 * x)
    with progress_bar("cells.tif") as progress:
        progress(0, 2, "network")
        assert "compiling" not in shown.getvalue()
        double(1)
        assert ("cells.tif: compiling, first run only" in shown.getvalue()) == terminal
        progress(2, 2, "network")
    assert bool(shown.getvalue()) == terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_says_that_the_program_starts_and_is_clear_afterwards(monkeypatch, terminal):
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with starting("anystar segment"):
        assert shown.getvalue() == ("anystar segment: starting" if terminal else "")
    assert shown.getvalue().endswith(f"\r{' ' * 25}\r" if terminal else "")
