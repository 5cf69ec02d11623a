"""Model files, TOML, conditions and tables with something wrong in them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from anystar.config import load_toml
from anystar.nn.checkpoint import load_model_file, load_tensors, save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.objects import filters
from anystar.objects.table import Table
from anystar.predict.thresholds import Thresholds
from anystar.report.table import read_table
from anystar.train import TrainConfig
from anystar.workflow.provenance import read_provenance
from benchmarks.faults.files import damaged_bytes

__all__ = ["condition", "model_file", "table_file", "toml_file"]

_TINY = NetworkConfig(channels=(4, 8), num_rays=6, grid=2, head_channels=8)
_CARD = {"recipes": ["wide"], "defaults": {"prob_thresh": 0.5, "nms_thresh": 0.3, "diameter": 12.0}}
_STRANGE: tuple[Any, ...] = (None, True, -1, 0, 1e6, 10**30, math.nan, math.inf, "x", "", [], {}, [[1]])
_STRANGE += ({"a": None}, [4] * 50, "9" * 500)


def model_file(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a model file with another header, other weights, or damaged bytes."""
    path = folder / "m.safetensors"
    save_model_file(path, StarNet(_TINY).state_dict(), _TINY, _CARD)
    way = rng.random()
    if way < 0.25:
        content = damaged_bytes(path.read_bytes(), rng)
        path.write_bytes(content or b"")
    else:
        tensors, header = load_tensors(path)
        if way < 0.55:
            _change_somewhere(header, rng)
        elif way < 0.75:
            name = sorted(tensors)[int(rng.integers(len(tensors)))]
            flat = tensors[name].float().reshape(-1)
            flat[int(rng.integers(len(flat)))] = float(rng.choice([math.nan, math.inf, -math.inf]))
            tensors[name] = flat.reshape(tensors[name].shape)
        elif way < 0.9:
            name = sorted(tensors)[int(rng.integers(len(tensors)))]
            shapes = [(1,), (4, 4), (), (2, 2, 2, 2, 2)]
            tensors[name] = torch.rand(shapes[int(rng.integers(len(shapes)))])
        else:
            tensors = {n: torch.zeros_like(t) for n, t in tensors.items()}
        save_file(tensors, path, metadata={"anystar": json.dumps(header)})

    def load() -> bool:
        file = load_model_file(path)
        finite = all(bool(torch.isfinite(p).all()) for p in file.network.parameters())
        return finite and 1 <= file.card.get("defaults", {}).get("diameter", 16) <= 512

    return load


def _change_somewhere(value: Any, rng: np.random.Generator) -> None:
    """Replace, remove or add something at a random place of nested tables and lists."""
    while True:
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(value[key], dict | list) and value[key] and rng.random() < 0.7:
            value = value[key]
            continue
        if rng.random() < 0.15:
            del value[key]
        elif rng.random() < 0.1 and isinstance(value, dict):
            value["strange"] = 1
        else:
            value[key] = _STRANGE[int(rng.integers(len(_STRANGE)))]
        return


def toml_file(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a configuration, thresholds or provenance with values of other types, depth or size."""
    keys = ("iterations", "patch", "recipes", "learning_rate", "seed", "network", "samples", "prob_thresh")
    keys += ("nms_thresh", "diameter", "unit", "model", "parameters", "filtered", "anystar")
    values = (
        "1",
        "-1",
        "1.5",
        "true",
        '"x"',
        "[]",
        "[1, 2]",
        "{a = 1}",
        "nan",
        "inf",
        "1979-05-27",
        "9" * 400,
    )
    values += (
        "9" * 5000,
        "[" * 5000 + "]" * 5000,
        '["wide"]',
        "[[1]]",
        "",
        '"\\u0000"',
        "0x7fffffffffffffff",
    )
    lines = [f"{rng.choice(keys)} = {rng.choice(values)}" for _ in range(int(rng.integers(1, 4)))]
    content: bytes | None = "\n".join(lines).encode()
    if rng.random() < 0.2:
        content = damaged_bytes(content or b"", rng)
    path = folder / "c.toml"
    path.write_bytes(content or b"\xff\xfe")
    readers: tuple[Callable[[], Any], ...] = (
        lambda: load_toml(TrainConfig, path),
        lambda: load_toml(Thresholds, path),
        lambda: read_provenance(path),
    )
    reader = readers[int(rng.integers(3))]
    return lambda: reader() is not None


_TOKENS = (
    "a",
    "b",
    "a",
    "b",
    ">",
    "<",
    ">=",
    "==",
    "!=",
    "and",
    "or",
    "not",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "**",
)
_TOKENS += ("1", "0", "2.5", "abs(a)", "1e400", "9" * 400, "lambda", "[0]", ".real", "'x'", "None", ":=", ",")


def condition(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a condition from random words; compare what it keeps with Python's own answer for each row."""
    if rng.random() < 0.5:
        first = f"a {rng.choice(['<', '>', '=='])} {rng.integers(-2, 3)}"
        joined = f"{first} {rng.choice(['and', 'or', ') or (', 'and not'])} b > 0"
        text = str(rng.choice(["", "not "])) + joined
    else:
        text = " ".join(rng.choice(_TOKENS, int(rng.integers(1, 12))))
        text = text * (1 if rng.random() < 0.95 else 3000)
    values = {"a": rng.integers(-2, 3, 20).astype(float), "b": rng.integers(-2, 3, 20).astype(float)}
    table = Table(columns={"label": np.arange(1, 21), **values})

    def apply() -> bool:
        kept, dropped = filters.where(text)(table), filters.drop(text)(table)
        for i in range(20):
            row = {name: np.float64(column[i]) for name, column in values.items()}
            with np.errstate(all="ignore"):
                expected = eval(text, {"__builtins__": {"abs": abs}}, row)
            if bool(expected) != bool(kept[i]):
                return False
        return bool((kept != dropped).all())

    return apply


def table_file(kind: str, folder: Path, rng: np.random.Generator) -> Callable[[], bool]:
    """Make a table whose text is damaged; what is read has columns of one length, and labels."""
    rows = "".join(f"{i},{0.5 + i / 100},{i * 10},{i * 1.5}\n" for i in range(1, 30))
    content = damaged_bytes(f"label,probability,volume_vox,z_vox\n{rows}".encode(), rng)
    path = folder / "t.csv"
    path.write_bytes(content or b"")

    def read() -> bool:
        table, _ = read_table(path)
        return "label" in table.columns and len({len(column) for column in table.columns.values()}) == 1

    return read
