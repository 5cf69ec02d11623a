"""Make the gallery anew: ``python scripts/gallery.py DATA [--draw] [NAME ...]``.

Runs every command that the pages below display with a picture, draws the pictures, writes what the commands
print into the pages, and draws the picture of the README. DATA holds the images under the names in the
commands; those of ``examples`` and simulated ones are found without. ``--draw`` draws the results of the last
run again, which are in ``build/gallery``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.ndimage import zoom

import anystar
from anystar.report import overview
from anystar.report.overview import label_colours, to_grey

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "docs" / "gallery" / "index.md", ROOT / "docs" / "how-to" / "wrong-objects.md")
RESULTS = ROOT / "build" / "gallery"
PICTURES = ROOT / "docs" / "images"
SIMULATED = {
    "simulated_dense": "dense",
    "simulated_dense_dark": "dense dark",
    "simulated_tomography": "tomography",
    "simulated_mottled_bright": "mottled, bright",
    "simulated_uneven_light": "uneven light",
}
HERO = {
    "mouse_embryo": "mouse embryo, confocal",
    "gonuclear_1135": "plant ovule, confocal",
    "celegans_t140": "C. elegans, wide planes",
    "colloids": "colloids",
    "drosophila_embryo": "Drosophila, light sheet",
    "simulated_dense_dark": "dark cells (simulated)",
    "simulated_tomography": "tomography (simulated)",
    "grains_binary": "mask of grains",
}
SIDEWAYS = {"gonuclear_1135"}
"""Volumes that the README displays in a slice across Y."""
ENTRY = re.compile(
    r"(\(\.\./images/gallery/(\w+)\.jpg\)\n\n```console\n\$ (anystar [^\n]+)\n)(.*?)(```)", re.S
)
FINE = 3
"""Pixels per voxel at which outlines are drawn."""


def find_image(name: str, data: Path, folder: Path) -> None:
    """Put the image of a command into the folder where it runs."""
    if (folder / name).exists():
        return
    for place in (data, ROOT / "examples"):
        if (place / name).exists():
            (folder / name).symlink_to((place / name).resolve())
            return
    sys.path.insert(0, str(ROOT))
    from benchmarks.models.simulator.conditions import CONDITIONS
    from benchmarks.models.simulator.simulate import simulate

    condition = next(c for c in CONDITIONS if c.name == SIMULATED[Path(name).stem])
    anystar.write(folder / name, simulate(condition, seed=0).image)


def run(command: str, folder: Path) -> str:
    """Return what a command prints, without times and the names of files."""
    words = [sys.executable, "-m", *command.split()]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  wrote")]
    return "".join(re.sub(r", [\d.,]+ s$", "", line) + "\n" for line in lines)


def fullest(labels: np.ndarray, axis: int) -> int:
    """Return the slice across an axis with most objects; the middle one if there are none."""
    counts = [len(np.unique(plane)) for plane in np.moveaxis(labels, axis, 0)]
    return int(np.argmax(counts)) if max(counts) > 1 else labels.shape[axis] // 2


def draw(axes: Axes, grey: np.ndarray, labels: np.ndarray, edges: tuple[float, float], width: float) -> None:
    """Draw a slice with its outlines (none if ``width`` is 0), at the voxels' true proportions."""
    rows, columns = grey.shape
    extent = (0, columns * edges[1], rows * edges[0], 0)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="bicubic")
    y, x = ((np.arange(n * FINE) + 0.5) / FINE * edge for n, edge in zip(labels.shape, edges, strict=True))
    for label in np.unique(labels[labels > 0]) if width else ():
        mask = zoom(
            np.pad((labels == label).astype(np.float32), 1), FINE, order=1, grid_mode=True, mode="nearest"
        )
        inner = mask[FINE:-FINE, FINE:-FINE]
        inner[[0, -1]], inner[:, [0, -1]] = 0, 0  # outlines are closed at the border
        if inner.max() > 0.5:
            axes.contour(x, y, inner, levels=[0.5], colors=[label_colours(np.array(label))], linewidths=width)
    axes.set_axis_off()


def figure_of(width: float, height: float) -> Figure:
    """Return a figure without a window."""
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0)
    FigureCanvasAgg(figure)
    return figure


def views(image: anystar.Volume, labels: np.ndarray, at: tuple[int, int]) -> tuple[tuple, tuple]:
    """Return grey values, labels and edges of a slice across Z, and of one across Y."""
    edges = image.spacing or (1.0, 1.0, 1.0)
    z, y = at
    window = tuple(np.percentile(image.data, [1.0, 99.8]))
    return (
        (to_grey(image.data[z], window), labels[z], edges[1:]),
        (to_grey(image.data[:, y], window), labels[:, y], (edges[0], edges[2])),
    )


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a small JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, pil_kwargs={"quality": 82, "optimize": True})
    print(f"wrote {path.relative_to(ROOT)}, {path.stat().st_size // 1024} kB")


