"""``anystar train``: a model from synthetic volumes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from anystar.cli.options import Number, channel_option, spacing_option
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.train import LabelledVolumes, Progress, Start, TrainConfig

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
@click.option("--out", type=click.Path(path_type=Path), metavar="RUN", help="Folder of the run.")
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
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Learn from these annotated images (a folder, or one file) instead of synthetic samples.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Their label images, of the same names: 0 background, one number per object.",
)
@click.option(
    "--validation-images", type=click.Path(path_type=Path), metavar="DIR", help="Images to judge by."
)
@click.option("--validation-labels", type=click.Path(path_type=Path), metavar="DIR", help="Their labels.")
@click.option(
    "--hold-out",
    type=click.IntRange(min=0),
    metavar="N",
    help="Without validation images: judge by the last N volumes instead of learning from them. "
    "[default: a fifth, none of fewer than five]",
)
@click.option(
    "--ignore-label", type=int, metavar="N", help="Label of voxels that teach nothing. [default: -1]"
)
@click.option(
    "--unlabelled-is",
    "unlabelled",
    type=click.Choice(["background", "ignore"]),
    help="What label 0 means. ignore: nothing is known there, for volumes of which only some objects are "
    "labelled. [default: background]",
)
@channel_option
@spacing_option
@click.option("--iterations", type=click.IntRange(min=1), metavar="N", help="Optimiser steps in all.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), metavar="N", help="Samples a step (of each process)."
)
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
@click.option("--resume", is_flag=True, help="Go on with the run in RUN, with its own settings.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train.",
)
def train(out: Path | None, resume: bool, device: str, profile: bool, **given: Any) -> None:
    """Train a model on synthetic volumes that are made as it learns, or on annotated ones.

    RUN gets config.toml, log.csv (and TensorBoard events, if it is installed), preview pictures, a
    checkpoint, and model.safetensors, which 'anystar segment --model RUN/model.safetensors' takes. It may be
    stopped at any time (Ctrl-C, SIGTERM) and continued with --resume, with the same result.

    \b
    Examples:
      anystar train --recipe as-mix --out runs/as-mix
      anystar train --recipe wide --size small --out runs/small --iterations 4000
      anystar train --out runs/small --resume
      anystar train --from grain-small --recipe wide --size small --out runs/further
      anystar train --from grain-small --images images/ --labels labels/ --size small --out runs/mine
      anystar train --size small --profile
      torchrun --nproc-per-node 4 -m anystar train --recipe as-mix --out runs/as-mix
    """
    typed = click.get_current_context().get_parameter_source("size") is ParameterSource.COMMANDLINE
    if typed and (resume or given["config_path"]):
        raise InputError(
            "--size chooses settings, which --config or the run to resume has; leave one of them out"
        )
    if profile:
        click.echo(_profile(device, given))
        return
    if out is None:
        raise click.UsageError("Missing option '--out'")
    _train(out, resume, device, given)


def _profile(device: str, given: dict[str, Any]) -> str:
    from anystar.train import profile
    from anystar.workflow.annotated import read_labelled

    config = _config(Path(), False, given)
    labelled = None if config.labelled is None else read_labelled(config.labelled)
    return profile(config, device=device, labelled=labelled).as_text()


def _train(out: Path, resume: bool, device: str, given: dict[str, Any]) -> None:
    from tqdm import tqdm

    from anystar.train import fit
    from anystar.workflow.annotated import read_labelled

    config = _config(out, resume, given)
    labelled = None if config.labelled is None else read_labelled(config.labelled)
    if int(os.environ.get("RANK", "0")) > 0:  # of torchrun's processes, only the first speaks
        for _ in fit(config, out, resume=resume, device=device, labelled=labelled):
            pass
        return
    if labelled is not None:
        click.echo(_describe(labelled))
        if scattered := [v.name for v in (*labelled.training, *labelled.validation) if v.scattered]:
            click.echo(
                f"  note: labels in several pieces, each learnt as one object, in {', '.join(scattered)}; "
                "give every object its own number (scipy.ndimage.label, skimage.measure.label)"
            )
    with tqdm(total=config.iterations, desc="train", disable=None, unit="step") as bar, _Board(out) as board:
        event = None
        for event in fit(config, out, resume=resume, device=device, labelled=labelled):
            bar.update(event.step - bar.n)
            bar.set_postfix_str(f"loss {event.losses['total']:.3f}, waiting {event.waiting:.0%}")
            board.add(event)
            if event.preview:
                _draw_preview(out / "previews" / f"{event.step:07d}.png", event)
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


def _describe(labelled: LabelledVolumes) -> str:
    """Say what is learnt from."""
    objects = sum(len(volume.centres) for volume in labelled.training)
    volumes = len(labelled.training)
    text = f"{objects} objects in {volumes} volume{'s' if volumes > 1 else ''}"
    if labelled.validation:
        return f"{text}; judged by {', '.join(volume.name for volume in labelled.validation)}"
    return f"{text}; none to judge by (see --hold-out)"


def _config(out: Path, resume: bool, given: dict[str, Any]) -> TrainConfig:
    """Return the configuration: a file's, else that of a size; then what the options change."""
    from anystar.config import read_toml
    from anystar.train import load_start, paper_config, small_config

    if resume and given["start"]:
        raise InputError("--resume goes on with a run, --from begins one; leave one of them out")
    path = given["config_path"]
    if path is None and resume:
        path = out / "config.toml"
        if not path.exists() and not (given["recipes"] or given["images"]):  # a name with a typing error
            raise InputError(f"{out} holds no run to resume (no config.toml); leave out --resume")
        path = path if path.exists() else None
    elif path is not None and not resume and path.resolve() == (out / "config.toml").resolve():
        raise InputError(f"{path} would be replaced by the run's own; move it, or choose another --out")
    start = load_start(given["start"]) if given["start"] else None
    if path is not None:
        config = read_toml(path, lambda said: _from_file(said, start, resume))
    else:
        config = {"paper": paper_config, "small": small_config}[given["size"]]()
    changes = {
        k: given[k]
        for k in (
            "recipes",
            "iterations",
            "minutes",
            "batch_size",
            "learning_rate",
            "decay",
            "optimiser",
            "start",
        )
        if given.get(k)
    }
    changes |= _labelled(config, given)
    changes |= {name: given[name] for name in ("seed", "thin") if given.get(name) is not None}
    if start is not None:
        own = start.settings(changes.get("labelled") if config.labelled is None else None)
        changes |= own if path is None else {k: v for k, v in own.items() if k == "labelled"}
        if given["seed"] is None and config.seed in start.seeds:  # samples that it has not seen yet
            changes["seed"] = max(start.seeds) + 1
    return dataclasses.replace(config, **changes)


