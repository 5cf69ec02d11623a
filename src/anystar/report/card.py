"""A model's card as text: what it was made of, where, what it scores, what it is bad at."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["card_text", "in_all", "origins"]

_WIDTH = 100
_UNKNOWN = "not recorded"


def card_text(name: str, card: Mapping[str, Any], *, parameters: int, size: int) -> str:
    """Return the card of a model for people; what it lacks is not recorded. ``size`` is in bytes.

    Examples
    --------
    >>> print(card_text("toy", {"recipes": ["mild"], "licence": "MIT"}, parameters=10_000, size=20_000))
    toy
      recipe      mild
      iterations  not recorded
      samples     not recorded
      device      not recorded
      minutes     not recorded
      commit      not recorded
      network     0.01 million parameters
      size        0.0 MB
      licence     MIT
      calibrated  no
      accuracy    not measured
      bad at      not recorded
    """
    title = f"{name} (what is used if none is named)" if card.get("default") else name
    rows = [
        ("recipe", _material(card)),
        ("iterations", _count(card.get("iterations"))),
        ("samples", _count(card.get("samples"))),
        ("device", card.get("device", _UNKNOWN)),
        ("minutes", card.get("minutes", _UNKNOWN)),
        ("commit", card.get("commit") or _UNKNOWN),
        ("network", _network(card, parameters)),
        ("size", f"{size / 1e6:.1f} MB"),
        ("licence", card.get("licence", _UNKNOWN)),
    ]
    if "from" in card:
        before = origins(card)
        rows += [
            ("initialised from", ", initialised from ".join(map(_origin, before))),
            ("in all", f"{in_all(card, 'samples')} samples, {in_all(card, 'minutes')} minutes"),
        ]
    if "mean_with" in card:
        rows.append(("weights", f"the mean of the run's and those of {card['mean_with']}"))
    if len(card.get("history", ())) > 1:
        rows.append(("history", "\n".join(map(_part, card["history"]))))
    if "defaults" in card:
        rows.append(("defaults", ", ".join(f"{k} {v:g}" for k, v in card["defaults"].items())))
    rows.append(("calibrated", "on simulated volumes" if card.get("calibration") else "no"))
    rows.append(("accuracy", _table(card["accuracy"]) if card.get("accuracy") else "not measured"))
    rows.append(("bad at", card.get("limits", _UNKNOWN)))
    column = max(len(key) for key, _ in rows) + 4
    lines = [title]
    for key, value in rows:
        start = f"  {key}".ljust(column)
        for line in str(value).splitlines():
            kept = (
                [line] if line.startswith(" ") or key == "accuracy" else textwrap.wrap(line, _WIDTH - column)
            )
            for part in kept:
                lines.append((start + part).rstrip())
                start = " " * column
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in "\n".join(lines))


def _count(value: Any) -> str:
    return _UNKNOWN if value is None else f"{value:,}"


def _material(card: Mapping[str, Any]) -> str:
    if card.get("volumes"):
        return f"{_count(card.get('objects'))} labelled objects in {', '.join(card['volumes'])}"
    return _names(card.get("recipes", ())) or _UNKNOWN


def _names(recipes: Sequence[str]) -> str:
    """Return recipes in turn, with how often each comes."""
    counted = {name: list(recipes).count(name) for name in recipes}
    return ", ".join(name if num == 1 else f"{num} x {name}" for name, num in counted.items())


def _network(card: Mapping[str, Any], parameters: int) -> str:
    text = f"{parameters / 1e6:.3g} million parameters"
    network = card.get("config", {}).get("network")
    if network is None:
        return text
    channels = " ".join(map(str, network["channels"]))
    return f"{text}: channels {channels}, grid {network['grid']}, {network['num_rays']} rays"


def origins(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what is known of the models that a model was initialised from, the last one first."""
    found, rest = [], card.get("from")
    while rest:
        found.append(rest)
        rest = rest.get("from")
    return found


def _origin(origin: Mapping[str, Any]) -> str:
    text = f"{origin.get('model', 'a model')} ({_count(origin.get('samples'))} samples"
    return text + (f" of {_names(origin['recipes'])})" if origin.get("recipes") else ")")


def in_all(card: Mapping[str, Any], key: str) -> str:
    """Return the samples, or minutes, of a model and of all that it was initialised from."""
    legs = [card, *origins(card)]
    return f"{sum(leg[key] for leg in legs):,.0f}" if all(key in leg for leg in legs) else _UNKNOWN


def _part(part: Mapping[str, Any]) -> str:
    what = ", ".join(part["volumes"]) if part.get("volumes") else _names(part.get("recipes", ()))
    return f"steps {part['first']:,} to {part['last']:,}: {what}, batches of {part['batch_size']}"


def _table(scores: Mapping[str, Any]) -> str:
    """Return scores as aligned lines; tables within are headed by their name."""
    plain = {k: v for k, v in scores.items() if not isinstance(v, Mapping)}
    width = max((len(k) for k in plain), default=0)
    lines = [f"{k:<{width}}  {_value(v)}" for k, v in plain.items()]
    for key, value in scores.items():
        if isinstance(value, Mapping):
            lines += [f"{key}:", *("  " + line for line in _table(value).splitlines())]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "  ".join(_value(v) for v in value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
