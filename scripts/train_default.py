"""Train the default model from nothing: ``train_default.py OUT``.

The stages that led to ``grain-small`` (docs/lab-notes/training-log.md) one after the other, with recipes as
they are now and without changes by hand under way: not the same weights, but the same kind of model. 33,969
steps of two samples; a stage that is finished is not done again, one that was stopped goes on where it was.
OUT/default.safetensors is what comes of it; ``bundle_model.py`` puts it into the package.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bundle_model import mean

from anystar.nn.checkpoint import load_header, load_tensors, save_tensors


class Stage(NamedTuple):
    """A run of ``anystar train``, begun from the weights of the stage before."""

    name: str
    recipes: tuple[str, ...]
    iterations: int
    learning_rate: float
    seed: int = 0
    thin: float = 0.0
    mean_with: str | None = None
    """The stage whose weights are averaged with these."""


STAGES = (
    Stage("mild", ("mild",), 5400, 1e-3),
    Stage("broad", ("broad",), 7000, 6e-4, 1),
    Stage("tissue", ("broad",), 5000, 5e-4, 2),
    Stage("walls", ("broad",), 8500, 6e-4, 7, mean_with="tissue"),
    Stage("grain", ("broad", "broad", "grainy"), 2869, 4e-4, 13),
    Stage("thin", ("broad", "broad", "grainy"), 5200, 4e-4, 17, thin=0.25, mean_with="walls"),
)


def steps(stage: Stage, scale: float) -> int:
    """Return how many steps are done of a stage if it is scaled."""
    return max(1, round(stage.iterations * scale))


def command(stage: Stage, run: Path, start: Path | None, scale: float) -> list[str]:
    """Return what begins the stage, or goes on with it."""
    train = [sys.executable, "-m", "anystar", "train", "--out", str(run)]
    if (run / "checkpoint.safetensors").exists():
        return [*train, "--resume", "--iterations", str(steps(stage, scale))]
    settings = {
        "--size": "small",
        "--iterations": steps(stage, scale),
        "--learning-rate": stage.learning_rate,
        "--seed": stage.seed,
        "--thin": stage.thin,
    }
    if start is not None:
        settings["--from"] = start
    recipes = (word for recipe in stage.recipes for word in ("--recipe", recipe))
    return [*train, *recipes, *(str(word) for pair in settings.items() for word in pair)]


def main() -> None:
    """Do the stages that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the steps, to try it")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    start: Path | None = None
    for stage in STAGES:
        done = options.out / f"{stage.name}.safetensors"
        if done.exists() and load_header(done)["card"]["iterations"] != steps(stage, options.scale):
            sys.exit(f"{done} was trained at another --scale; delete it, or choose another folder")
        if not done.exists():
            run = options.out / f"run-{stage.name}"
            subprocess.run(command(stage, run, start, options.scale), check=True)
            tensors, header = load_tensors(run / "model.safetensors")
            if header["card"]["iterations"] < steps(stage, options.scale):
                sys.exit(f"{stage.name} was stopped; the same command goes on with it")
            if stage.mean_with is not None:
                tensors = mean(tensors, load_tensors(options.out / f"{stage.mean_with}.safetensors")[0])
                header["card"]["mean_with"] = stage.mean_with
            save_tensors(done, tensors, header)
        start = done
    tensors, header = load_tensors(options.out / f"{STAGES[-1].name}.safetensors")
    save_tensors(options.out / "default.safetensors", tensors, header)
    print(f"wrote {options.out / 'default.safetensors'}")


if __name__ == "__main__":
    main()
