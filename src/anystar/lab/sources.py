"""The paper's data sets (Table 2): what they are, where their owners publish them, under which licence.

Counts, grids and spacings are Table 2's unless a note says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from anystar.config import nearest
from anystar.errors import InputError

__all__ = ["SOURCES", "Archive", "PaperDataset", "get_source"]


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A file that the owner offers for download, always the same."""

    url: str
    name: str
    """Of the file."""
    size: int | None = None
    """Bytes, if published."""
    md5: str | None = None
    """Published checksum."""
    sha256: str | None = None
    """Published checksum."""

    @property
    def checksum(self) -> str | None:
        """Any checksum that the owner publishes."""
        return self.md5 or self.sha256


@dataclass(frozen=True, kw_only=True)
class PaperDataset:
    """One data set of the paper."""

    name: str
    """Short name on the command line."""
    title: str
    """Name in the paper."""
    organism: str
    modality: str
    layout: str
    """Which layout of :mod:`anystar.lab.layouts` its folder has."""
    folders: tuple[str, ...]
    """Names of its folder as the owner packs it; others are found by what is in them."""
    spacing: tuple[float, float, float] | None
    """Micrometres per voxel (ZYX)."""
    grid: tuple[int, int, int]
    """Voxels of a volume, as Table 2 prints them."""
    counts: tuple[int, int | None, int] | None
    """Volumes for training, validation (``None``: a held-out crop) and test; ``None``: no ground truth."""
    dark: bool = False
    """Whether objects are darker than their surroundings."""
    licence: str
    page: str
    """Where the owner describes it."""
    archive: Archive | None = None
    instructions: str
    """How to get it, one line."""
    citation: str
    note: str = ""
    """What differs from the paper, or is our choice."""

    def downloadable(self) -> Archive:
        """Return the archive to download; ``InputError`` if the owner offers none."""
        if self.archive is None:
            raise InputError(f"{self.title} cannot be downloaded; {self.instructions}")
        return self.archive

    def describe(self) -> str:
        """Return the data set as a heading and indented lines ``key: value``."""
        counts = "no ground truth, for looking at only"
        if self.counts:
            train, validation, test = self.counts
            held = "a crop of the training volumes" if validation is None else str(validation)
            counts = f"{train} for training, {held} for validation, {test} for the test"
        grid = f"{' x '.join(map(str, self.grid))} voxels"
        if self.spacing:
            grid += f" of {' x '.join(f'{s:g}' for s in self.spacing)} um (Z Y X)"
        facts = {
            "volumes": counts,
            "grid": grid,
            "objects": f"{'darker' if self.dark else 'brighter'} than their surroundings",
            "licence": self.licence,
            "page": self.page,
            "to get it": self.instructions,
            "or": f"anystar data get {self.name} DIR" if self.archive else "",
            "cite": self.citation,
            "note": self.note,
        }
        title = f"{self.name} ({self.title}): {self.organism}, {self.modality}"
        return "\n".join([title, *(f"  {key}: {value}" for key, value in facts.items() if value)])


