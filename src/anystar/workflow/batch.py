"""Which image becomes which files, decided before any voxel is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anystar.errors import InputError
from anystar.io.address import READABLE, SUFFIXES, file_stem, locate
from anystar.io.files import refuse_loss
from anystar.io.lazy import open_image
from anystar.io.planes import list_volumes
from anystar.outputs import ENDINGS, Outputs, refuse_outputs
from anystar.report.meshes import MESH_SUFFIXES
from anystar.report.table import TABLE_SUFFIXES
from anystar.workflow.options import SegmentOptions

__all__ = ["Job", "images_of", "plan_jobs"]

_LABELS = "_labels"
"""End of the name of labels beside their image."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One volume and the files that are made of it."""

    image: Path
    channel: int | str | None = None
    time: int | None = None
    prob_thresh: float | None = None
    """One of several probability thresholds."""
    outputs: Outputs
    shared: frozenset[str] = frozenset()
    """Outputs that several jobs make together: a joined ``table``, or ``labels`` with a time axis."""
    num_times: int = 1
    """Number of time points of the image."""

    @property
    def name(self) -> str:
        """Name to display."""
        parts = ((" time", self.time), (" channel", self.channel))
        return self.image.name + ",".join(f"{what} {n}" for what, n in parts if n is not None)


def plan_jobs(
    inputs: Sequence[Path],
    outputs: Outputs,
    options: SegmentOptions,
    *,
    prob_thresholds: Sequence[float] = (),
    also_read: Sequence[Path | None] = (),
) -> list[Job]:
    """Return one job per volume, and per probability threshold if there are several.

    One image goes to the file ``outputs.labels``, or into it under its own name if that is a folder (it
    exists as one, or its name has no ending). Several images, or a folder, go into the folder
    ``outputs.labels``; then all outputs name folders, but for a table, which may be one file for all. If each
    channel or time point (``"all"``) is a volume of its own, its number is added to the names; but time
    points share an OME-Zarr label image with a time axis, and a table. Of several images, one that cannot be
    opened to count them becomes a job that fails later.

    Parameters
    ----------
    inputs : sequence of Path
        Images, and folders of images; label images beside them are left out, see :func:`images_of`.
    outputs : Outputs
    options : SegmentOptions
        How images are opened (``channel`` and ``time`` may be ``"all"``), and whether existing outputs may be
        replaced.
    prob_thresholds : sequence of float
        Several thresholds: each is added to the names, ``labels_p0.30.tif``.
    also_read : sequence of Path, optional
        Files besides the images and the mask that no output may replace.

    Raises
    ------
    InputError
        If an input is missing or unknown, names collide, an output is an input, or an output exists and
        ``options`` do not let it be replaced.
    """
    images = [image for given in inputs for image in images_of(given)[0]]
    channel, time = options.channel, options.time
    one = len(inputs) == 1 and (locate(inputs[0]).module or images == [inputs[0]])
    joined = outputs.table is not None and outputs.table.suffix.lower() in TABLE_SUFFIXES
    if one:
        planned = [(images[0], _single(images[0], outputs, split="all" in (channel, time)))]
    else:
        planned = list(_several(images, outputs, joined=joined))
    first: dict[str, Any] = {
        "channel": 0 if channel == "all" else channel,
        "time": 0 if time == "all" else time,
    }
    jobs: list[Job] = []
    for image, made in planned:
        try:
            jobs += _split(image, made, options, first, joined=joined)
        except (OSError, ValueError):
            if len(planned) == 1:
                raise
            jobs.append(Job(image=image, outputs=made, **first))
    if len(prob_thresholds) > 1:
        jobs = [one for job in jobs for one in _by_threshold(job, prob_thresholds)]
    if joined and len(images) > 1:
        jobs = [replace(job, shared=job.shared | {"table"}) for job in jobs]
    refuse_outputs(
        _each_once(jobs),
        inputs=[*(job.image for job in jobs), options.mask, *also_read],
        overwrite=options.overwrite or options.resume,
    )
    for job in jobs:
        refuse_loss(job.outputs.labels)
        if job.outputs.meshes is not None and job.outputs.meshes.is_dir():
            _refuse_foreign(job.outputs.meshes)
    return jobs


def _each_once(jobs: Sequence[Job]) -> Iterator[tuple[str, Path]]:
    """Yield what each output is, and its path; those that jobs share only once."""
    shared: set[Path] = set()
    for job in jobs:
        for what, path in job.outputs.named.items():
            common = what.split()[-1] in job.shared
            if not (common and path in shared):
                yield f"the {what} of {job.image}", path
            if common:
                shared.add(path)


def images_of(given: Path) -> tuple[list[Path], list[Path]]:
    """Return the images of a file or folder, and the label images beside them that are left out."""
    address = locate(given)
    if given.is_dir() and address.module != "ome_zarr":
        found = list_volumes(given)
        names = {f"{file_stem(path)}{_LABELS}" for path in found}
        labels = [path for path in found if file_stem(path) in names]
        return [path for path in found if path not in labels], labels
    if not address.file.exists():
        hint = "; spacing takes exactly three numbers" if _is_number(given.name) else "; check the name"
        raise InputError(f"{given} does not exist{hint}")
    if not address.module:
        raise InputError(f"{given} has no known ending; give a file that ends in {', '.join(READABLE)}")
    return [given], []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _single(image: Path, outputs: Outputs, *, split: bool) -> Outputs:
    address = locate(outputs.labels)
    if not address.suffix and (outputs.labels.is_dir() or not outputs.labels.suffix):
        outputs = replace(outputs, labels=outputs.labels / _labels_name(image))
    elif address.suffix not in SUFFIXES:
        raise InputError(
            f"cannot write {outputs.labels}; end its name in one of {', '.join(SUFFIXES)}, or name a folder"
        )
    if split and outputs.table is not None and not outputs.table.suffix:
        outputs = replace(outputs, table=outputs.table / f"{file_stem(image)}.csv")
    outputs.refuse_endings()
    if outputs.meshes and outputs.meshes.suffix and outputs.meshes.suffix.lower() not in MESH_SUFFIXES:
        known = ", ".join(MESH_SUFFIXES)
        raise InputError(f"meshes must end in {known} or be a folder, got {outputs.meshes}; change the name")
    return outputs


