"""``anystar info``: what a bug report needs."""

from __future__ import annotations

import click

__all__ = ["info"]


@click.command()
def info() -> None:
    """Print versions, processor and memory, for bug reports.

    Nothing about your images or files is printed.

    \b
    Example:
      anystar info
    """
    from anystar.runtime.system import describe_system

    for name, value in describe_system().items():
        click.echo(f"{name + ':':<12} {value}")
