"""A network that needs no training: bright is probable, and every object is a ball of one radius."""

import torch
from torch import nn

from anystar.nn.model import NetworkConfig, Prediction
from anystar.nn.unet import cut
from anystar.predict.model import Model


class Stub(nn.Module):
    """Probability = smoothed brightness; distances = ``radius`` voxels of what it sees."""

    def __init__(self, radius=4.0, grid=2):
        super().__init__()
        self.config = NetworkConfig(channels=(1, 1, 1), grid=grid, num_rays=32, head_channels=1)
        self.radius, self.seen = radius, []

    def forward(self, image, part=None, *, floor=None, points_P4=None):
        self.seen.append(tuple(image.shape[2:]))
        smooth = nn.functional.avg_pool3d(image.float(), 3, stride=1, padding=1, count_include_pad=False)
        prob = smooth[..., :: self.config.grid, :: self.config.grid, :: self.config.grid].clamp(0.001, 0.999)
        prob = prob if part is None else cut(prob, part)
        prediction = Prediction(prob.logit(), self.distances(prob).expand(-1, 32, -1, -1, -1))
        if points_P4 is not None:
            return prediction.at(points_P4)
        return prediction if floor is None else prediction.above(floor)

    def distances(self, prob):
        """The distance at every point, one channel."""
        return torch.full_like(prob, self.radius)


def stub_model(radius=4.0, grid=2, **more):
    card = {"defaults": {"prob_thresh": 0.5, "nms_thresh": 0.3, "diameter": 2 * radius}}
    card["calibration"] = {"offset": [-1, 1], "real": [0, 1], "volume_floor": 0.05, "volume_factor": 1.0}
    return Model(name="stub", network=Stub(radius, grid), device=torch.device("cpu"), card=card, **more)
