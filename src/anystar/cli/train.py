"""``anystar train``: a model from synthetic volumes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from anystar.train import Progress, TrainConfig

__all__ = ["train"]


@click.command(no_args_is_help=True)
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="NAME",
    help="What the samples look like; repeat it to let several take turns. [default: as-mix]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="RUN", help="Folder of the run."
)
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
    help="Begin with the weights of a bundled model, a model file or a checkpoint; its network and loss are "
    "kept, the optimiser starts anew.",
)
@click.option("--iterations", type=click.IntRange(min=1), metavar="N", help="Optimiser steps in all.")
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="Seed of samples and weights.")
@click.option("--resume", is_flag=True, help="Go on with the run in RUN, with its own settings.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train.",
)
def train(out: Path, resume: bool, device: str, **given: Any) -> None:
    """Train a model on synthetic volumes that are made as it learns.

    RUN gets config.toml, log.csv (and TensorBoard events, if it is installed), preview pictures, a
    checkpoint, and model.safetensors, which 'anystar segment --model RUN/model.safetensors' takes. It may be
    stopped at any time (Ctrl-C, SIGTERM) and continued with --resume, with the same result.

    \b
    Examples:
      anystar train --recipe as-mix --out runs/as-mix
      anystar train --recipe wide --size small --out runs/small --iterations 4000
      anystar train --out runs/small --resume
      anystar train --from mild-small --recipe wide --size small --out runs/further
    """
    from tqdm import tqdm

    from anystar.train import fit

    config = _config(out, resume, given)
    with tqdm(total=config.iterations, desc="train", disable=None, unit="step") as bar, _Board(out) as board:
        event = None
        for event in fit(config, out, resume=resume, device=device):
            bar.update(event.step - bar.n)
            bar.set_postfix_str(f"loss {event.losses['total']:.3f}, waiting {event.waiting:.0%}")
            board.add(event)
            if event.preview:
                _draw_preview(out / "previews" / f"{event.step:07d}.png", event)
    done = event.step if event else config.iterations
    state = (
        "finished"
        if done == config.iterations
        else f"stopped; continue with: anystar train --out {out} --resume"
    )
    click.echo(f"{done} of {config.iterations} iterations, {state}")
    click.echo(f"  wrote {out / 'model.safetensors'}")


def _config(out: Path, resume: bool, given: dict[str, Any]) -> TrainConfig:
    """Return the configuration: a file's, else that of a size; then what the options change."""
    from anystar.config import load_toml
    from anystar.train import TrainConfig, load_start, paper_config, small_config

    if resume and given["start"]:
        raise ValueError("--resume goes on with a run, --from begins one; leave one of them out")
    path = given["config_path"]
    if path is None and resume:
        path = out / "config.toml"
        if not path.exists():
            raise ValueError(f"{out} holds no run to resume (no config.toml); leave out --resume")
    if path is not None:
        config = load_toml(TrainConfig, path)
    else:
        config = {"paper": paper_config, "small": small_config}[given["size"]]()
    changes = {k: given[k] for k in ("recipes", "iterations", "start") if given[k]}
    if given["seed"] is not None:
        changes["seed"] = given["seed"]
    if given["start"]:
        start = load_start(given["start"])
        if path is None:
            changes |= {"network": start.network, "loss": start.loss or config.loss}
        if given["seed"] is None and config.seed in start.seeds:  # samples that it has not seen yet
            changes["seed"] = max(start.seeds) + 1
    return dataclasses.replace(config, **changes)


class _Board:
    """TensorBoard events, if it is installed."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.writer: Any = None

    def __enter__(self) -> _Board:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return self
        self.writer = SummaryWriter(str(self.out / "tensorboard"))
        return self

    def add(self, event: Progress) -> None:
        if self.writer is not None:
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
