"""The top of the command line: finds subcommands by name and turns errors of the user into one line."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import platform
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from anystar._version import __version__
from anystar.errors import user_message
from anystar.runtime.own_process import collect_rarely, keep_freed_memory, wait_passively

__all__ = ["BAD_INPUT", "BUG", "PARTIAL", "complain", "in_options", "main", "one_line", "print_done"]

BAD_INPUT = 2
"""Exit code for whatever the user can correct."""
PARTIAL = 1
"""Exit code if some inputs were left out, with a line each, and the others done."""
BUG = 70
"""Exit code for an error of our own (EX_SOFTWARE of sysexits)."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, SIGTERM or a closed terminal; finished files are kept."""

_COMMANDS = {
    "segment": "Find the objects in 3D images.",
    "measure": "Measure the objects of label images from anywhere.",
    "export": "Write labels for other programs: ROIs for Fiji.",
    "filter": "Keep some of the objects of a segmentation.",
    "evaluate": "Compare label images with a ground truth.",
    "timecourse": "Follow the intensity of regions over time.",
    "report": "Put results side by side on one page.",
    "tune": "Find thresholds on annotated images.",
    "models": "List the models that can be used.",
    "train": "Train a model on synthetic or annotated volumes.",
    "synthesize": "Make synthetic volumes with labels.",
    "data": "List, get and check annotated data sets.",
    "reproduce": "Run the experiments of the paper.",
    "info": "Print versions and hardware, for bug reports.",
}


def complain(message: str) -> None:
    """Print one line to stderr."""
    click.echo(f"anystar: {' '.join(message.split())}", err=True)


def print_done(files: Iterable[object], notes: Iterable[str] = ()) -> None:
    """Print remarks of the library, and the files that were written."""
    for note in notes:
        click.echo(f"  note: {in_options(note)}")
    for path in files:
        click.echo(f"  wrote {path}")


def one_line(error: BaseException) -> str | None:
    """Return the line for the user about an error that is not a bug, with options of the running command."""
    message = user_message(error)
    return None if message is None else in_options(message)


def in_options(message: str) -> str:
    """Return a message of the library, which names arguments, with the options of the running command.

    ``overwrite=True`` becomes ``--overwrite``, and ``spacing=(Z, Y, X)`` becomes ``--spacing Z Y X``.
    """
    context = click.get_current_context(silent=True)
    command = _Group.running if context is None else context.command
    options = {p.name: p for p in command.params if isinstance(p, click.Option)} if command else {}
    if not options:
        return message
    names = "|".join(sorted(map(str, options), key=len, reverse=True))

    def option(found: re.Match[str]) -> str:
        param = options[found[1]]
        value = "" if param.is_flag else found[2].strip("()[]").replace(",", "")
        return f"{long_name(param)} {value}".rstrip(" .")

    def long_name(param: click.Option) -> str:
        return max(param.opts, key=len)

    message = re.sub(rf"(?<![\w-])({names})=(\([^)]*\)|\[[^\]]*\]|[^\s,;)]*)", option, message)
    return re.sub(
        rf"(?:^|(?<=; ))({names})(?= (?:must|takes|belongs?)\b)", lambda m: long_name(options[m[1]]), message
    )


def _report_bug(error: BaseException, words: Sequence[str]) -> None:
    """Print what a report of a bug needs."""
    trace = "".join(traceback.format_exception(error))
    click.echo(
        f"anystar: this is a bug in AnyStar, not a mistake of yours ({type(error).__name__}: {error}).\n"
        f"Please report it with all of the following lines, and with what 'anystar info' prints.\n"
        f"  version:  anystar {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"  command:  anystar {shlex.join(words)}\n{trace}",
        err=True,
        nl=False,
    )


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """Let a scheduler's SIGTERM and a closed terminal's SIGHUP end a run as Ctrl-C does.

    Temporary files are removed then. SIGHUP stays ignored where it was, under ``nohup``.
    """
    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield
        return
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {n: signal.getsignal(n) for n in numbers}
    handled = {n: handler for n, handler in before.items() if handler is not signal.SIG_IGN}
    try:
        for number in handled:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def _open_standard_streams() -> None:
    """Let nothing be printed where standard streams are closed, as in a daemon, instead of failing.

    Their numbers are taken as well: else the next file that is opened would get what libraries print.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open to the end)


class _Group(click.Group):
    """A click group that loads a subcommand on demand, and displays a traceback only for a bug.

    With ``ANYSTAR_DEBUG`` set in the environment, errors are raised as they are.
    """

    running: click.Command | None = None
    """The subcommand that was loaded last."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of the module with that name."""
        if cmd_name not in _COMMANDS:
            return None
        _Group.running = getattr(importlib.import_module(f"anystar.cli.{cmd_name}"), cmd_name)
        return _Group.running

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or suggest the nearest name."""
        close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and not args[0].startswith("-") and close:
            ctx.fail(f"No such command '{args[0]}'; did you mean '{close[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, and exit with 0, with 2 after one line on stderr, or with 130 when interrupted."""
        extra["standalone_mode"] = False
        words = sys.argv[1:] if args is None else args
        if args is None:  # the process is ours, not a test's or a notebook's
            _open_standard_streams()
            keep_freed_memory()
            wait_passively()
            collect_rarely()
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
            command = next((f"anystar {word}" for word in words if word in _COMMANDS), "anystar")
            complain(f"{error.format_message().rstrip('.')}; see {command} --help")
            code = BAD_INPUT
        except Exception as error:
            if os.environ.get("ANYSTAR_DEBUG"):
                raise
            message = one_line(error)
            if message is None:
                _report_bug(error, words)
                code = BUG
            else:
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
      anystar segment embryo.tif -o embryo_labels.tif --table embryo.csv --overview embryo.png
    """
