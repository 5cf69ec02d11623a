"""What is compared: changes of the small network's run."""

from collections.abc import Callable
from dataclasses import replace

from anystar.train import TrainConfig

Variant = Callable[[TrainConfig], TrainConfig]


def _network(**changes: object) -> Variant:
    return lambda config: replace(config, network=replace(config.network, **changes))  # type: ignore[arg-type]


def _run(**changes: object) -> Variant:
    return lambda config: replace(config, **changes)  # type: ignore[arg-type]


VARIANTS: dict[str, Variant] = {
    "baseline": lambda config: config,
    "features1": _network(feature_kernel=1),
    "slim": _network(channels=(16, 64, 128, 256), head_channels=32),
    "slim-features1": _network(channels=(16, 64, 128, 256), head_channels=64, feature_kernel=1),
    "muon": _run(optimiser="muon"),
    "half-rate": lambda config: replace(config, learning_rate=config.learning_rate / 2),
    "double-rate": lambda config: replace(config, learning_rate=config.learning_rate * 2),
    "muon-features1": lambda config: replace(VARIANTS["features1"](config), optimiser="muon"),
    "batch4": _run(batch_size=4),
}
