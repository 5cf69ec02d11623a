"""Run in an environment with StarDist and TensorFlow: ``python stardist.py task.json``.

Imports nothing of ours. See :mod:`anystar.lab.peers.process` for the task.
"""

import json
import os
import sys
from pathlib import Path

sys.path.pop(0)  # this folder, where this file's own name would hide the package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def missing(text):
    """Say that StarDist cannot run here at all, and end."""
    print(json.dumps({"missing": text}), flush=True)
    sys.exit(3)


def main(task):
    """Predict every image once and suppress in every setting."""
    try:
        from csbdeep.utils import normalize
        from stardist.models import StarDist3D
    except ImportError as error:
        missing(f"StarDist cannot be imported in {sys.executable} ({error}); pip install stardist tensorflow")
    folder = Path(task["options"]["model"])
    if not (folder / "config.json").exists() or not list(folder.glob("weights_*.h5")):
        missing(f"{folder} is no StarDist model (config.json, weights_*.h5); give a model's folder")
    model = StarDist3D(None, name=folder.name, basedir=str(folder.parent))
    for job in task["jobs"]:
        image = normalize(np.load(job["image"]).astype(np.float32), 1, 99.8)
        own = {"prob_thresh": model.thresholds.prob, "nms_thresh": model.thresholds.nms}
        settings = [own | s for s in job["settings"]]
        floor = min(s["prob_thresh"] for s in settings)
        prob, dist, points = model.predict_sparse(image, prob_thresh=floor)
        for setting, path in zip(settings, job["outputs"], strict=True):
            kept = prob >= setting["prob_thresh"]
            labels, _ = model._instances_from_prediction(
                image.shape, prob[kept], dist[kept], points=points[kept], **setting
            )
            np.save(path, labels.astype(np.int32))
        print(json.dumps({"done": job["image"]}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
