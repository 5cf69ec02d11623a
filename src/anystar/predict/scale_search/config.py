"""The constants of the search, each with its evidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SearchConfig"]

_SCALE_VOXELS = 88**3


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """What the search tries, and what it takes for evidence.

    A zoom is the number of voxels that the network sees per shortest edge of the image's voxels. Confidence
    is the mean probability of the objects at a scale, weighted by their evidence. The constants were chosen
    on ``benchmarks/models`` (docs/lab-notes/training-log.md).
    """

    zooms: tuple[float, ...] = tuple(2 ** (k / 2) for k in range(-7, 3))
    """Zooms that are tried, ascending: 0.09 to 2."""
    near: tuple[float, float] = (0.45, 1.6)
    """Zooms that are tried near a known one, as shares of it: two lower and one higher. A wrong aspect ratio
    makes objects look smaller rather than larger."""
    min_side: int = 32
    """Fewest voxels that the network sees along the longest axis of the part that is tried."""
    part_voxels: int = 160**3
    """Most cubic voxels of the part of a large image that is searched."""
    scale_voxels: int = _SCALE_VOXELS
    """Voxels that the network sees of a part at one zoom; a part with at most twice this number is not
    narrowed."""
    num_places: int = 3
    """Places of ``scale_voxels`` that are tried at one zoom while the best scale has few objects: these may
    be a specimen, whose parts are clear in some places only. A part with no more voxels than these is
    tried whole."""
    whole_voxels: int = 6 * _SCALE_VOXELS
    """Most voxels that the network sees of an image that is tried whole at a given diameter: the segmentation
    needs the result anyway."""
    cut_margin: float = 6.0
    """Voxels that the network sees next to a cut in which objects do not count: the cut may change them."""

    nms_thresh: float = 0.3
    """Overlap above which the less probable of two candidates does not count."""
    prob_exponent: float = 3.0
    """Exponent of the probability above 0.2 in an object's evidence: details that look like objects are
    certain but small, clumps are large but uncertain, and objects at the right scale are neither."""
    diameter_exponent: float = 1.5
    """Exponent of the diameter in an object's evidence."""
    few_objects: float = 4.0
    """Objects of the heaviest one's evidence below which a scale has few objects."""
    many_objects: float = 10.0
    """Number of parts that win over few objects whatever their evidence. It is expected from the places that
    were tried, and each part counts by its evidence as a share of the heaviest's."""
    part_ratio: float = 3.0
    """Diameter of few objects, in diameters of what counts as their parts."""
    part_confidence: float = 0.6
    """Confidence that parts need: textures and fragments of organs reach 0.56, nuclei of spheroids and
    inclusions 0.63 to 0.8 (``benchmarks/specimens``)."""
    runner_up_ratio: float = 1.5
    """The runner-up is the best scale whose diameter differs from that of the best by at least this
    factor."""
    second_ratio: float = 1.8
    """Ratio of diameters from which objects beside those of the best scale are searched at a scale of their
    own."""
    second_confidence: float = 0.7
    """Confidence that they need."""

    min_confidence: float = 0.55
    """Confidence below which an image shows no objects: empty volumes reach 0.54 (15 of noise, fibres,
    mottle), the least clear volumes with objects 0.56."""
    uncertain: float = 0.65
    """Confidence below which the objects are reported as uncertain."""
    speck_diameter: float = 6.0
    """Diameter in voxels below which objects may be noise, or beads of fibres."""
    min_speck_confidence: float = 0.6
    """Confidence that such objects need: fibres reach 0.57, the least clear volumes of known objects 0.66."""

    aspects: tuple[float, float] = (0.5, 8.0)
    """Shortest and longest distance between planes that is tried, in pixels."""
    cubic_confidence: float = 0.78
    """Confidence at which voxels are taken as cubic without a search. Volumes whose voxels are at least twice
    as long along Z reach 0.75 when taken as cubic."""
    aspect_gain: float = 0.02
    """Confidence that another aspect ratio must add to that of cubic voxels. A ratio that misses the best by
    twice this, at the zoom at which that shows its objects most clearly, is tried at no other zoom."""

    unsure: float = 0.7
    """Confidence below which smoothing and gammas are tried."""
    sigma: float = 1.2
    """Standard deviation of the smoothing, in shortest edges of a voxel; 0 for none."""
    gammas: tuple[float, ...] = (0.5, 0.25, 2.0)
    """Exponents that are tried on the rescaled intensities."""
    min_objects: float = 4.0
    """An adjusted image is accepted only if its score is at least this many times that of its best object."""
    appearance_gain: float = 0.03
    """Confidence that smoothing or a gamma must add to that of the plain image."""
