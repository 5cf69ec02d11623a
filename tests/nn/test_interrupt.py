"""A forward pass is stopped between two layers."""

import threading

import pytest
import torch
from torch import nn

from anystar.errors import Cancelled
from anystar.nn.interrupt import interruptible


def network(*layers):
    return nn.Sequential(*layers)


def test_it_stops_before_the_next_layer_and_leaves_the_network_as_it_was():
    done = []

    class Layer(nn.Module):
        def forward(self, x):
            done.append(1)
            return x

    def check():
        if len(done) == 2:
            raise Cancelled

    model = network(Layer(), Layer(), Layer(), Layer())
    with pytest.raises(Cancelled), interruptible(model, check):
        model(torch.zeros(1))
    assert len(done) == 2
    model(torch.zeros(1))
    assert len(done) == 6


def test_another_thread_is_not_stopped():
    model, checked = network(nn.Identity()), []
    with interruptible(model, lambda: checked.append(1)):
        other = threading.Thread(target=model, args=(torch.zeros(1),))
        other.start()
        other.join()
    assert checked == []
