"""``anystar models``: what is bundled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

__all__ = ["models"]


@click.command()
@click.argument("name", required=False)
def models(name: str | None) -> None:
    """List the models: training, size, licence, measured accuracy. With NAME, only that one."""
    import anystar

    names = [name] if name else list(anystar.list_models())
    for i, each in enumerate(names):
        if i:
            click.echo()
        click.echo(each)
        click.echo("\n".join(_lines(anystar.load_model(each, device="cpu").card, "  ")))


def _lines(card: Mapping[str, Any], indent: str) -> list[str]:
    """Return a card as indented ``key: value`` lines."""
    lines = []
    for key, value in card.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            lines.append(f"{indent}{key}: {text}")
    return lines
