"""``anystar synthesize``: pairs of synthetic images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["synthesize"]

_FORMATS = ("tif", "nii.gz", "npy")


@click.command(no_args_is_help=True)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "-n", "--number", type=click.IntRange(min=1), required=True, metavar="N", help="How many pairs."
)
@click.option("--recipe", default="as-mix", show_default=True, metavar="NAME", help="What they look like.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="S", help="Seed.")
@click.option(
    "--shape",
    type=click.IntRange(min=16),
    nargs=3,
    default=(64, 64, 64),
    show_default=True,
    metavar="Z Y X",
    help="Voxels of a volume, multiples of 4.",
)
@click.option(
    "--format", "suffix", type=click.Choice(_FORMATS), default="tif", show_default=True, help="File format."
)
@click.option(
    "--preview", type=click.Path(path_type=Path), metavar="FILE.png", help="Draw the first 8 samples."
)
def synthesize(
    out: Path,
    number: int,
    recipe: str,
    seed: int,
    shape: tuple[int, int, int],
    suffix: str,
    preview: Path | None,
) -> None:
    """Make synthetic volumes with labels, in OUT/images and OUT/labels.

    Sample I of seed S is always the same, whatever N is; pairs that OUT already holds are kept, so an
    interrupted run goes on when it is started again. OUT/manifest.jsonl says how each was made.

    \b
    Recipes: as-mix (the paper's), its ablations as-brightfg-plainbg, as-randfg-plainbg and
    as-randfg-perlinbg, and wide (sizes 6 to 44 voxels, dense, noisy, anisotropic, with distractors).

    \b
    Example:
      anystar synthesize samples/ -n 100 --recipe as-mix --seed 1 --preview samples.png
    """
    from tqdm import tqdm

    from anystar.synth.recipes import get_recipe

    chosen = get_recipe(recipe)
    manifest = _open_manifest(out, recipe=recipe, seed=seed, shape=shape, suffix=suffix)
    shown = []
    for index in tqdm(range(number), desc="synthesize", disable=None, leave=False):
        paths = [out / folder / f"{index:06d}.{suffix}" for folder in ("images", "labels")]
        missing = not all(path.exists() for path in paths)
        if missing or (preview and index < 8):
            from anystar.synth.generate import generate

            batch = generate(chosen, seed=seed, indices=[index], shape=shape)
            image, labels = batch.image[0, 0].numpy(), batch.labels[0].numpy()
            if missing:
                _write_pair(paths, image, labels)
                _append(manifest, index, batch.drawn[0])
            if preview and index < 8:
                shown.append((image, labels))
    click.echo(f"{number} pairs of {recipe} (seed {seed}) in {out}")
    if preview:
        from anystar.report.montage import save_montage

        rows = {"image": [i for i, _ in shown], "labels": [label for _, label in shown]}
        save_montage(preview, rows, titles=[f"{i:06d}" for i in range(len(shown))])
        click.echo(f"  wrote {preview}")


def _write_pair(paths: list[Path], image: Any, labels: Any) -> None:
    from anystar import io
    from anystar.arrays import Volume
    from anystar.atomic import staged

    with staged(*paths) as (image_path, labels_path):
        io.write(image_path, Volume(data=image))
        io.write(labels_path, Volume(data=labels))


def _open_manifest(out: Path, **settings: Any) -> Path:
    """Return the manifest's path; refuse a folder whose samples were made otherwise."""
    import json

    from anystar._version import __version__

    path = out / "manifest.jsonl"
    head = {"version": __version__, **settings, "shape": list(settings["shape"])}
    if path.exists():
        with open(path, encoding="utf-8") as file:
            before = json.loads(file.readline())
        if changed := [k for k in head if before.get(k) != head[k]]:
            what = ", ".join(f"{k} {before.get(k)} instead of {head[k]}" for k in changed)
            raise ValueError(f"{out} holds samples of {what}; choose another folder")
        return path
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(head) + "\n", encoding="utf-8")
    return path


def _append(manifest: Path, index: int, drawn: dict[str, Any]) -> None:
    import json

    from anystar.config import to_dict

    entry = {"index": index, **{stage: to_dict(value) for stage, value in drawn.items()}}
    with open(manifest, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