def _labels_name(image: Path) -> str:
    """Return the name of an image's labels in a folder: never the image's own, in a format that we write.

    Examples
    --------
    >>> _labels_name(Path("in/embryo.ome.tif")), _labels_name(Path("a.czi"))
    ('embryo_labels.ome.tif', 'a_labels.ome.tif')
    """
    address = locate(image)
    ending = address.file.name[len(file_stem(image)) :] if address.suffix in SUFFIXES else ".ome.tif"
    return f"{file_stem(image)}{_LABELS}{ending}"


def _several(images: list[Path], outputs: Outputs, *, joined: bool) -> Iterator[tuple[Path, Outputs]]:
    for option, path in vars(outputs).items():
        if option == "table" and joined:
            continue
        if path is not None and (path.is_file() or (path.suffix and not path.is_dir())):
            name = "output" if option == "labels" else option
            raise InputError(
                f"{name} must be a folder for several images, got {path}; give the name of a folder"
            )
    for image in images:
        files = {"labels": outputs.labels / _labels_name(image)}
        for option, (ending, *_) in {"meshes": ("",), **ENDINGS}.items():
            folder = getattr(outputs, option)
            if folder is not None and not (joined and option == "table"):
                files[option] = folder / f"{file_stem(image)}{ending}"
        yield image, replace(outputs, **files)


def _split(
    image: Path,
    outputs: Outputs,
    options: SegmentOptions,
    first: dict[str, Any],
    *,
    joined: bool,
) -> Iterator[Job]:
    """Yield a job for every channel and time point that is required; ``first`` opens the first.

    If they are several, they share a table that is one file (``joined``); time points share OME-Zarr labels.
    """
    channel, time = options.channel, options.time
    if channel != "all" and time != "all":
        yield Job(image=image, outputs=outputs, **first)
        return
    how: dict[str, Any] = {"spacing": options.spacing, "series": options.series, "axes": options.axes}
    with open_image(image, **first, **how) as opened:
        times: list[int | None] = [*range(opened.num_times)] if time == "all" else [time]
        channels: list[int | str | None] = [channel]
        if channel == "all":
            channels = [*range(opened.num_channels)]
    series = time == "all" and len(times) > 1 and locate(outputs.labels).module == "ome_zarr"
    shared = frozenset({"labels"} if series else ()) | (
        {"table"} if joined and len(times) * len(channels) > 1 else set()
    )
    for t in times:
        for c in channels:
            tag = f"_t{t:0{len(str(len(times) - 1))}d}" if time == "all" else ""
            tag += f"_c{c:0{len(str(len(channels) - 1))}d}" if channel == "all" else ""
            made = _all_tagged(outputs, tag)
            if series:
                of_channel = tag[tag.index("_c") :] if "_c" in tag else ""
                made = replace(made, labels=_tagged(outputs.labels, of_channel))
            if "table" in shared:
                made = replace(made, table=outputs.table)
            yield Job(image=image, channel=c, time=t, outputs=made, shared=shared, num_times=len(times))


def _by_threshold(job: Job, thresholds: Sequence[float]) -> Iterator[Job]:
    """Yield a job for each threshold."""
    for value in thresholds:
        text = f"{value:.2f}" if round(value, 2) == value else f"{value:.6g}"
        yield replace(job, prob_thresh=value, outputs=_all_tagged(job.outputs, f"_p{text}"))


def _all_tagged(outputs: Outputs, tag: str) -> Outputs:
    return Outputs(**{name: path and _tagged(path, tag) for name, path in vars(outputs).items()})


def _tagged(path: Path, tag: str) -> Path:
    """Return the name with a tag before its ending, and before the word that says that it is labels.

    Examples
    --------
    >>> _tagged(Path("a.ome.tif"), "_t0").name, str(_tagged(Path("b.zarr/labels/cells"), "_t0"))
    ('a_t0.ome.tif', 'b.zarr/labels/cells_t0')
    >>> _tagged(Path("a_labels.tif"), "_t0").name
    'a_t0_labels.tif'
    """
    address = locate(path)
    if address.inner and address.module == "ome_zarr":
        return Path(f"{address}{tag}")
    ending = address.suffix or path.suffix
    name = address.file.name
    stem, ending = name[: len(name) - len(ending)], name[len(name) - len(ending) :]
    if stem.endswith(_LABELS) and stem != _LABELS:
        stem, ending = stem.removesuffix(_LABELS), f"{_LABELS}{ending}"
    return Path(str(address._replace(file=address.file.with_name(f"{stem}{tag}{ending}"))))


def _refuse_foreign(folder: Path) -> None:
    """Raise if a folder that would be replaced holds other files than meshes of ours."""
    for file in folder.iterdir():
        if not file.name.startswith("object_") or file.suffix.lower() not in MESH_SUFFIXES:
            raise InputError(f"{folder} holds {file.name}, which is no mesh; choose a folder of its own")
