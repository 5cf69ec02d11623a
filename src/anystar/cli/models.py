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
    from anystar.config import nearest

    cards = anystar.list_models()
    if not cards:
        raise ValueError("no model is bundled; train one with 'anystar train'")
    if name is not None and name not in cards:
        raise ValueError(f"unknown model '{name}'{nearest(name, cards)}")
    chosen = cards if name is None else {name: cards[name]}
    click.echo("\n\n".join("\n".join([each, *_lines(card, "  ")]) for each, card in chosen.items()))


def _lines(card: Mapping[str, Any], indent: str) -> list[str]:
    """Return a card as indented ``key: value`` lines."""
    lines = []
    for key, value in card.items():
        if key == "size":
            lines.append(f"{indent}size: {value / 1e6:.1f} MB")
        elif isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            lines.append(f"{indent}{key}: {text}")
    return lines
