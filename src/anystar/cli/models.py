"""``anystar models``: what is bundled."""

from __future__ import annotations

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
    from anystar.report.models import list_cards, settings_of, show_model

    if words[:1] == ("show",):
        if len(words) != 2:
            raise InputError("show takes one name; see them with 'anystar models list'")
        click.echo(settings_of(words[1]) if as_config else show_model(words[1]))
    elif as_config:
        raise InputError("--config is for one model; name it: anystar models show NAME --config")
    else:
        chosen = words[1:] if words[:1] == ("list",) else words
        click.echo(list_cards(chosen))
