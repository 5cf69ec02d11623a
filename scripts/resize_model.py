"""Fit a model's weights to another network: ``resize_model.py MODEL OUT.safetensors --feature-kernel 1``.

What comes of it is less accurate than MODEL until it is trained further: ``anystar train --from
OUT.safetensors``.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.predict.registry import model_path
from anystar.train.resize import resized_weights


def main() -> None:
    """Write the model file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="a bundled model's name, or a file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--feature-kernel", type=int, choices=[1, 3], required=True)
    options = parser.parse_args()
    file = load_model_file(model_path(options.model))
    network = replace(file.network.config, feature_kernel=options.feature_kernel)
    weights = resized_weights(file.network.state_dict(), network, seed=0)
    save_model_file(options.out, weights, network, file.card | {"resized_from": options.model})
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
