"""The reference's way to a sample, for its cost: whole volumes, one MONAI transform after the other.

Written from the description of its stages with the libraries that it uses (NumPy, SciPy, MONAI); not its
code. The label map is made as a matrix of all voxels by all spheres, the image on 128³, the augmentation
resamples three times. The reference uses a label map 300 and an image 100 times; a fresh sample costs all.
"""

from __future__ import annotations

import numpy as np
import torch
from monai import transforms as monai
from scipy import ndimage
from skimage.measure import label as components
from skimage.transform import resize
from skimage.util import random_noise

SIZE, RADIUS = 128, 12.0


def perlin(rng: np.random.Generator, cells: int = 8) -> np.ndarray:
    """Return gradient noise on the whole volume, corner by corner."""
    gradients = rng.normal(size=(cells + 1,) * 3 + (3,))
    gradients /= np.linalg.norm(gradients, axis=-1, keepdims=True)
    position = np.arange(SIZE) * cells / SIZE
    at = np.stack(np.meshgrid(position, position, position, indexing="ij"), -1)
    base = at.astype(int)
    total = np.zeros((SIZE,) * 3)
    for corner in np.ndindex(2, 2, 2):
        node = base + corner
        t = 1 - np.abs(at - node)
        fade = np.prod(t**3 * (t * (t * 6 - 15) + 10), axis=-1)
        total += fade * (gradients[node[..., 0], node[..., 1], node[..., 2]] * (at - node)).sum(-1)
    return total


def label_map(rng: np.random.Generator) -> np.ndarray:
    """Return spheres with corrupted distances: a matrix of voxels by spheres."""
    axis = np.arange(24, 97, 24)
    centre = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    centre = centre + 0.5 * RADIUS * rng.uniform(-1, 1, centre.shape)
    centre = rng.permutation(centre)[: rng.integers(43, 64)]
    radius = RADIUS * rng.uniform(0.6, 1.2, len(centre))
    voxels = np.stack(np.meshgrid(*[np.arange(SIZE)] * 3, indexing="ij"), -1).reshape(-1, 3)
    noise = 0.9 * RADIUS * perlin(rng).reshape(-1, 1)
    away = np.empty((len(voxels), len(centre)))
    for i, one in enumerate(centre):
        away[:, i] = np.linalg.norm(voxels - one, axis=1)
    away += noise
    away[away >= radius] = np.inf
    nearest = away.argmin(1)
    inside = np.isfinite(away[np.arange(len(away)), nearest])
    return np.where(inside, nearest + 1, 0).reshape((SIZE,) * 3)


