"""``anystar synthesize``: pairs of synthetic images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import print_done
from anystar.cli.options import count_option, file_option, file_type
from anystar.errors import InputError
from anystar.runtime.progress import progress_bar

if TYPE_CHECKING:
    from anystar.dataset import DatasetConfig, DatasetSize

__all__ = ["synthesize"]

_FORMATS = ("tif", "nii.gz", "npy", "zarr")


class _NamesRecipes(click.Command):
    """Ends its help with the names of the recipes, which are loaded for it alone."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names."""
        from anystar.synth.recipes import recipe_names

        formatter.write_paragraph()
        formatter.write_text(f"Recipes: {', '.join(recipe_names())}. --preview without -n shows them.")


@click.command(cls=_NamesRecipes, no_args_is_help=True)
@click.argument("out", metavar="OUT", type=file_type)
@count_option("-n", "--number", help="How many pairs.")
@click.option(
    "--recipe", default="as-mix", show_default=True, metavar="NAME", help="What they look like: see below."
)
@file_option("--config", metavar="FILE.toml", help="Changes of the recipe's knobs.")
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
    type=click.Choice(_FORMATS),
    default="tif",
    show_default=True,
    help="A file a volume, or one Zarr store.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="W",
    help="Processes or SLURM jobs; all cores by default, 4 jobs.",
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
@file_option(
    "--preview",
    metavar="FILE.png",
    help="Draw the first 8 samples; without -n, a gallery of all recipes and their stages.",
)
def synthesize(
    number: int | None,
    recipe: str,
    config: Path | None,
    workers: int | None,
    dask: str | None,
    index: int | None,
    preview: Path | None,
    **given: Any,
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
    from anystar.dataset import DatasetConfig, write_dataset
    from anystar.outputs import refuse_ending
    from anystar.synth.recipes import load_recipe

    refuse_ending("preview", preview, ".png")
    chosen = load_recipe(recipe, config)
    dataset = DatasetConfig(recipe=chosen, **given)
    if index is not None:
        if number is not None:
            raise InputError("--index explains one sample and -n makes many; give one of the two")
        if dask is not None:
            raise InputError("--dask makes many samples, and --index explains one; leave one of the two out")
        from anystar.dataset.explained import explain_sample

        print_done(explain_sample(dataset, index))
    elif number is not None:
        with progress_bar("synthesize") as progress:
            write_dataset(
                dataset,
                number,
                workers=workers,
                dask=dask,
                announce=_announce,
                progress=lambda done, total: progress(done, total, "pairs"),
            )
        click.echo(f"{number} pairs of {chosen.name} (seed {dataset.seed}) in {dataset.out}")
    elif preview is None:
        raise InputError("-n is missing; give -n N, --index I or --preview FILE.png")
    if preview:
        _draw(dataset, preview, number)
        click.echo(f"  wrote {preview}")


def _announce(size: DatasetSize) -> None:
    """Print what is to be made and how much space it takes."""
    done = f", {size.number - size.missing} there already" if size.missing < size.number else ""
    click.echo(
        f"{size.missing} pairs to make{done}; about {_bytes(size.needed)} of disk ({_bytes(size.free)} free)"
    )


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


def _draw(dataset: DatasetConfig, path: Path, number: int | None) -> None:
    """Draw the first 8 of ``number`` samples, or the gallery."""
    from anystar.report.montage import save_gallery, save_montage
    from anystar.synth.generate import generate
    from anystar.synth.recipes import get_recipe, recipe_names

    if number is None:
        recipes = [dataset.recipe if n == dataset.recipe.name else get_recipe(n) for n in recipe_names()]
        save_gallery(path, recipes, seed=dataset.seed, shape=dataset.shape)
        return
    rows: dict[str, list[Any]] = {"image": [], "labels": []}
    drawn = range(min(8, number))
    for index in drawn:
        batch = generate(dataset.recipe, seed=dataset.seed, indices=[index], shape=dataset.shape)
        rows["image"].append(batch.image[0, 0].numpy())
        rows["labels"].append(batch.labels[0].numpy())
    save_montage(path, rows, titles=[f"{i:06d}" for i in drawn])
