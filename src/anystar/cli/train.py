"""``anystar train``: a model from synthetic volumes, or one adapted to corrected labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from anystar.cli.group import in_options
from anystar.cli.options import (
    Number,
    count_option,
    device_option,
    file_option,
    index_option,
    unlabelled_option,
    volume_options,
)
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.train import TrainConfig

__all__ = ["train"]


@click.command(no_args_is_help=True)
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="NAME",
    help="What the samples look like; repeat it to let several take turns. [default: as-mix; mild with "
    "--size small]",
)
@file_option(
    "--fine-tune",
    "pairs",
    nargs=2,
    multiple=True,
    metavar="LABELS IMAGE",
    help="Adapt a model (--from, or the default one) to corrected labels: some minutes on two cores, "
    "evaluated before and after on a part that is held out. Repeat it for several volumes, or give folders. "
    "Only what LABELS_reviewed marks counts, if there is such a file, as napari makes it.",
)
@file_option("--out", metavar="RUN", help="Folder of the run. [default with --fine-tune: NAME_model]")
@click.option(
    "--size",
    type=click.Choice(["paper", "small"]),
    default="paper",
    show_default=True,
    help="paper: the paper's network and 180,000 iterations, for a GPU. small: two hours on two CPU cores.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE.toml",
    help="All settings, as RUN/config.toml shows them.",
)
@click.option(
    "--from",
    "start",
    metavar="MODEL|FILE",
    help="Begin with the weights of a bundled model, a model file or a checkpoint; its network, loss and "
    "defaults are kept where no --config says otherwise, the optimiser starts anew.",
)
@file_option(
    "--images",
    metavar="DIR",
    help="Learn from these annotated images (a folder, or one file) instead of synthetic samples.",
)
@file_option(
    "--labels",
    metavar="DIR",
    help="Their label images, of the same names: 0 background, one number per object.",
)
@file_option("--validation-images", metavar="DIR", help="Images to evaluate on.")
@file_option("--validation-labels", metavar="DIR", help="Their labels.")
@index_option(
    "--hold-out",
    help="Without validation images: evaluate on the last N volumes instead of learning from them. "
    "[default: a fifth, none of fewer than five]",
)
@click.option(
    "--ignore-label", type=int, metavar="N", help="Label of voxels that teach nothing. [default: -1]"
)
@unlabelled_option
@volume_options
@count_option("--iterations", help="Optimiser steps in all.")
@count_option("--batch-size", help="Samples per step (of each process).")
@click.option(
    "--minutes",
    type=Number(0, above=True),
    metavar="N",
    help="Training time in all, pauses left out, after which the run ends even if iterations are left.",
)
@click.option("--learning-rate", type=Number(0, above=True), metavar="R", help="Initial learning rate.")
@click.option(
    "--decay",
    type=Number(0, 1, above=True),
    metavar="SHARE",
    help="Share of --iterations or --minutes, at the end, over which the learning rate falls to 0. With less "
    "than 1 a run can be extended: --resume with more of either goes on from before the fall. [default: 1]",
)
@click.option(
    "--optimiser",
    type=click.Choice(["adam", "muon"]),
    help="muon: orthogonal updates of the convolutions, Adam for the rest. [default: adam]",
)
@click.option(
    "--thin",
    type=Number(0, 1),
    metavar="SHARE",
    help="Share of the steps whose synthetic samples are cut to a few planes, as thin stacks are.",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="Seed of samples and weights.")
@click.option(
    "--profile",
    is_flag=True,
    help="Only measure a few steps: the share of samples, targets, forward, backward and optimiser, and how "
    "much of the device is used. Nothing is written.",
)
@click.option("--resume", is_flag=True, help="Continue the run in RUN, with its own settings.")
@device_option
def train(
    pairs: tuple[tuple[Path, Path], ...],
    out: Path | None,
    resume: bool,
    device: str,
    profile: bool,
    **given: Any,
) -> None:
    """Train a model on synthetic volumes that are made as it learns, or on annotated ones.

    RUN gets config.toml, log.csv (and TensorBoard events, if it is installed), preview images, a
    checkpoint, and model.safetensors, which 'anystar segment --model RUN/model.safetensors' takes. It may be
    stopped at any time (Ctrl-C, SIGTERM) and continued with --resume, with the same result.

    \b
    Examples:
      anystar train --fine-tune corrected.tif image.tif
      anystar train --recipe as-mix --out runs/as-mix
      anystar train --recipe wide --size small --out runs/small --iterations 4000
      anystar train --out runs/small --resume
      anystar train --from grain-small --recipe wide --size small --out runs/further
      anystar train --from grain-small --images images/ --labels labels/ --size small --out runs/mine
      anystar train --size small --profile
      torchrun --nproc-per-node 4 -m anystar train --recipe as-mix --out runs/as-mix
    """
    if pairs:
        from anystar.cli.fine_tune import run_fine_tuning

        run_fine_tuning(pairs, out, resume=resume, device=device, profile=profile, **given)
        return
    typed = click.get_current_context().get_parameter_source("size") is ParameterSource.COMMANDLINE
    if typed and (resume or given["config_path"]):
        raise InputError(
            "--size chooses settings, which --config or the run to resume has; leave one of them out"
        )
    from anystar.workflow.training import TrainOptions, train_config

    size, path = given.pop("size"), given.pop("config_path")
    options = TrainOptions(**given)
    if profile:
        from anystar.train import profile as measure_steps
        from anystar.workflow.annotated import read_labelled

        config = train_config(options, size=size, config_path=path)
        labelled = None if config.labelled is None else read_labelled(config.labelled)
        click.echo(measure_steps(config, device=device, labelled=labelled).as_text())
        return
    if out is None:
        raise click.UsageError("Missing option '--out'")
    config = train_config(options, size=size, config_path=path, out=out, resume=resume)
    _train(out, resume, device, config)


def _train(out: Path, resume: bool, device: str, config: TrainConfig) -> None:
    from tqdm.auto import tqdm

    from anystar.workflow.annotated import read_labelled
    from anystar.workflow.training import describe_volumes, run_training

    labelled = None if config.labelled is None else read_labelled(config.labelled)
    events = run_training(config, out, resume=resume, device=device, labelled=labelled)
    if int(os.environ.get("RANK", "0")) > 0:  # of torchrun's processes, only the first prints
        for _ in events:
            pass
        return
    if labelled is not None:
        text, *notes = map(in_options, describe_volumes(labelled))
        click.echo("\n".join([text, *(f"  note: {note}" for note in notes)]))
    with tqdm(total=config.iterations, desc="train", disable=None, unit="step") as bar:
        event = None
        for event in events:
            bar.update(event.step - bar.n)
            bar.set_postfix_str(f"loss {event.losses['total']:.3f}, waiting {event.waiting:.0%}")
    done = event.step if event else config.iterations
    ended = config.minutes is not None and (event is None or event.seconds >= 60 * config.minutes)
    state = (
        "finished"
        if done == config.iterations or ended
        else f"stopped; continue with: anystar train --out {out} --resume"
    )
    click.echo(f"{done} of {config.iterations} iterations, {state}")
    click.echo(f"  wrote {out / 'model.safetensors'}")
    if labelled is not None and labelled.validation:
        click.echo(f"  wrote {out / 'best.safetensors'}")
