"""``anystar synthesize``: pairs of synthetic images and labels."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.cli.pool import Order

__all__ = ["synthesize"]

_BYTES = {"tif": 4.1, "nii.gz": 4.1, "npy": 5.0, "zarr": 4.1}
"""Formats, and bytes a voxel of a pair: float32 images hardly shrink, labels shrink to next to nothing."""


class _NamesRecipes(click.Command):
    """Ends its help with the names of the recipes, which are loaded for it alone."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names."""
        from anystar.synth.recipes import recipe_names

        formatter.write_paragraph()
        formatter.write_text(f"Recipes: {', '.join(recipe_names())}. --preview without -n shows them.")


@click.command(cls=_NamesRecipes, no_args_is_help=True)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(min=1), metavar="N", help="How many pairs.")
@click.option(
    "--recipe", default="as-mix", show_default=True, metavar="NAME", help="What they look like: see below."
)
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Changes of the recipe's knobs."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="S", help="Seed.")
@click.option(
    "--shape",
    type=click.IntRange(min=1),
    nargs=3,
    default=(64, 64, 64),
    show_default=True,
    metavar="Z Y X",
    help="Voxels of a volume, at least 8 each.",
)
@click.option("--two-d", is_flag=True, help="Keep only the middle plane of each volume.")
@click.option(
    "--format",
    "suffix",
    type=click.Choice(tuple(_BYTES)),
    default="tif",
    show_default=True,
    help="A file a volume, or one Zarr store.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="W",
    help="Processes or SLURM jobs; as many as cores by default, 4 jobs.",
)
@click.option(
    "--dask",
    metavar="local|slurm|ADDRESS",
    help="Make them on a Dask cluster whose workers share OUT: W processes here, W SLURM jobs, or those of a "
    "running scheduler.",
)
@click.option(
    "--index", type=click.IntRange(min=0), metavar="I", help="Replay and explain sample I instead, into OUT."
)
@click.option(
    "--preview",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw the first 8 samples; without -n, a gallery of all recipes and their stages.",
)
def synthesize(
    out: Path,
    number: int | None,
    recipe: str,
    config: Path | None,
    seed: int,
    shape: tuple[int, int, int],
    two_d: bool,
    suffix: str,
    workers: int | None,
    dask: str | None,
    index: int | None,
    preview: Path | None,
) -> None:
    """Make synthetic volumes with labels, in OUT/images and OUT/labels (or OUT/samples.zarr).

    Sample I of seed S is always the same, whatever N and the number of workers are. A run that was
    interrupted or killed goes on when it is started again, and a larger N adds samples.
    OUT/manifest.jsonl says how each was made.

    \b
    Example:
      anystar synthesize samples/ -n 100 --recipe as-mix --seed 1 --preview samples.png
      anystar synthesize explained/ --seed 1 --index 42
      anystar synthesize many/ -n 100000 --format zarr --dask tcp://scheduler:8786
      anystar synthesize slices/ -n 1000 --recipe wide --shape 32 256 256 --two-d --format npy
    """
    from anystar.cli.pool import Order
    from anystar.synth.recipes import load_recipe
    from anystar.workflow.outputs import refuse_ending

    refuse_ending("--preview", preview, ".png")
    chosen = load_recipe(recipe, config)
    chosen.check_shape(shape)
    order = Order(out=out, recipe=chosen, seed=seed, shape=shape, suffix=suffix, two_d=two_d)
    if index is not None:
        if number is not None:
            raise InputError("--index explains one sample and -n makes many; give one of the two")
        if dask is not None:
            raise InputError("--dask makes many samples, and --index explains one; leave one of the two out")
        from anystar.cli.replay import replay

        for path in replay(order, index):
            click.echo(f"  wrote {path}")
    elif number is not None:
        _make_all(order, number, workers, dask)
    elif preview is None:
        raise InputError("-n is missing; give -n N, --index I or --preview FILE.png")
    if preview:
        _draw(order, preview, number)
        click.echo(f"  wrote {preview}")