SOURCES: dict[str, PaperDataset] = {
    source.name: source
    for source in (
        PaperDataset(
            name="ce",
            title="CE",
            organism="C. elegans",
            modality="fluorescence microscopy",
            layout="images-masks",
            folders=("c_elegans_nuclei",),
            spacing=(0.122, 0.116, 0.116),
            grid=(1050, 140, 140),
            counts=(18, 3, 7),
            licence="CC BY 4.0",
            page="https://doi.org/10.5281/zenodo.5942575",
            archive=Archive(
                url="https://zenodo.org/records/5942575/files/c_elegans_nuclei.zip",
                name="c_elegans_nuclei.zip",
                size=84_403_531,
                md5="7d616d91c4a6cce75a7d4dd37d7e666a",
                sha256="1def07491cdad89e381cbe4437ef03da3af8f78d127e8152cd9b32bdab152c4e",
            ),
            instructions="download c_elegans_nuclei.zip (84 MB) from Zenodo and unpack it",
            citation="Long et al. 2009; Hirsch and Kainmueller 2020; split of Weigert et al. 2020",
            note="the files carry no voxel size; the long body axis is the last of the array (X)",
        ),
        PaperDataset(
            name="nucmm-z",
            title="NucMM-Z",
            organism="zebrafish",
            modality="electron microscopy",
            layout="nucmm",
            folders=("Zebrafish (NucMM-Z)", "Zebrafish(NucMM-Z)", "NucMM-Z"),
            spacing=(0.48, 0.51, 0.51),
            grid=(64, 64, 64),
            counts=(25, 2, 27),
            licence="MIT (the owners' data card)",
            page="https://huggingface.co/datasets/pytc/NucMM",
            archive=Archive(
                url="https://huggingface.co/datasets/pytc/NucMM/resolve/"
                "e571f8b2e24fb89e4a5d8f088a537fa827fbef9a/NucMM-Z.zip",
                name="NucMM-Z.zip",
            ),
            instructions="download NucMM-Z.zip (662 MB) from Hugging Face and unpack it",
            citation="Lin et al. 2021, MICCAI",
            note="the owners' 27 'val' volumes are the paper's test; of their 27 'train' volumes the paper "
            "validates on 2: which is not stated, we take the last two by name",
        ),
        PaperDataset(
            name="nucmm-m",
            title="NucMM-M",
            organism="mouse",
            modality="micro-CT",
            layout="nucmm",
            folders=("Mouse (NucMM-M)", "Mouse(NucMM-M)", "NucMM-M"),
            spacing=(0.72, 0.72, 0.72),
            grid=(192, 192, 192),
            counts=(4, None, 4),
            dark=True,
            licence="MIT (the owners' data card)",
            page="https://huggingface.co/datasets/pytc/NucMM",
            archive=Archive(
                url="https://huggingface.co/datasets/pytc/NucMM/resolve/"
                "e571f8b2e24fb89e4a5d8f088a537fa827fbef9a/NucMM-M.zip",
                name="NucMM-M.zip",
            ),
            instructions="download NucMM-M.zip (395 MB) from Hugging Face and unpack it",
            citation="Lin et al. 2021, MICCAI",
            note="the owners' 4 'val' volumes are the paper's test; Table 2 prints the spacing of NucMM-Z, "
            "the owners state 0.72 um",
        ),
        PaperDataset(
            name="platyish",
            title="PlatyISH",
            organism="Platynereis dumerilii",
            modality="fluorescence microscopy",
            layout="images-masks",
            folders=("Platynereis-ISH-Nuclei-CBG",),
            spacing=(0.45, 0.45, 0.45),
            grid=(300, 300, 300),
            counts=(2, None, 1),
            licence="see the owners' repository (github.com/juglab/EmbedSeg)",
            page="https://github.com/juglab/EmbedSeg/releases/tag/v0.1.0",
            archive=Archive(
                url="https://github.com/juglab/EmbedSeg/releases/download/v0.1.0/"
                "Platynereis-ISH-Nuclei-CBG.zip",
                name="Platynereis-ISH-Nuclei-CBG.zip",
                sha256="bc9284df6f6d691a8e81b47310d95617252cc98ebf7daeab55801b330ba921e0",
            ),
            instructions="download Platynereis-ISH-Nuclei-CBG.zip from the EmbedSeg release and unpack it",
            citation="Lalit et al. 2022, Medical Image Analysis",
        ),
        PaperDataset(
            name="placenta",
            title="Placenta",
            organism="human",
            modality="BOLD MRI",
            layout="none",
            folders=(),
            spacing=(3000.0, 3000.0, 3000.0),
            grid=(80, 80, 64),
            counts=None,
            licence="not public",
            page="Abaci Turk et al. 2019",
            instructions="it is clinical data, not public; give a series of your own to 'anystar timecourse'",
            citation="Abaci Turk et al. 2019; Abulnaga et al. 2022",
            note="unannotated, the paper shows it only; in the paper tissue outside the placenta is removed",
        ),
    )
}
"""All of Table 2, by name."""


def get_source(name: str) -> PaperDataset:
    """Return a data set of the paper by its name; ``InputError`` if there is none."""
    if name not in SOURCES:
        raise InputError(f"unknown data set '{name}'{nearest(name, SOURCES)}")
    return SOURCES[name]
