"""Work in another thread: progress, a result or one line for the user, and a cancel that is soon heard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from napari.qt.threading import create_worker
from napari.utils import progress
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from anystar.errors import Cancelled, user_message
from anystar.runtime.interrupt import checked
from anystar.runtime.progress import Progress

__all__ = ["Run", "cancel_with"]


class Run(QObject):
    """One piece of work in a thread; its signals arrive in the thread that made it.

    Parameters
    ----------
    title : str
        Of the progress bar in napari's activity dock; without one there is no bar.
    work : callable
        Called with a function ``progress(done, total, stage)``, which raises ``Cancelled`` once the run is
        cancelled; returns the result.
    """

    progressed = Signal(int, int, str)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()
    ended = Signal()
    """After any of the three before."""

    def __init__(self, title: str, work: Callable[[Progress], Any]) -> None:
        super().__init__()
        self._work = work
        self._stop, self._done = threading.Event(), threading.Event()
        self._bar = progress(total=0, desc=title) if title else None
        self._last: tuple[int, int, str] | None = None
        self.progressed.connect(self._draw)

    def start(self) -> None:
        """Begin; returns at once."""
        self._worker: Any = create_worker(self._run, _start_thread=False)
        self._worker.returned.connect(self._deliver)
        self._worker.errored.connect(self._fail)
        self._worker.start()

    def cancel(self) -> None:
        """Stop before the next layer of the network, or the next part of suppression or measuring."""
        self._stop.set()

    @property
    def cancelling(self) -> bool:
        """Whether it was cancelled."""
        return self._stop.is_set()

    @property
    def done(self) -> bool:
        """Whether the thread is done, also where nobody is left to hear of it: the viewer was closed."""
        return self._done.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if the run was cancelled."""
        if self._stop.is_set():
            raise Cancelled

    def _report(self, done: int, total: int, stage: str) -> None:
        self.check()
        if self._last != (done, total, stage):  # it is called far more often than anything changes
            self._last = done, total, stage
            self.progressed.emit(done, total, stage)

    def _run(self) -> tuple[str, Any]:
        try:
            with checked(self.check):
                return "finished", self._work(self._report)
        except Cancelled:
            return "cancelled", None
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            return "failed", message
        finally:
            self._done.set()

    def _deliver(self, outcome: tuple[str, Any]) -> None:
        kind, value = outcome
        self._close()
        if self._stop.is_set() or kind == "cancelled":
            self.cancelled.emit()
        elif kind == "failed":
            self.failed.emit(value)
        else:
            self.finished.emit(value)
        self.ended.emit()

    def _fail(self, error: Exception) -> None:
        """A bug ended the work: napari displays its traceback."""
        self._close()
        self.ended.emit()

    def _draw(self, done: int, total: int, stage: str) -> None:
        if self._bar is not None:
            self._bar.set_description(stage)
            self._bar.total = total
            self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def cancel_with(panel: QWidget) -> None:
    """Cancel what a panel runs, its attribute ``run``, when Qt destroys it: the viewer is closed."""
    panel.destroyed.connect(partial(_cancel, panel.__dict__))  # the widget itself can no longer be used then


def _cancel(panel: dict[str, Any], *_: object) -> None:
    if panel.get("run") is not None:
        panel["run"].cancel()
