"""Run in an environment with Cellpose (2, 3 or 4): ``python cellpose.py task.json``.

Imports nothing of ours. See :mod:`anystar.lab.peers.process` for the task.
"""

import json
import sys
from pathlib import Path

sys.path.pop(0)  # this folder, where this file's own name would hide the package

import numpy as np


def missing(text):
    """Say that Cellpose cannot run here at all, and end."""
    print(json.dumps({"missing": text}), flush=True)
    sys.exit(3)


def load(name):
    """Return the model of a name that Cellpose knows, or of a weights file, and whether it is Cellpose 4."""
    try:
        from importlib.metadata import version

        from cellpose import models
    except ImportError as error:
        missing(f"Cellpose cannot be imported in {sys.executable} ({error}); pip install cellpose")
    newest = int(version("cellpose").split(".")[0]) >= 4
    try:
        if newest or Path(name).is_file():
            return models.CellposeModel(gpu=False, pretrained_model=name), newest
        return models.CellposeModel(gpu=False, model_type=name), newest
    except Exception as error:  # whatever a failed download raises
        why = " ".join(str(error).split())[:120]
        missing(f"Cellpose has no weights '{name}' here ({why}); download them in its environment first")


def main(task):
    """Segment every image in every setting."""
    options = task["options"]
    model, newest = load(options["model"])
    for job in task["jobs"]:
        image = np.load(job["image"]).astype(np.float32)
        z, y, x = job["spacing"]
        for setting, path in zip(job["settings"], job["outputs"], strict=True):
            how = {"diameter": setting.get("diameter"), "z_axis": 0, "channel_axis": None}
            if not newest:
                how["channels"] = [0, 0]
            if options["mode"] == "planes":
                how |= {"do_3D": True, "anisotropy": 2 * z / (y + x)}
            else:
                how |= {"do_3D": False, "stitch_threshold": 0.25}
            labels = model.eval(image, **how)[0]
            np.save(path, np.asarray(labels).reshape(image.shape).astype(np.int32))
        print(json.dumps({"done": job["image"]}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
