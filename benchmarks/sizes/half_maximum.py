"""Compare found volumes with those above half of the maximum of each object.

``python -m benchmarks.sizes.half_maximum IMAGE`` is for volumes without ground truth, whose bright objects
are peaks on a dark background. The half-maximum volume of a peak is that of the connected voxels above the
middle between the peak and the background around it. Peaks that share one, or reach the border, are left out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

import anystar

_SIGMA, _APART, _AROUND = 0.7, 5, 21
"""Smoothing, least distance of peaks, and side of the box whose 30th percentile is the background; voxels."""
_REACH = 12
"""Voxels around a peak in which its half-maximum volume lies."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The brightest peaks of a volume."""

    num_peaks: int
    num_found: int
    "Peaks that an object holds, or is next to."
    volumes: np.ndarray
    "Half-maximum volume and found volume of single peaks, ``(N, 2)``."


def main() -> None:
    """Segment with defaults, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes.half_maximum", description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--peaks", type=int, default=90, help="how many of the brightest")
    options = parser.parse_args()
    volume = anystar.read(options.image)
    result = anystar.load_model().segment(volume)
    found = compare(volume.data, result.labels, options.peaks)
    half, own = found.volumes.T
    low, middle, high = np.quantile(own / half, (0.25, 0.5, 0.75))
    print(f"{len(result.objects)} objects; {found.num_found} of {found.num_peaks} peaks found")
    medians = f"half-maximum {np.median(half):g}, found {np.median(own):g}"
    print(f"median volumes of {len(own)} single peaks: {medians}")
    print(f"their ratio: median {middle:.2f}, middle half {low:.2f} to {high:.2f}")


def compare(image: np.ndarray, labels: np.ndarray, num_peaks: int) -> Comparison:
    """Compare the objects with the brightest peaks."""
    smooth = ndimage.gaussian_filter(image.astype(np.float32), _SIGMA)
    contrast = smooth - ndimage.percentile_filter(smooth, 30, size=_AROUND)
    peaks = np.argwhere(smooth == ndimage.maximum_filter(smooth, size=_APART))
    peaks = peaks[np.argsort(-contrast[tuple(peaks.T)], kind="stable")]
    is_peak = np.zeros(image.shape, bool)
    is_peak[tuple(peaks[: 2 * num_peaks].T)] = True
    volumes, num_found = [], 0
    for peak in peaks[:num_peaks]:
        near = labels[tuple(slice(max(0, at - 1), at + 2) for at in peak)]
        label = int(labels[tuple(peak)] or near.max())
        num_found += label > 0
        box = tuple(slice(max(0, at - _REACH), at + _REACH + 1) for at in peak)
        half = smooth[tuple(peak)] - contrast[tuple(peak)] / 2
        parts = ndimage.label(smooth[box] > half)[0]
        own = parts == parts[tuple(at - s.start for at, s in zip(peak, box, strict=True))]
        inside = all(own.take(end, axis=axis).sum() == 0 for axis in range(3) for end in (0, -1))
        if label and inside and (own & is_peak[box]).sum() == 1:
            volumes.append((own.sum(), (labels == label).sum()))
    return Comparison(
        num_peaks=min(num_peaks, len(peaks)), num_found=num_found, volumes=np.reshape(volumes, (-1, 2))
    )


if __name__ == "__main__":
    main()
