"""AnyStar: zero-shot 3D instance segmentation of star-convex objects in any modality.

Examples
--------
>>> import numpy as np, anystar
>>> model = anystar.load_model(device="cpu")
>>> result = model.segment(np.zeros((16, 32, 32)), spacing=(2, 0.5, 0.5))
>>> result.labels.shape, len(result.objects)
((16, 32, 32), 0)
"""

import lazy_loader

from anystar import display
from anystar._version import __version__

display.RENDERERS["Result"] = "anystar.report.notebook:result_html"

# Loaded on first use: the command line's help must not wait for torch.
__getattr__, __dir__, _lazy = lazy_loader.attach(
    __name__,
    submodules=["evaluate"],
    submod_attrs={
        "arrays": ["Volume"],
        "box": ["Box"],
        "errors": ["AnyStarError", "InputError"],
        "io": ["open_image", "read", "read_labels", "write"],
        "objects": ["FilterOptions", "Objects", "Table", "filters", "measure"],
        "outputs": ["Outputs"],
        "predict": ["Model", "Result", "list_models", "load_model"],
        "report.table": ["read_table", "write_table"],
        "synth.dataset": ["SyntheticDataset"],
        "synth.generate": ["generate"],
        "synth.recipes": ["get_recipe"],
        "workflow": ["SegmentOptions", "segment_file"],
    },
)

__all__ = ["__version__", *_lazy]
