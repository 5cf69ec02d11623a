"""Where a NIfTI lies: its two affines (sform, qform) and the voxel size of its header, which may disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np

__all__ = ["Placement", "placement_of"]

_TOLERANCE = 0.01
"""Relative difference of two voxel sizes that are the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """The affine to go by, in the file's unit."""

    affine: np.ndarray
    """From voxels (XYZ) to the world."""
    placed: bool
    """Whether it is more than a placeholder: not the identity, and with a code."""
    fault: str = ""
    """What contradicts itself, if the file does not decide which is right."""
    notes: tuple[str, ...] = ()
    """What was set aside."""
    missing: tuple[bool, ...] = (False, False, False)
    """Whether the header states no size along X, Y, Z: nibabel puts 1 there."""

    @property
    def sizes(self) -> tuple[float | None, float | None, float | None]:
        """Of a voxel along Z, Y, X; None where it is not known."""
        found = nib.affines.voxel_sizes(self.affine)
        x, y, z = (None if no else float(s) for s, no in zip(found, self.missing, strict=True))
        return z, y, x


def placement_of(header: Any, given: np.ndarray) -> Placement:
    """Return the affine that is usable, and plausible if there are two.

    ``given`` is ``pixdim`` along X, Y, Z as it stands in the file, where 0 means that it is not known.
    Programs that do not know the voxel size write an identity as sform beside a qform, or a ``pixdim``, that
    is right; others write one of zeros.
    """
    pixdim = np.abs(np.array(header["pixdim"][1:4], float))
    sform, qform = _form(header.get_sform), _form(header.get_qform)
    best = np.array(header.get_best_affine(), float)
    missing = tuple(bool(size == 0) for size in given)
    if sform is None:
        known = qform is not None and not _is_identity(qform)
        return Placement(affine=best if qform is None else qform, placed=known, missing=missing)
    name, other = ("qform", qform) if qform is not None else ("pixdim", _scaled(sform, pixdim))
    if not _usable(sform):
        if _usable(other) and (qform is not None or not _ones(pixdim)):
            notes: tuple[str, ...] = (f"the sform is not usable; the {name} is used",)
            return Placement(affine=other, placed=True, notes=notes, missing=missing)
        return Placement(affine=sform, placed=True)
    if any(missing):
        return Placement(affine=sform, placed=not _is_identity(sform))
    one, two = nib.affines.voxel_sizes(sform), nib.affines.voxel_sizes(other)
    if not _usable(other) or np.allclose(one, two, rtol=_TOLERANCE):
        return Placement(affine=sform, placed=not _is_identity(sform))
    stated = f"a voxel of {_text(one)} in its sform but of {_text(two)} in its {name}"
    if _ones(two):
        notes = (f"the file states {stated}; the sform is used",) if qform is not None else ()
        return Placement(affine=sform, placed=True, notes=notes)
    if _ones(one):
        return Placement(affine=other, placed=True, notes=(f"the file states {stated}, which is used",))
    return Placement(affine=sform, placed=True, fault=f"states {stated} along Z, Y, X")


def _form(get: Any) -> np.ndarray | None:
    """Return an affine of the header if it has a code and can be computed."""
    try:
        affine, code = get(coded=True)
    except nib.spatialimages.HeaderDataError:
        return None
    return None if affine is None or not code else np.array(affine, float)


def _scaled(affine: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return an affine with the same directions and other voxel sizes."""
    now = nib.affines.voxel_sizes(affine)
    turned = affine[:3, :3] / np.where(now > 0, now, 1) if _usable(affine) else np.eye(3)
    return nib.affines.from_matvec(turned * sizes, np.nan_to_num(affine[:3, 3]))


def _usable(affine: np.ndarray) -> bool:
    return bool(np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 0)


def _ones(sizes: np.ndarray) -> bool:
    return bool(np.allclose(sizes, 1, rtol=1e-4))


def _is_identity(affine: np.ndarray) -> bool:
    return bool(np.array_equal(affine, np.eye(4)))


def _text(sizes: np.ndarray) -> str:
    return " x ".join(f"{s:g}" for s in sizes[::-1])
