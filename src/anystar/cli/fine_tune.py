"""``anystar train --fine-tune``: a model adapted to corrected labels, with scores before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import print_done
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.workflow.fine_tuning import FineTuned

__all__ = ["run_fine_tuning"]


def run_fine_tuning(
    pairs: Sequence[tuple[Path, Path]], out: Path | None, *, resume: bool, device: str, **given: Any
) -> None:
    """Adapt a model to pairs of labels and images, and print how good it is before and after."""
    from tqdm import tqdm

    from anystar.workflow.corrected import default_run, read_corrected
    from anystar.workflow.fine_tuning import FineTuneEvent, FineTunePreset, fine_tune

    given.pop("size")  # the preset's
    in_preset = given.keys() & FineTunePreset.__dataclass_fields__
    allowed = {"start", "ignore_label", "spacing", "channel", *in_preset}
    for name, value in given.items():
        if name not in allowed and value not in (None, (), False):
            raise InputError(f"--fine-tune chooses {name}=... itself; leave one of them out")
    read = {name: given[name] for name in ("spacing", "channel")}
    if given["ignore_label"] is not None:
        read["ignore_label"] = given["ignore_label"]
    volumes = [volume for labels, image in pairs for volume in read_corrected(labels, image, **read)]
    preset = FineTunePreset(**{name: given[name] for name in in_preset if given[name] is not None})
    for volume in volumes:
        if volume.reviewed is not None and not volume.reviewed.all():
            share = (volume.reviewed != 0).mean()
            click.echo(f"{volume.name}: only what was reviewed counts, {share:.0%} of the volume")
    with tqdm(total=preset.iterations, desc="train", disable=None, unit="step") as bar:

        def report(event: FineTuneEvent) -> None:
            bar.update(event.step - bar.n)
            loss = "" if event.loss is None else f"loss {event.loss:.3f}"
            bar.set_postfix_str(loss if event.stage == "training" else f"evaluating {event.stage}")

        found = fine_tune(
            volumes,
            out or default_run(pairs[0][0]),
            model=given["start"],
            preset=preset,
            device=device,
            resume=resume,
            progress=report,
        )
    _print_outcome(found, pairs)


def _print_outcome(found: FineTuned, pairs: Sequence[tuple[Path, Path]]) -> None:
    if not found.finished:
        words = " ".join(f"--fine-tune {labels} {image}" for labels, image in pairs)
        click.echo(
            f"stopped after {found.steps} steps; continue: anystar train {words} --out {found.out} --resume"
        )
        return
    click.echo(f"{found.num_objects} objects were learnt from, in {found.steps} steps")
    if found.before is not None and found.after is not None:
        click.echo(f"on {found.num_held_out} objects that were held out:  before   after")
        for what, name in (("AP at IoU 0.5", "ap"), ("mean AP (IoU 0.3, 0.5, 0.7)", "mean_ap")):
            click.echo(f"  {what:<30}  {getattr(found.before, name):6.2f}  {getattr(found.after, name):6.2f}")
    print_done([found.model], found.notes)
    click.echo(f"  use it: anystar segment IMAGE --model {found.model}")
