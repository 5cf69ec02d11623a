"""Which file becomes which: inputs and outputs of ``anystar segment``, settled before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anystar.io import SUFFIXES, file_stem, file_suffix, list_volumes

__all__ = ["Job", "plan_jobs"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One image and what is made of it."""

    image: Path
    "What is read."
    labels: Path
    "Where the labels go."
    table: Path | None = None
    "Where the table goes."
    picture: Path | None = None
    "Where the picture goes."

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files that are written."""
        return tuple(p for p in (self.labels, self.table, self.picture) if p is not None)


def plan_jobs(
    inputs: Sequence[Path],
    output: Path,
    *,
    table: Path | None = None,
    picture: Path | None = None,
    overwrite: bool = False,
) -> list[Job]:
    """Return a job per image.

    One file goes to the file ``output``, or into it under its own name if that is a folder (it exists as one,
    or its name has no ending). Several files, or a folder, go into the folder ``output``; then ``table`` and
    ``picture`` name folders too.

    Raises
    ------
    ValueError
        If an input is missing or unknown, names collide, or an output exists and ``overwrite`` is false.
    """
    images = [file for given in inputs for file in _images_of(given)]
    if len(inputs) == 1 and inputs[0].is_file():
        jobs = [_single(images[0], output, table, picture)]
    else:
        jobs = _several(images, output, table, picture)
    _refuse_collisions(jobs, overwrite)
    return jobs


def _images_of(given: Path) -> list[Path]:
    if given.is_dir():
        return list_volumes(given)
    if not given.exists():
        hint = "; --spacing takes exactly three numbers" if _is_number(given.name) else "; check the name"
        raise ValueError(f"{given} does not exist{hint}")
    if not file_suffix(given):
        raise ValueError(f"{given} has no known ending; give a file that ends in {', '.join(SUFFIXES)}")
    return [given]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _single(image: Path, output: Path, table: Path | None, picture: Path | None) -> Job:
    if output.is_dir() or not output.suffix:
        output = output / image.name
    elif not file_suffix(output):
        raise ValueError(
            f"cannot write {output}; end its name in one of {', '.join(SUFFIXES)}, or name a folder"
        )
    for option, path, ending in (("--table", table, ".csv"), ("--picture", picture, ".png")):
        if path is not None and path.suffix.lower() != ending:
            raise ValueError(f"{option} must end in {ending}, got {path}; change the name")
    return Job(image=image, labels=output, table=table, picture=picture)


def _several(images: list[Path], output: Path, table: Path | None, picture: Path | None) -> list[Job]:
    for option, path in (("--output", output), ("--table", table), ("--picture", picture)):
        if path is not None and (path.is_file() or (path.suffix and not path.is_dir())):
            raise ValueError(
                f"{option} must be a folder for several images, got {path}; give a folder's name"
            )
    return [
        Job(
            image=image,
            labels=output / image.name,
            table=table and table / f"{file_stem(image)}.csv",
            picture=picture and picture / f"{file_stem(image)}.png",
        )
        for image in images
    ]


def _refuse_collisions(jobs: list[Job], overwrite: bool) -> None:
    sources = {job.image.resolve() for job in jobs}
    taken: dict[Path, Path] = {}
    for job in jobs:
        for path in job.outputs:
            if (other := taken.setdefault(path.resolve(), job.image)) is not job.image:
                raise ValueError(f"{other} and {job.image} would both become {path}; rename one of them")
            if path.resolve() in sources:
                raise ValueError(f"{path} is an input and would be overwritten; choose another output")
            if path.exists() and not overwrite:
                raise ValueError(f"{path} exists already; add --overwrite, or choose another name")
