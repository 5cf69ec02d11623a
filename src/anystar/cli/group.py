"""The top of the command line: finds subcommands by name and turns what goes wrong into one line."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import click

from anystar._version import __version__
from anystar.runtime.allocator import keep_freed_memory

__all__ = ["BAD_INPUT", "PARTIAL", "as_options", "complain", "main", "one_line"]

BAD_INPUT = 2
"""Exit code for whatever the user can mend."""
PARTIAL = 1
"""Exit code where some inputs were left out, with a line each, and the others done."""
INTERRUPTED = 130

_COMMANDS = {
    "segment": "Find the objects in 3D images.",
    "filter": "Keep the relevant objects of a segmentation.",
    "evaluate": "Compare label images with a ground truth.",
    "timecourse": "Follow the intensity of regions over time.",
    "report": "Put results side by side on one page.",
    "tune": "Find thresholds on annotated images.",
    "models": "List the models that can be used.",
    "train": "Train a model on synthetic or annotated volumes.",
    "synthesize": "Make synthetic volumes with labels.",
    "data": "List, get and check annotated data sets.",
    "reproduce": "Run the experiments of the paper.",
}


_ARGUMENT = re.compile(r"\b(axes|channel|level|series|spacing|time)=(\([^()]*\))?")


def as_options(message: str) -> str:
    """Return a message of the library with the options of the command line for the arguments that it names.

    Examples
    --------
    >>> as_options("has 3 channels; choose one with channel=0 to channel=2")
    'has 3 channels; choose one with --channel 0 to --channel 2'
    >>> as_options("choose one by name: channel='Alexa 647'")
    "choose one by name: --channel 'Alexa 647'"
    >>> as_options("states a voxel of 0; give spacing=(Z, Y, X)")
    'states a voxel of 0; give --spacing Z Y X'
    """

    def option(found: re.Match[str]) -> str:
        values = (found[2] or "").strip("()").replace(",", "")
        alone = message[found.end() : found.end() + 1] in ("", " ", ",", ";", ".")
        return f"--{found[1]}" + (f" {values}" if values else "" if alone else " ")

    return _ARGUMENT.sub(option, message)


def complain(message: str) -> None:
    """Print one line to stderr."""
    click.echo(f"anystar: {as_options(' '.join(message.split()))}", err=True)


def one_line(error: BaseException) -> str | None:
    """Return what to tell the user about an error that is not a bug, else ``None``.

    Examples
    --------
    >>> one_line(ValueError("a.tif is a 2D image; give a 3D stack"))
    'a.tif is a 2D image; give a 3D stack'
    >>> one_line(KeyError("bug")) is None
    True
    """
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error)):
        return "not enough memory; crop the image, or try --device cpu"
    if isinstance(error, OSError) and error.errno and error.filename:
        advice = "choose another place" if error.errno in _PLACES else "check the name and the permissions"
        return f"{error.filename}: {os.strerror(error.errno)}; {advice}"
    if isinstance(error, ValueError | OSError):
        return str(error)
    return None


_PLACES = (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOSPC, errno.EPERM)


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """Let a scheduler's SIGTERM end a run as Ctrl-C does, so that temporary files are removed."""
    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Group(click.Group):
    """A click group that loads a subcommand when it is asked for, and never shows a traceback for bad input.

    With ``ANYSTAR_DEBUG`` set in the environment, errors are raised as they are.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of the module with that name."""
        if cmd_name not in _COMMANDS:
            return None
        return getattr(importlib.import_module(f"anystar.cli.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, and exit with 0, with 2 after one line on stderr, or with 130 when interrupted."""
        extra["standalone_mode"] = False
        if args is None:  # the process is ours, not a test's or a notebook's
            keep_freed_memory()
        try:
            with _terminated_is_interrupted():
                code = super().main(args, prog_name or "anystar", **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "")
            code = 0
        except click.Abort:
            complain("interrupted; finished files are kept, nothing is half-written")
            code = INTERRUPTED
        except click.ClickException as error:
            # Not every error of click's parser knows its command.
            words = sys.argv[1:] if args is None else args
            command = next((f"anystar {word}" for word in words if word in _COMMANDS), "anystar")
            complain(f"{error.format_message().rstrip('.')}; see {command} --help")
            code = BAD_INPUT
        except Exception as error:
            message = None if os.environ.get("ANYSTAR_DEBUG") else one_line(error)
            if message is None:
                raise
            complain(message)
            code = BAD_INPUT
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    "anystar",
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command has its own help: anystar segment --help",
)
@click.version_option(__version__, prog_name="anystar", message="%(prog)s %(version)s")
def main() -> None:
    """Find star-convex objects (nuclei, cells, particles, ...) in any 3D image, without training.

    \b
    Example:
      anystar segment embryo.tif -o embryo_labels.tif --table embryo.csv --picture embryo.png
    """
