"""The command ``anystar``. Each subcommand is a module of its own, loaded when it is called."""

from anystar.cli.group import main

__all__ = ["main"]