def _from_file(said: dict[str, Any], start: Start | None, resume: bool) -> TrainConfig:
    """Return a file's configuration; what it leaves out is as the weights to begin with have it."""
    from anystar.config import from_dict
    from anystar.train import TrainConfig, load_start

    if start is None and isinstance(said.get("start"), str) and not resume:
        start = load_start(said["start"])
    return from_dict(TrainConfig, said if start is None else start.complete(said))


_LABELLED = ("hold_out", "ignore_label", "unlabelled", "spacing", "channel")


def _labelled(config: TrainConfig, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the options say of annotated volumes, as changes of the configuration."""
    from anystar.train import LabelledConfig

    said = {k: given[k] for k in _LABELLED if given.get(k) is not None}
    paths = ("images", "labels", "validation_images", "validation_labels")
    said |= {k: str(given[k].resolve()) for k in paths if given.get(k) is not None}
    judged = "validation_images" in said or (config.labelled and config.labelled.validation_images)
    if "hold_out" in said and judged:
        raise InputError(
            "--hold-out judges by some of --images, but --validation-images are given; leave one of them out"
        )
    if "images" not in said and "labels" not in said:
        if said and config.labelled is None:
            names = ", ".join("--" + k.replace("_", "-").replace("unlabelled", "unlabelled-is") for k in said)
            raise InputError(f"{names} need annotated volumes; give --images and --labels")
        return {"labelled": dataclasses.replace(config.labelled, **said)} if said and config.labelled else {}
    if "images" not in said or "labels" not in said:
        raise InputError("--images and --labels belong together; give both")
    if given["recipes"]:
        raise InputError("--recipe makes synthetic volumes, --images gives real ones; leave one of them out")
    if config.labelled is not None:
        return {"labelled": dataclasses.replace(config.labelled, **said), "recipes": ()}
    return {"labelled": LabelledConfig(**said), "recipes": ()}


class _Board:
    """TensorBoard events, if it is installed; nothing is made before the first."""

    def __init__(self, out: Path) -> None:
        self.folder = str(out / "tensorboard")
        self.kind: Any = None
        self.writer: Any = None

    def __enter__(self) -> _Board:
        with contextlib.suppress(ImportError):
            from torch.utils.tensorboard import SummaryWriter

            self.kind = SummaryWriter
        return self

    def add(self, event: Progress) -> None:
        if self.kind is not None:
            self.writer = self.writer or self.kind(self.folder)
            for name, value in event.losses.items():
                self.writer.add_scalar(f"loss/{name}", value, event.step)
            self.writer.add_scalar("waiting for samples", event.waiting, event.step)

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()


def _draw_preview(path: Path, event: Progress) -> None:
    from anystar.report.montage import save_montage

    assert event.preview is not None
    batch, prediction = event.preview
    shown = min(8, len(batch.image))
    rows = {
        "image": list(batch.image[:shown, 0].cpu().numpy()),
        "labels": list(batch.labels[:shown].cpu().numpy()),
        "target": list(batch.targets.prob_BZYX[:shown].cpu().numpy()),
        "predicted": list(prediction.logits[:shown, 0].float().sigmoid().cpu().numpy()),
    }
    save_montage(path, rows)
