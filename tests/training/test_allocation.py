"""A network without memory gets it as torch's to_empty gives it."""

import torch
from torch import nn

from normbench.any_module.allocation import allocate


def made():
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 4, dtype=torch.float64))
    return model.to(memory_format=torch.channels_last)


def told(model):
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers()]
    return [(name, type(one), one.shape, one.stride(), one.dtype, one.device, one.requires_grad) for name, one in named]


def test_all_that_is_known_of_a_tensor_stays():
    assert told(allocate(made())) == told(made().to_empty(device="cpu"))
