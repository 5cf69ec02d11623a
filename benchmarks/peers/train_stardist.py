"""Train a StarDist model of its own, briefly: ``STARDIST/bin/python benchmarks/peers/train_stardist.py``.

Runs in an environment with stardist and tensorflow, on ``images/`` and ``labels/`` as ``anystar synthesize``
writes them as TIFF; makes the model folder that ``anystar reproduce peers --stardist`` takes. It is far from
a trained model: it shows that the adapter works.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from stardist import Rays_GoldenSpiral
from stardist.models import Config3D, StarDist3D
from tifffile import imread


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path, help="folder with images/ and labels/")
    parser.add_argument("model", type=Path, help="model folder to make")
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    tf.keras.utils.set_random_seed(0)
    names = sorted(p.name for p in (options.samples / "images").glob("*.tif"))
    images = [imread(options.samples / "images" / n).astype(np.float32) for n in names]
    labels = [imread(options.samples / "labels" / n).astype(np.int32) for n in names]
    config = Config3D(
        rays=Rays_GoldenSpiral(32),
        grid=(2, 2, 2),
        n_channel_in=1,
        unet_n_depth=2,
        unet_n_filter_base=16,
        train_patch_size=(48, 48, 48),
        train_batch_size=1,
        train_epochs=3,
        train_steps_per_epoch=options.steps // 3,
        train_learning_rate=1e-3,
        train_tensorboard=False,
        use_gpu=False,
    )
    model = StarDist3D(config, name=options.model.name, basedir=str(options.model.parent))
    held = max(1, len(names) // 8)
    model.train(images[held:], labels[held:], validation_data=(images[:held], labels[:held]))


if __name__ == "__main__":
    main()
