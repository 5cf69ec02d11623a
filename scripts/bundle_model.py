"""Put a trained model into the package: ``bundle_model.py RUN/model.safetensors NAME CARD.toml``.

The card of the run (what it was trained with, on what, for how long) is kept in the weights' file. CARD.toml
is copied beside it as NAME.toml and completes it with what was decided and measured afterwards:
``[defaults]`` (prob_thresh, nms_thresh, diameter), ``[calibration]``, ``[accuracy]``, ``licence``,
``limits``, and corrections, if a run was continued by an older version.
"""

import argparse
import shutil
from pathlib import Path

import torch

from anystar.nn.checkpoint import load_tensors, save_tensors
from anystar.predict.registry import model_path

MODELS = Path(__file__).parents[1] / "src" / "anystar" / "models"


def mean(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the mean of two networks' weights; what is counted stays as it is in the first."""
    return {
        key: tensor.double().add(theirs[key]).div(2).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for key, tensor in ours.items()
    }


def main() -> None:
    """Write the weights and the card into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("name")
    parser.add_argument("card", type=Path)
    parser.add_argument("--mean-with", metavar="MODEL", help="take the mean of its weights and the run's")
    options = parser.parse_args()
    tensors, header = load_tensors(options.source)
    if options.mean_with is not None:
        tensors = mean(tensors, load_tensors(model_path(options.mean_with))[0])
        header["card"]["mean_with"] = options.mean_with
    path = MODELS / f"{options.name}.safetensors"
    if options.card.resolve() != path.with_suffix(".toml"):
        shutil.copyfile(options.card, path.with_suffix(".toml"))
    save_tensors(path, tensors, header)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
