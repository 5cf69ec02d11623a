"""Everything that decides a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from anystar.config import ConfigError
from anystar.nn.losses import LossConfig
from anystar.nn.model import NetworkConfig
from anystar.synth.recipe import SMALLEST
from anystar.synth.recipes import get_recipe
from anystar.train.labelled import LabelledConfig

__all__ = ["TrainConfig", "paper_config", "small_config"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run. The defaults are the paper's ("Implementation details")."""

    recipes: tuple[str, ...] = ("as-mix",)
    """Recipes that samples follow in turn."""
    start: str | None = None
    """Weights that training begins with: a bundled model's name, a model file or a checkpoint. Random ones by
    default."""
    seed: int = 0
    """Seed of the samples and of the initial weights."""
    iterations: int = 180_000
    """Optimiser steps."""
    batch_size: int = 1
    """Samples per step and process."""
    patch: tuple[int, int, int] = (64, 64, 64)
    """Voxels of a sample (ZYX)."""
    thin: float = 0.0
    """Share of the steps whose samples are cut to 3 to 24 planes: stacks thinner than their objects."""
    minutes: float | None = None
    """Training time in all, pauses left out, after which the run ends even if steps are left; ``None``
    (or 0, in TOML) sets no limit."""
    optimiser: Literal["adam", "muon"] = "adam"
    """``muon``: momentum orthogonalised for the 3x3x3 convolutions (:mod:`anystar.train.muon`), Adam for the
    rest, at the same learning rate."""
    learning_rate: float = 2e-4
    """Initial learning rate."""
    decay: float = 1.0
    """Share of the budget (``iterations``, or ``minutes``), at its end, over which the learning rate falls
    linearly to 0. 1: from the first step on, as the paper. With 0.1 the rate is constant for nine tenths, so
    that a run can be extended from there (``before_decay.safetensors``)."""
    warmup: int = 0
    """Steps over which the learning rate rises to its initial value."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is the model that is kept."""
    clip: float = 10.0
    """Gradients of a larger norm are scaled down to it."""
    max_points: int | None = 2048
    """Object points per sample whose distances are learnt, drawn uniformly; the same number is drawn from the
    whole grid, where distances are pulled towards zero on background. 0: all (``None`` becomes 0)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: bfloat16 autocast where the device computes it natively."""
    workers: int = 1
    """Processes that make samples (0: the training process itself)."""
    log_every: int = 20
    """Steps between lines of the log."""
    checkpoint_every: int = 200
    """Steps between checkpoints."""
    preview_every: int = 500
    """Steps between preview images."""
    samples: Literal["auto", "workers", "device"] = "auto"
    """Where samples are made: by ``workers`` on CPU cores, or on the training device itself (``auto``: on a
    GPU)."""
    compile: bool = False
    """Whether the network is compiled (``torch.compile``) before training."""
    labelled: LabelledConfig | None = None
    """Annotated volumes to learn from instead of recipes' samples."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Shape of the network."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Weights of the losses."""

    def __post_init__(self) -> None:
        if self.minutes == 0:
            object.__setattr__(self, "minutes", None)
        if self.max_points is None:  # which TOML has not
            object.__setattr__(self, "max_points", 0)
        counts = ("iterations", "batch_size", "log_every", "checkpoint_every", "preview_every")
        for least, names in ((1, counts), (0, ("warmup", "workers", "max_points"))):
            for name in names:
                if getattr(self, name) < least:
                    raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in ("minutes", "learning_rate", "clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be positive, got {value}")
        for name, within, span in (
            ("decay", 0 < self.decay <= 1, "(0, 1]"),
            ("average", 0 <= self.average < 1, "[0, 1)"),
            ("thin", 0 <= self.thin <= 1, "[0, 1]"),
            ("seed", 0 <= self.seed < 2**64, "[0, 2^64)"),
        ):
            if not within:
                raise ConfigError(f"{name} must be within {span}, got {getattr(self, name)}")
        if not self.recipes and self.labelled is None:
            raise ConfigError("recipes must name at least one recipe")
        if self.recipes and self.labelled is not None:
            raise ConfigError("recipes must be empty if labelled volumes are learnt from")
        if any(n < SMALLEST or n % self.network.divisor for n in self.patch):
            what = f"multiples of {self.network.divisor}, of at least {SMALLEST}"
            raise ConfigError(f"patch must be {what}, got {list(self.patch)}")
        for name in self.recipes:
            get_recipe(name).check_shape(self.patch)
        if self.thin and self.labelled is not None:
            raise ConfigError("thin must be 0 if labelled volumes are learnt from")


def paper_config(**changes: Any) -> TrainConfig:
    """Return the paper's run: five resolutions from 32 channels, grid 1, 180,000 iterations."""
    return TrainConfig(**changes)


def small_config(**changes: Any) -> TrainConfig:
    """Return a run that two CPU cores finish in two hours: four resolutions on a grid of 2."""
    defaults: dict[str, Any] = {
        "iterations": 8000,
        "batch_size": 2,
        "learning_rate": 1e-3,
        "warmup": 100,
        "recipes": ("mild",),
        "max_points": 1024,
        "network": NetworkConfig(
            channels=(32, 64, 128, 256), grid=2, head_channels=64, distances="exponential"
        ),
        "loss": LossConfig(distance_error="logarithmic", background_weight=0.0),
    }
    return TrainConfig(**(defaults | changes))
