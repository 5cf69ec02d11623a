"""How long the sliders of the napari plugin take: python -m benchmarks.napari [OBJECTS]. Needs a display."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from qtpy.QtWidgets import QApplication

import anystar
from anystar.geometry.rays import golden_spiral
from anystar.napari.layers import layer_volume
from anystar.napari.live import Canvas, Live, draw
from anystar.napari.segment_panel import SegmentPanel
from anystar.napari.segmentation import Segmentation
from anystar.predict.candidates import Candidates
from anystar.predict.instances import InstanceStages, candidates_to_instances
from anystar.predict.result import Result
from napari import Viewer

RADIUS, APART = 5.0, 14


def result_of(num: int) -> Result:
    """Return a result of balls of several sizes on a lattice, three candidates for each."""
    rng = np.random.default_rng(0)
    side = int(np.ceil(num ** (1 / 3)))
    centres = (
        np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:num] * APART + 8
    )
    rays = golden_spiral(96)
    radii = rng.uniform(0.6, 1.1, (num, 1)) * RADIUS * np.ones((num, 96))
    prob = rng.uniform(0.3, 1.0, num)
    parts = [
        Candidates(
            points=(centres + shift).astype(np.float32),
            distances=radii.astype(np.float32),
            rays=rays,
            prob=(prob * share).astype(np.float32),
            floor=0.1,
        )
        for shift, share in ((0, 1.0), (1, 0.9), (-1, 0.8))
    ]
    candidates = Candidates.joined(parts)
    shape = (side * APART + 4,) * 3
    stages = InstanceStages(aspect=(1.0, 1.0, 1.0), prob_thresh=0.5, nms_thresh=0.3)
    made = candidates_to_instances(candidates, shape, stages)
    image = rng.normal(100, 5, shape).astype(np.float32) + 50 * (made.labels > 0)
    return Result(
        labels=made.labels,
        objects=made.objects,
        voxel_size=anystar.arrays.VoxelSize((1, 1, 1)),
        prob_thresh=0.5,
        nms_thresh=0.3,
        candidates=candidates,
        image=anystar.Volume(data=image, spacing=(1, 1, 1)),
    )


class Times(NamedTuple):
    """Milliseconds per step of a slider, ``(N,)`` each."""

    made: np.ndarray
    """Processor time of the window's thread until labels, count and histogram are made."""
    painted: np.ndarray
    """The same until the window is painted."""
    all_threads: np.ndarray
    """Processor time of all threads until it is painted: drawing without a graphics card has its own."""
    elapsed: np.ndarray
    """Time until it is painted, which other programs on the machine lengthen."""


def measure(action: Callable[[float], object], values: np.ndarray) -> Times:
    """Set a slider to each value and let the window be painted."""
    rows = []
    for value in values:
        wall, thread, process = time.perf_counter(), time.thread_time(), time.process_time()
        action(float(value))
        made = time.thread_time() - thread
        QApplication.processEvents()
        painted = time.thread_time() - thread
        rows.append((made, painted, time.process_time() - process, time.perf_counter() - wall))
    return Times(*(1e3 * np.array(rows).T))


def print_row(name: str, times: Times) -> None:
    """Print medians, and the longest time of the window's thread."""
    cells = [*(np.median(each) for each in times), times.painted.max()]
    print(f"| {name} | {' | '.join(f'{cell:.0f}' for cell in cells)} |")


def wait(panel: SegmentPanel) -> None:
    """Wait until nothing is computed."""
    while panel.live.busy:
        QApplication.processEvents()
        time.sleep(0.02)


def main(num: int) -> None:
    """Measure each slider in a window, and what the window costs without them."""
    result = result_of(num * 10 // 7)  # some are below the threshold
    viewer = Viewer()
    layer = viewer.add_image(result.image.data, name="balls", units=("um",) * 3)
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel, area="right")
    source = layer_volume(layer)
    live = Live(Canvas(draw(result)))
    panel._display(Segmentation(result=result, place=source.place, source=source, live=live))
    wait(panel)
    print(f"{len(result.objects)} objects in {' x '.join(map(str, result.labels.shape))} voxels")
    sizes, table = live.exact.sizes, live.exact.table

    def volume(share: float) -> None:
        panel.filters.volume.low = float(np.quantile(sizes, share))
        panel.filters.volume.moved.emit()

    sliders = {
        "volume": (volume, np.linspace(0, 0.9, 20)),
        "roundness": (
            panel.filters.roundness.setValue,
            np.quantile(table["sphericity"], np.linspace(0, 0.9, 20)),
        ),
        "contrast": (
            panel.filters.contrast.setValue,
            np.quantile(table["contrast"], np.linspace(0, 0.9, 20)),
        ),
        "border": (lambda on: panel.filters.border.setChecked(on > 0), np.arange(20) % 2),
        "probability, up": (panel.filters.threshold.setValue, np.linspace(0.55, 0.95, 20)),
        "probability, down": (panel.filters.threshold.setValue, np.linspace(0.45, 0.15, 20)),
        "canvas alone, nothing changed": (lambda _: layer.refresh(), np.arange(20)),
    }
    print("| slider | made, ms | painted | all threads | elapsed | longest painted |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (action, values) in sliders.items():
        action(float(values[0]))  # compile
        QApplication.processEvents()
        print_row(name, measure(action, values))
        panel.filters.start(floor=0.1, threshold=0.5, filters=anystar.FilterOptions())
        panel.live.update()
        wait(panel)
    panel.filters.contrast.setValue(float(np.median(table["contrast"])))
    print_row("at rest: table, features, thumbnail", measure(lambda _: panel.live._rest(), np.arange(10)))
    viewer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
