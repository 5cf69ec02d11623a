"""What every knob of ``wide`` does to the image: ``python -m benchmarks.generator.knobs --out FILE.png``.

One volume of round objects on an even background; each panel turns on one knob alone, at a strong setting.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from matplotlib.figure import Figure

from anystar.config import override
from anystar.report.overview import label_colours
from anystar.synth.generate import generate
from anystar.synth.recipe import Recipe, stages
from anystar.synth.recipes import get_recipe

SHARE = (
    "dark",
    "either",
    "nucleoli",
    "rim",
    "straddle",
    "hollow",
    "fade",
    "halo",
    "shading",
    "haze",
    "regions",
    "fibres",
    "membranes",
    "mottle",
    "walls",
)

_VARIED = {"image": {"variation": [0.45, 0.45]}}
"""What needs more than two grey levels to show."""

KNOBS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "small (5)": {"layout": {"diameter": [5, 5], "gap": [1.2, 1.2]}},
    "large (48)": {"layout": {"diameter": [48, 48]}},
    "two sizes": {"layout": {"second": 1, "second_ratio": [0.4, 0.4], "gap": [1.5, 1.5]}},
    "dense": {"layout": {"gap": [0.8, 0.8], "kept": [1, 1]}},
    "tissue": {"layout": {"tissue": 1, "tissue_diameter": [16, 16]}},
    "patches": {"layout": {"clustered": 1, "diameter": [8, 8], "kept": [0.5, 0.5]}},
    "ellipsoids": {"layout": {"elongation": [3, 3]}},
    "aligned": {"layout": {"elongation": [3, 3], "aligned": 1}},
    "bumps": {"layout": {"bump": [1.5, 1.5]}},
    "empty": {"layout": {"empty": 1}},
    "few": {"layout": {"few": 1, "few_objects": [8, 8]}},
    "dark": {"image": {"dark": 1}},
    "either": {"image": {"either": 1}},
    "variation": {"image": {"variation": [0.7, 0.7]}},
    "chromatin": {"image": {"chromatin": [0.5, 0.5]}},
    "nucleoli": {"image": {"nucleoli": 1, "nucleoli_gain": [-0.8, -0.8]}},
    "rim": {"image": {"rim": 1, "rim_gain": [1, 1]}},
    "hollow": {"image": {"rim": 1, "rim_gain": [1, 1], "hollow": 1, "hollow_loss": [0.9, 0.9]}},
    "straddling": {
        "image": {"rim": 1, "rim_gain": [1, 1], "hollow": 1, "hollow_loss": [0.9, 0.9], "straddle": 1}
    },
    "walls": {"layout": {"tissue": 1, "tissue_diameter": [16, 16]}, "image": {"walls": 1}},
    "fade": {"image": {"fade": 1, "fade_loss": [0.9, 0.9]}},
    "shading": {"image": {"shading": 1, "shading_gain": [0.8, 0.8]}},
    "haze": {"image": {"haze": 1, "haze_gain": [0.8, 0.8]}},
    "halo": {"image": {"haze": 1, "haze_gain": [0.5, 0.5], "haze_width": [0.2, 0.2], "halo": 1}},
    "regions": {"image": {"regions": 1, "distractor_gain": [1, 1]}},
    "fibres": {"image": {"fibres": 1, "distractor_gain": [1, 1], "thickness": [1, 1]}},
    "vessels": {"image": {"fibres": 1, "distractor_gain": [1, 1], "thickness": [2.5, 2.5], "cell": [30, 30]}},
    "membranes": {"image": {"membranes": 1, "distractor_gain": [1, 1]}},
    "specks": {"image": {"specks": 1, "distractor_gain": [1.3, 1.3], "cell": [14, 14]}},
    "mottle": {"image": {"mottle": 1, "mottle_gain": [0.3, 0.3], "mottle_grain": [0.2, 0.2]}},
    "floor": {"image": {"floor": [0.35, 0.35]}},
    "bias field": {"acquisition": {"bias_field": {"probability": 1}}},
    "attenuation": {"acquisition": {"attenuation": {"probability": 1, "decay": [1.5, 1.5]}}},
    "point spread": {"acquisition": {"point_spread": {"probability": 1, "sigma": [1, 1], "axial": [3, 3]}}},
    "flicker": {"acquisition": {"flicker": {"probability": 1, "gain": [0.3, 0.3], "step": [1, 1]}}},
    "photon noise": {"acquisition": {"photon_noise": {"probability": 1, "photons": [8, 8]}}},
    "gaussian noise": {"acquisition": {"gaussian_noise": {"probability": 1, "deviation": [0.1, 0.1]}}},
    "thick slices": {"acquisition": {"thick_slices": {"probability": 1, "step": [5, 5]}}},
    "coarse voxels": {"acquisition": {"coarse_voxels": {"probability": 1, "step": [2.2, 2.2]}}},
    "gaussian smooth": {"acquisition": {"gaussian_smooth": {"probability": 1, "sigma": [1, 1]}}},
    "gibbs ringing": {"acquisition": {"gibbs_ringing": {"probability": 1, "alpha": [0.5, 0.5]}}},
    "k-space spike": {"acquisition": {"kspace_spike": {"probability": 1}}},
    "sharpen": {"acquisition": {"gaussian_sharpen": {"probability": 1, "strength": [10, 10]}}},
    "gamma": _VARIED | {"acquisition": {"gamma": {"probability": 1, "gamma": [2.5, 2.5]}}},
    "histogram shift": _VARIED | {"acquisition": {"histogram_shift": {"probability": 1}}},
    "invert": {"acquisition": {"invert": {"probability": 1}}},
    "window": {"finish": {"window": {"probability": 1, "gain": [0.3, 0.3]}}},
    "cutout": {"finish": {"cutout": {"probability": 1}}},
    "grains": {
        "layout": {"grains": {"probability": 1, "diameter": [14, 14], "touching": 0, "pores": [0.2, 0.2]}}
    },
    "long grains": {
        "layout": {"grains": {"probability": 1, "diameter": [12, 12], "touching": 0, "stretch": [3, 3]}}
    },
    "tissue walls": {
        "layout": {"grains": {"probability": 1, "diameter": [14, 14], "touching": 1}},
        "image": {
            "rim": 1,
            "rim_gain": [1, 1],
            "hollow": 1,
            "hollow_loss": [1, 1],
            "rim_width": [0.05, 0.05],
        },
    },
    "specimen": {
        "layout": {"specimen": {"probability": 1, "diameter": [7, 7], "radius": [0.5, 0.5]}},
        "image": {"scattering": {"level": [0.5, 0.5], "decay": [2, 2], "blur": [0.2, 0.2]}},
    },
    "shell": {"image": {"shell": {"probability": 1, "thickness": [0.15, 0.15], "loss": [1, 1]}}},
    "anatomy": {"image": {"anatomy": {"probability": 1}}},
    "defocus": {"image": {"defocus": {"probability": 1, "width": [0.25, 0.25], "deepening": 0}}},
    "deepening": {"image": {"defocus": {"probability": 1, "width": [0.25, 0.25], "deepening": 1}}},
    "mask": _VARIED | {"image": {"mask": 1, "variation": [0.45, 0.45]}},
    "periodic gain": {"acquisition": {"periodic_gain": {"probability": 1, "amplitude": [0.3, 0.3]}}},
    "posterise": _VARIED | {"acquisition": {"posterise": {"probability": 1, "levels": [3, 3]}}},
    "margin": {"finish": {"margin": {"probability": 1, "oblique": 1}}},
}


def plain() -> Recipe:
    """Return ``wide`` with every knob off: even, round objects of 16 voxels."""
    wide = get_recipe("wide")
    off: dict[str, Any] = {
        "layout": {
            "diameter": [16, 16], "spread": [0, 0], "second": 0, "gap": [1.3, 1.3], "kept": [0.9, 0.9],
            "clustered": 0, "empty": 0, "few": 0, "tissue": 0, "elongation": [1, 1], "aligned": 0,
            "bump": [0, 0],
        },
        "image": dict.fromkeys((*SHARE, "specks"), 0)
        | {"variation": [0, 0], "chromatin": [0, 0], "floor": [0, 0], "distractor_polarity": 1},
        "acquisition": {name: {"probability": 0} for name, _ in stages(wide.acquisition)},
        "finish": {name: {"probability": 0} for name, _ in stages(wide.finish)},
    }  # fmt: skip
    return dataclasses.replace(override(wide, off), name="plain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    columns = 9
    rows = -(-len(KNOBS) // columns)
    fig = Figure(figsize=(1.35 * columns, 1.5 * rows), layout="constrained")
    for axis in (axes := fig.subplots(rows, columns)).flat:
        axis.set_axis_off()
    for axis, (name, changes) in zip(axes.flat, KNOBS.items(), strict=False):
        batch = generate(override(plain(), changes), seed=5, indices=[0])
        image, labels = batch.image[0, 0].numpy(), batch.labels[0].numpy()
        if "layout" in changes and "image" not in changes:
            plane = labels[32]
            colours = label_colours(plane) * (plane > 0)[..., None]
            axis.imshow(colours, interpolation="nearest")
        else:
            plane = image[:, 32] if name == "flicker" else image[32]  # which lies along Z here
            axis.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(name, fontsize=8)
    fig.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