def draw_entry(image: anystar.Volume, labels: np.ndarray, at: tuple[int, int], path: Path) -> None:
    """Draw the slice, the slice with outlines, and a slice across the planes."""
    (grey, cut, edges), (side, side_cut, side_edges) = views(image, labels, at)
    size = [np.multiply(g.shape, e) for g, e in ((grey, edges), (side, side_edges))]
    ratios = [size[0][1] / size[0][0]] * 2 + [size[1][1] / size[1][0]]
    if ratios[2] > 2.5:  # few planes: below, not beside
        figure = figure_of(9, 9 / (2 * ratios[0]) + 9 / ratios[2])
        grid = figure.add_gridspec(2, 2, height_ratios=[1 / (2 * ratios[0]), 1 / ratios[2]])
        axes = [
            figure.add_subplot(grid[0, 0]),
            figure.add_subplot(grid[0, 1]),
            figure.add_subplot(grid[1, :]),
        ]
    else:
        figure = figure_of(9, 9 / sum(ratios))
        axes = list(figure.subplots(1, 3, width_ratios=ratios))
    draw(axes[0], grey, cut, edges, 0)
    draw(axes[1], grey, cut, edges, 1.2)
    draw(axes[2], side, side_cut, side_edges, 1.2)
    save(figure, path)


def squared(grey: np.ndarray, labels: np.ndarray, edges: tuple[float, float], most: float) -> tuple:
    """Return the square of a slice with most objects, at most ``most`` times the median object's width."""
    areas = np.bincount(labels.ravel())[1:]
    width = 2 * np.sqrt(np.median(areas[areas > 0]) * edges[0] * edges[1] / np.pi)
    side = min(*np.multiply(grey.shape, edges), most * width)
    rows, columns = (int(side / edge) for edge in edges)
    filled = np.pad((labels > 0).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = (
        filled[rows:, columns:]
        - filled[:-rows, columns:]
        - filled[rows:, :-columns]
        + filled[:-rows, :-columns]
    )
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    box = slice(row, row + rows), slice(column, column + columns)
    return grey[box], labels[box], edges


def draw_hero(found: dict[str, tuple[anystar.Volume, np.ndarray]], path: Path) -> None:
    """Draw the README's picture: a square of several volumes, with outlines."""
    figure = figure_of(10, 5.3)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
    for axes, (name, title) in zip(figure.subplots(2, 4).flat, HERO.items(), strict=True):
        image, labels = found[name]
        at = fullest(labels, 0), fullest(labels, 1)
        draw(axes, *squared(*views(image, labels, at)[name in SIDEWAYS], most=9), 1.6)
        axes.set_title(title, fontsize=10, pad=3)
    save(figure, path)


def make_page(
    page: Path, data: Path, only: list[str], *, draw_only: bool
) -> dict[str, tuple[anystar.Volume, np.ndarray]]:
    """Run the commands of a page, draw its pictures, and return images and labels by name."""
    found, at = {}, {}
    text = page.read_text(encoding="utf-8")
    for before, name, command, _, _ in ENTRY.findall(text):
        if only and name not in only:
            continue
        words = command.split()
        if not draw_only:
            find_image(words[2], data, RESULTS)
            (RESULTS / words[-1]).unlink(missing_ok=True)
            printed = run(command, RESULTS)
            print(printed, end="", flush=True)
            text = ENTRY.sub(lambda m, b=before, p=printed: b + p + m[5] if m[1] == b else m[0], text)
            page.write_text(text, encoding="utf-8")
        image, labels = anystar.read(RESULTS / words[2]), anystar.read_labels(RESULTS / words[-1]).data
        if words[2] not in at:  # the same slices in all results of one image
            at[words[2]] = fullest(labels, 0), fullest(labels, 1)
        draw_entry(image, labels, at[words[2]], PICTURES / "gallery" / f"{name}.jpg")
        found[name] = image, labels
    return found


def main(data: Path, only: list[str], *, draw_only: bool) -> None:
    """Make everything, or the entries that are named."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = {}
    for page in PAGES:
        found |= make_page(page, data, only, draw_only=draw_only)
    if "mouse_embryo" in found:
        image, labels = found["mouse_embryo"]
        views = overview.panels(image.data, labels, image.spacing)
        sheet = overview.draw_panels(views, metric=True)
        sheet.thumbnail((sheet.width // 2, sheet.height))
        sheet.save(PICTURES / "first-volume.jpg", quality=82, optimize=True)
    if all(name in found for name in HERO):
        draw_hero(found, PICTURES / "results.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [w for w in sys.argv[2:] if w != "--draw"], draw_only="--draw" in sys.argv)