def smooth(rng: np.random.Generator, scales, deviation: float) -> np.ndarray:
    """Return noise of several scales on the whole volume."""
    total = np.zeros((SIZE,) * 3, np.float32)
    for scale in scales:
        nodes = torch.from_numpy(
            rng.normal(0, deviation, (1, 1, *(-(-SIZE // scale),) * 3)).astype(np.float32)
        )
        fine = torch.nn.functional.interpolate(nodes, (SIZE,) * 3, mode="trilinear", align_corners=True)
        total += fine[0, 0].numpy()
    return total


def image_of(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the padded label map and its image with one of the three backgrounds."""
    sides = rng.choice([0, 32, 64, 96], 3)
    mode = "reflect" if rng.random() < 0.5 else "constant"
    padded = np.pad(labels, [(s, s) for s in sides], mode=mode)
    labels = resize(padded, (SIZE,) * 3, order=0, preserve_range=True, anti_aliasing=False).astype(np.int32)
    labels = components(labels, background=0, connectivity=3)
    num = labels.max() + 1
    mean, deviation = rng.uniform(25, 225, num), rng.uniform(5, 25, num)
    kind = rng.integers(3)
    if kind == 0:
        mean[0], deviation[0] = mean.min() * rng.random(), rng.uniform(0, 5)
    texture = smooth(rng, (2, 4, 8, 16, 32), 5.0)
    texture = (texture - texture.min()) / np.ptp(texture)
    image = mean[labels] + deviation[labels] * rng.normal(size=labels.shape)
    if kind == 2 and (regions := int(rng.integers(1, 21))) > 1:
        region = regions_of(regions, rng)
        shade = rng.uniform(25, 225, regions)[region]
        shade = shade + rng.uniform(5, 25, regions)[region] * rng.normal(size=labels.shape)
        image = np.where(labels > 0, image, shade)
    outside = labels == 0
    image = np.where(outside, image * texture[outside].mean(), image * texture)
    return labels, image.astype(np.float32)


def regions_of(num: int, rng: np.random.Generator) -> np.ndarray:
    """Return the largest of ``num`` warped smooth channels at every voxel."""
    at = np.stack(np.meshgrid(*[np.arange(SIZE, dtype=np.float32)] * 3, indexing="ij"))
    channels = []
    for _ in range(num):
        warp = np.stack([smooth(rng, (16, 32, 64), 16.0) for _ in range(3)])
        channels.append(
            ndimage.map_coordinates(smooth(rng, (32, 64), 1.0), at + warp, order=1, mode="nearest")
        )
    return np.stack(channels).argmax(0)


def augmentation(seed: int) -> monai.Compose:
    """Return the paper's sequence A(.) as MONAI transforms."""
    both, image, linear = ["image", "label"], ["image"], ["bilinear", "nearest"]
    turn = np.pi / 4
    sequence = monai.Compose(
        [
            monai.ScaleIntensityd(image),
            monai.RandSpatialCropd(both, roi_size=(64,) * 3, random_size=False),
            monai.RandZoomd(
                both, prob=1, min_zoom=0.4, max_zoom=1.4, mode=["trilinear", "nearest"],
                padding_mode="reflect",
            ),
            monai.RandAffined(
                both, prob=1, rotate_range=[turn] * 3, translate_range=[16] * 3, mode=linear,
                padding_mode="reflection",
            ),
            monai.RandBiasFieldd(image, prob=1, degree=3, coeff_range=(0, 0.1)),
            monai.RandGaussianNoised(image, prob=0.25, std=0.1),
            monai.RandKSpaceSpikeNoised(image, prob=0.2),
            monai.RandAdjustContrastd(image, prob=0.8, gamma=(0.5, 4.5)),
            monai.RandGaussianSmoothd(
                image, prob=0.8, sigma_x=(0.0, 0.333), sigma_y=(0.0, 0.333), sigma_z=(0.0, 0.333)
            ),
            monai.RandRicianNoised(image, prob=0.2, std=0.05, sample_std=True),
            monai.RandGibbsNoised(image, prob=0.5, alpha=(0.0, 0.5)),
            monai.RandGaussianSharpend(image, prob=0.25),
            monai.RandHistogramShiftd(image, prob=0.1, num_control_points=10),
            monai.RandAxisFlipd(both, prob=1),
            monai.RandRotate90d(both, prob=1, max_k=3, spatial_axes=(0, 1)),
            monai.Rand3DElasticd(
                both, prob=1, sigma_range=(2, 5), magnitude_range=(8, 20), spatial_size=(64,) * 3,
                shear_range=[0.5] * 6, scale_range=[0.3] * 3, mode=linear, padding_mode="zeros",
            ),
            monai.ScaleIntensityd(image),
            monai.RandCoarseDropoutd(both, prob=0.2, holes=20, spatial_size=12, fill_value=0),
        ]
    )  # fmt: skip
    return sequence.set_random_state(seed)


def augmented(
    labels: np.ndarray, image: np.ndarray, sequence: monai.Compose, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return one augmented crop and its labels made unique."""
    pair = sequence({"image": torch.from_numpy(image)[None], "label": torch.from_numpy(labels)[None].float()})
    out = np.asarray(pair["image"][0])
    if rng.random() < 0.2:
        kind = rng.choice(["gaussian", "poisson", "speckle"])
        out = np.where(out != 0, random_noise(np.clip(out, 0, 1), kind), out)
    return out, components(np.asarray(pair["label"][0]).astype(np.int32), background=0, connectivity=3)
