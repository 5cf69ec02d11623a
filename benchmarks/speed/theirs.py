"""Time StarDist3D in AnyStar's configuration: ``python theirs.py VOLUME.npy REPEAT``, in its own environment.

The weights are random: about a voxel in a thousand becomes a candidate, by the threshold. The volume is cut
into as many tiles as StarDist itself chooses when it tunes thresholds: for its training patch, 128^3.
"""

import json
import os
import resource
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf
from clock import median_seconds
from stardist import Rays_GoldenSpiral
from stardist.models import Config3D, StarDist3D


def main() -> None:
    threads = int(os.environ["OMP_NUM_THREADS"])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.keras.utils.set_random_seed(0)
    config = Config3D(
        rays=Rays_GoldenSpiral(96, anisotropy=(1, 1, 1)),
        grid=(1, 1, 1),
        anisotropy=(1, 1, 1),
        use_gpu=False,
        n_channel_in=1,
        unet_batch_norm=True,
        unet_n_depth=5,
        unet_n_filter_base=32,
    )
    model = StarDist3D(config, name=None, basedir=None)
    volume, repeat = np.load(sys.argv[1]).astype(np.float32) / 255, int(sys.argv[2])
    n_tiles = tuple(-(-length // 128) for length in volume.shape)
    threshold = 0.0

    def network() -> None:
        nonlocal threshold
        prob = model.predict(volume, n_tiles=n_tiles)[0]
        threshold = float(np.quantile(prob, 1 - 2000 / 128**3))

    def instances() -> None:
        model.predict_instances(volume, prob_thresh=threshold, nms_thresh=0.3, n_tiles=n_tiles)

    for name, work in {"network": network, "network and instances": instances}.items():
        seconds = median_seconds(work, repeat)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"name": name, "seconds": seconds, "peak_mib": peak}), flush=True)


main()
