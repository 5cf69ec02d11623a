"""Small volumes in the layouts in which the paper's data sets are published."""

import h5py
import numpy as np
import pytest
import tifffile

from tests.scenes import noisy_balls


@pytest.fixture
def ce(tmp_path):
    """``c_elegans_nuclei``: uint8 images, uint32 masks, long axis last, no voxel size; 3, 1 and 2 volumes."""
    root = tmp_path / "data" / "c_elegans_nuclei"
    for split, number in (("train", 3), ("val", 1), ("test", 2)):
        for i in range(number):
            image, labels = noisy_balls((28, 28, 60), seed=10 * number + i, num=8)
            for folder, data in (("images", image), ("masks", labels.astype(np.uint32))):
                path = root / split / folder / f"C18G1_2L1_{i}.tif"
                path.parent.mkdir(parents=True, exist_ok=True)
                tifffile.imwrite(path, data)
    (root / "readme.md").write_text("about")
    (tmp_path / "data" / "__MACOSX" / "train" / "images").mkdir(parents=True)
    return root


def nucmm(root, shape, places, *, bright, dtype):
    """Write ``Image`` and ``Label`` as the owners do: HDF5 with one array ``main``, sparse label numbers."""
    for split, names in places.items():
        for i, name in enumerate(names):
            image, labels = noisy_balls(shape, seed=len(split) + i, num=40, bright=bright)
            for folder, prefix, data in (
                ("Image", "img", image),
                ("Label", "seg", (labels.astype(np.int64) * 37).astype(dtype)),
            ):
                path = root / folder / split / f"{prefix}_{name}.h5"
                path.parent.mkdir(parents=True, exist_ok=True)
                with h5py.File(path, "w") as file:
                    file.create_dataset("main", data=data, compression="gzip")
    (root / "README.txt").write_text("about")
    with h5py.File(root / "mask.h5", "w") as file:
        file.create_dataset("main", data=np.zeros((4, 4, 4), np.uint8))
    return root


@pytest.fixture
def nucmm_z(tmp_path):
    """``Zebrafish (NucMM-Z)``: small volumes by their place in the brain; 4 and 2 of them."""
    places = [f"0000_{y:04d}_0768" for y in (576, 640, 704, 768)]
    given = {"train": places, "val": [f"0064_{y:04d}_0832" for y in (384, 448)]}
    root = tmp_path / "data" / "Zebrafish (NucMM-Z)"
    return nucmm(root, (32, 34, 36), given, bright=True, dtype=np.uint32)


@pytest.fixture
def nucmm_m(tmp_path):
    """``Mouse (NucMM-M)``: dark nuclei on grey; 2 and 1 volumes of the 4 and 4."""
    given = {"train": ["000_200_200", "508_604_200"], "val": ["000_200_576"]}
    root = tmp_path / "data" / "NucMM-Release" / "Mouse (NucMM-M)"
    return nucmm(root, (36, 36, 52), given, bright=False, dtype=np.uint16)


@pytest.fixture
def platyish(tmp_path):
    """``Platynereis-ISH-Nuclei-CBG``: two training volumes and one test volume, no validation."""
    root = tmp_path / "data" / "Platynereis-ISH-Nuclei-CBG"
    for split, names in (("train", ("X01", "X03")), ("test", ("X02_test",))):
        for name in names:
            image, labels = noisy_balls((36, 40, 44), seed=len(name) + ord(name[2]))
            for folder, data in (("images", image.astype(np.uint16) * 16), ("masks", labels)):
                path = root / split / folder / f"{name}.tif"
                path.parent.mkdir(parents=True, exist_ok=True)
                tifffile.imwrite(
                    path,
                    data,
                    imagej=True,
                    resolution=(1 / 0.45, 1 / 0.45),
                    metadata={"spacing": 0.45, "unit": "um", "axes": "ZYX"},
                )
    return root