def _make_all(order: Order, number: int, workers: int | None, dask: str | None) -> None:
    from tqdm import tqdm

    from anystar._version import __version__
    from anystar.cli.manifest import Manifest
    from anystar.cli.pairs import open_store
    from anystar.cli.pool import cores, make_pairs, make_pairs_on
    from anystar.config import to_dict
    from anystar.runtime.atomic import remove_partial
    from anystar.runtime.cluster import check_where, connect

    if dask is not None:
        check_where(dask)

    manifest = Manifest(
        order.out,
        {
            "version": __version__,
            "recipe": order.recipe.name,
            "seed": order.seed,
            "shape": list(order.shape),
            "two_d": order.two_d,
            "format": order.suffix,
            "config": to_dict(order.recipe),
        },
    )
    if not manifest.path.exists():
        _refuse_foreign(order.out)
    remove_partial(order.out)
    store = open_store(order.out, order.suffix, order.stored_shape)
    there = {i for i in manifest.samples if i < number and store.has(i)}
    _announce(order, number, number - len(there))
    missing = [i for i in range(number) if i not in there]
    with contextlib.ExitStack() as stack:
        if dask is not None and missing:  # before anything is written: the cluster may not be there
            client = stack.enter_context(connect(dask, workers=workers))
            pairs = make_pairs_on(client, order, missing)
        else:
            pairs = make_pairs(order, missing, workers=min(workers or cores(), max(1, len(missing))))
        order.out.mkdir(parents=True, exist_ok=True)
        manifest.begin()
        store.prepare(number)
        bar = stack.enter_context(
            tqdm(total=number, initial=number - len(missing), desc="synthesize", disable=None, leave=False)
        )
        for index, drawn in pairs:
            manifest.add(index, drawn)
            bar.update()
    manifest.finish()
    click.echo(f"{number} pairs of {order.recipe.name} (seed {order.seed}) in {order.out}")


def _refuse_foreign(out: Path) -> None:
    """Raise an error if there is something where samples would be written."""
    from anystar.cli.pairs import PLACES

    for name in PLACES:
        folder = out / name
        if folder.is_dir() and any(folder.iterdir()):
            what = f"{folder} holds files, and no manifest.jsonl says that they are samples"
            raise InputError(f"{what}; choose another folder, so that nothing is overwritten")


def _announce(order: Order, number: int, missing: int) -> None:
    """Say what is to be done and how much room it takes; refuse if there is not enough."""
    import math
    import shutil

    each = math.prod(order.stored_shape) * _BYTES[order.suffix]
    needed = missing * each
    place = next(p for p in (order.out, *order.out.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    done = f", {number - missing} there already" if missing < number else ""
    click.echo(f"{missing} pairs to make{done}; about {_size(needed)} of disk ({_size(free)} free)")
    if needed > free:
        what = f"{missing} pairs need about {_size(needed)} and {place} has {_size(free)} free"
        raise InputError(f"{what}; make fewer, or choose another place")


def _size(num_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.3g} TB"


def _draw(order: Order, path: Path, number: int | None) -> None:
    """Draw the first 8 of ``number`` samples, or the gallery."""
    from anystar.report.gallery import save_gallery
    from anystar.report.montage import save_montage
    from anystar.synth.generate import generate
    from anystar.synth.recipes import get_recipe, recipe_names

    if number is None:
        recipes = [order.recipe if n == order.recipe.name else get_recipe(n) for n in recipe_names()]
        save_gallery(path, recipes, seed=order.seed, shape=order.shape)
        return
    rows: dict[str, list[Any]] = {"image": [], "labels": []}
    shown = range(min(8, number))
    for index in shown:
        batch = generate(order.recipe, seed=order.seed, indices=[index], shape=order.shape)
        rows["image"].append(batch.image[0, 0].numpy())
        rows["labels"].append(batch.labels[0].numpy())
    save_montage(path, rows, titles=[f"{i:06d}" for i in shown])
