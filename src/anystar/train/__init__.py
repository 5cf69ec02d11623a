"""Training a network: configuration, weights to begin with, state, loop."""

from anystar.train.config import TrainConfig, paper_config, small_config
from anystar.train.labelled import LabelledConfig, LabelledVolumes, RawVolume, prepare
from anystar.train.log import Progress
from anystar.train.loop import fit
from anystar.train.profile import Profile, profile
from anystar.train.start import Start, load_start

__all__ = [
    "LabelledConfig",
    "LabelledVolumes",
    "Profile",
    "Progress",
    "RawVolume",
    "Start",
    "TrainConfig",
    "fit",
    "load_start",
    "paper_config",
    "prepare",
    "profile",
    "small_config",
]
