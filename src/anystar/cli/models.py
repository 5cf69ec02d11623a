"""``anystar models``: what is bundled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from anystar.errors import InputError

__all__ = ["models"]


@click.command()
@click.argument("words", nargs=-1, metavar="[list | show NAME]")
@click.option(
    "--config", "as_config", is_flag=True, help="With show: the settings it was trained with, as TOML."
)
def models(words: tuple[str, ...], as_config: bool) -> None:
    """List the bundled models, or show the card of one.

    A card says recipe, iterations, samples, device, minutes, commit, size, licence, measured accuracy and
    what the model is bad at. NAME may be the path of a model file, too.

    \b
    Examples:
      anystar models list
      anystar models show grain-small
      anystar models show grain-small --config > again.toml   # for: anystar train --config again.toml
    """
    if words[:1] == ("show",):
        if len(words) != 2:
            raise InputError("show takes one name; see them with 'anystar models list'")
        click.echo(_show(words[1], as_config))
    elif as_config:
        raise InputError("--config is for one model; name it: anystar models show NAME --config")
    else:
        chosen = words[1:] if words[:1] == ("list",) else words
        click.echo(_list(chosen))


def _list(names: tuple[str, ...]) -> str:
    import anystar
    from anystar.config import nearest

    cards = anystar.list_models()
    if not cards:
        raise InputError("no model is bundled; train one with 'anystar train'")
    for name in names:
        if name not in cards:
            raise InputError(f"unknown model '{name}'{nearest(name, cards)}")
    chosen = {name: cards[name] for name in names} if names else cards
    width = max(map(len, chosen))
    lines = [f"{name:<{width}}  {_line(card)}" for name, card in chosen.items()]
    return "\n".join([*lines, "", "'anystar models show NAME' has the card of one."])


def _show(name: str, as_config: bool) -> str:
    from anystar.nn.checkpoint import interpreted, load_model_file
    from anystar.predict.registry import DEFAULT_MODEL, model_path
    from anystar.report.card import card_text

    path = model_path(name)
    file = load_model_file(path)
    if as_config and "config" not in file.card:
        raise InputError(
            f"the card of {name} holds no settings; see docs/lab-notes/training-log.md for how it was made"
        )
    with interpreted(path):
        if as_config:
            return _settings(file.card)
        card = file.card | {"default": name == DEFAULT_MODEL}
        parameters = sum(p.numel() for p in file.network.parameters())
        return card_text(name, card, parameters=parameters, size=path.stat().st_size)


def _settings(card: Mapping[str, Any]) -> str:
    """Return what a model was trained with as TOML; weights that are not bundled are only named."""
    import anystar
    from anystar.config import dump_plain
    from anystar.report.card import origins

    config = dict(card["config"])
    if config.get("start") in (None, *anystar.list_models()):
        return dump_plain(config).rstrip()
    start, names = config.pop("start"), [origin["model"] for origin in origins(card) if "model" in origin]
    came = ", initialised from ".join(names or [start])
    comment = f"# Initialised from weights that are not bundled and must be given with --from: {came}"
    return f"{comment}\n{dump_plain(config).rstrip()}"


def _line(card: Mapping[str, Any]) -> str:
    """Return what distinguishes a model from the others."""
    from anystar.report.card import in_all

    what = [*dict.fromkeys(card.get("recipes", ()))]
    what += [f"{in_all(card, 'samples')} samples"] if "samples" in card else []
    line = ", ".join([*what, f"{card['size'] / 1e6:.1f} MB"])
    return f"{line} (the default)" if card.get("default") else line
