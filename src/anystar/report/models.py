"""The bundled models as text: a list, the card of one, the settings it was trained with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anystar.config import dump_plain, nearest
from anystar.errors import InputError
from anystar.nn.checkpoint import interpreted, load_model_file
from anystar.predict.registry import DEFAULT_MODEL, list_models, model_path
from anystar.report.card import card_text, in_all, origins

__all__ = ["list_cards", "settings_of", "show_model"]


def list_cards(names: Sequence[str] = ()) -> str:
    """Return a line per bundled model, or for those named."""
    cards = list_models()
    if not cards:
        raise InputError("no model is bundled; train one with 'anystar train'")
    for name in names:
        if name not in cards:
            raise InputError(f"unknown model '{name}'{nearest(name, cards)}")
    chosen = {name: cards[name] for name in names} if names else cards
    width = max(map(len, chosen))
    lines = [f"{name:<{width}}  {_line(card)}" for name, card in chosen.items()]
    return "\n".join([*lines, "", "'anystar models show NAME' has the card of one."])


def show_model(name: str) -> str:
    """Return the card of a bundled model or of a model file."""
    path = model_path(name)
    file = load_model_file(path)
    with interpreted(path):
        card = file.card | {"default": name == DEFAULT_MODEL}
        parameters = sum(p.numel() for p in file.network.parameters())
        return card_text(name, card, parameters=parameters, size=path.stat().st_size)


def settings_of(name: str) -> str:
    """Return what a model was trained with as TOML; weights that are not bundled are only named."""
    path = model_path(name)
    card = load_model_file(path).card
    if "config" not in card:
        raise InputError(
            f"the card of {name} holds no settings; see docs/lab-notes/training-log.md for how it was made"
        )
    with interpreted(path):
        config = dict(card["config"])
        if config.get("start") in (None, *list_models()):
            return dump_plain(config).rstrip()
        start, names = config.pop("start"), [o["model"] for o in origins(card) if "model" in o]
        came = ", initialised from ".join(names or [start])
        comment = f"# Initialised from weights that are not bundled and must be given with --from: {came}"
        return f"{comment}\n{dump_plain(config).rstrip()}"


def _line(card: Mapping[str, Any]) -> str:
    """Return what distinguishes a model from the others."""
    what = [*dict.fromkeys(card.get("recipes", ()))]
    what += [f"{in_all(card, 'samples')} samples"] if "samples" in card else []
    line = ", ".join([*what, f"{card['size'] / 1e6:.1f} MB"])
    return f"{line} (the default)" if card.get("default") else line
