"""Put a trained model into the package: ``bundle_model.py RUN/model.safetensors NAME CARD.toml``.

The card of the run (what it was trained with, on what, for how long) is kept; CARD.toml adds what was decided
and measured afterwards: ``[defaults]`` (prob_thresh, nms_thresh, diameter), ``[accuracy]``, ``licence``,
``limits``, and corrections, if a run was continued by an older version.
"""

import sys
import tomllib
from pathlib import Path

from anystar.nn.checkpoint import load_tensors, save_tensors

MODELS = Path(__file__).parents[1] / "src" / "anystar" / "models"


def main() -> None:
    """Join the weights and the card and write them into the package."""
    source, name, card_path = sys.argv[1:]
    tensors, header = load_tensors(source)
    with open(card_path, "rb") as file:
        header["card"] |= tomllib.load(file)
    path = MODELS / f"{name}.safetensors"
    save_tensors(path, tensors, header)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
