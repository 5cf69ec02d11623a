import numpy as np
import pytest

from anystar.blocks.memory import _limits, choose_sizes
from anystar.config import ConfigError
from anystar.nn.model import NetworkConfig
from anystar.predict.tiling import TileConfig, plan_tiles
from anystar.preprocess.resample import resampled_shape

GIGABYTE = 10**9


def tiles_of(config, shape):
    return plan_tiles(shape, grid=config.grid, divisor=config.divisor, config=TileConfig())


@pytest.mark.parametrize("shape", [(1024, 1024, 1024), (40, 9000, 9000), (300, 200, 6000)])
@pytest.mark.parametrize("zoom", [(0.5, 0.5, 0.5), (2.0, 0.5, 0.5), (1.0, 1.0, 1.0)])
def test_what_a_block_sees_fits_into_memory_and_more_memory_holds_more(shape, zoom):
    tiles = tiles_of(NetworkConfig(channels=(32, 64, 128, 256), grid=2), resampled_shape(shape, zoom))
    before = 0
    for memory in (3, 4, 8, 64):
        sizes = choose_sizes(memory * GIGABYTE, shape, tiles=tiles, itemsize=2, zoom=zoom)
        assert sizes.tiles_along >= before
        before = sizes.tiles_along
        if sizes.tiles_along == 1:
            continue
        seen = [
            max(
                group[-1][0].stop - group[0][0].start
                for at in range(0, len(parts), sizes.tiles_along)
                for group in [parts[at : at + sizes.tiles_along]]
            )
            / factor
            for parts, factor in zip(tiles, zoom, strict=True)
        ]
        assert np.prod(np.minimum(seen, shape)) * 2 <= sizes.hold
    assert before == 4


@pytest.mark.parametrize(
    ("groups", "files", "limits"),
    [
        (
            "0::/job/step",
            {"job/memory.max": "700", "job/step/memory.max": "max", "memory.max": "900"},
            [700, 900],
        ),
        ("0::/", {"memory.max": "500"}, [500]),
        ("4:memory:/job\n2:cpu:/", {"memory/job/memory.limit_in_bytes": "300"}, [300]),
        ("4:memory:/hidden/by/a/container", {"memory/memory.limit_in_bytes": "400"}, [400]),
        ("", {"memory.max": "1"}, []),
    ],
)
def test_limits_of_control_groups_are_found(tmp_path, groups, files, limits):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert list(_limits(tmp_path)) == limits


@pytest.mark.parametrize(("memory", "tta"), [(1, False), (3, True)])
def test_too_little_memory_is_refused(memory, tta):
    tiles = tiles_of(NetworkConfig(grid=2), (64, 64, 64))
    with pytest.raises(ConfigError, match="at least"):
        choose_sizes(memory * GIGABYTE, (64, 64, 64), tiles=tiles, itemsize=2, zoom=(1, 1, 1), tta=tta)
