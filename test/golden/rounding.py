"""How far rounding moves an attack: the same attack by other arithmetic, and how near a prediction is to changing."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from unet import UNet

Run = TypeVar("Run")


def margin(logits: Tensor) -> float:
    """The smallest difference of the two largest logits of a pixel."""
    top = logits.topk(2, dim=1).values
    return (top[:, 0] - top[:, 1]).min().item()


def approach(golden: list[Tensor], other: list[Tensor]) -> float:
    """Above 1, a pixel could change its label: the change of any logit (of two) against the nearest border."""
    return max(2 * (a - b).abs().max().item() / margin(a) for a, b in zip(golden, other))


def with_noise(model: UNet, seed: int, relative: float) -> UNet:
    generator = torch.Generator().manual_seed(seed)
    noisy = copy.deepcopy(model).double()
    for parameter in noisy.parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.copy_(parameter * (1 + relative * noise))
    return noisy


def variants(attack: Callable[[UNet, torch.dtype], Run], model: UNet) -> list[Run]:
    """The attack in float32, by two convolution codes, and with weights that moved a little."""

    def go(network: UNet, dtype: torch.dtype, onednn: bool = True) -> Run:
        with torch.backends.mkldnn.flags(enabled=onednn):
            return attack(copy.deepcopy(network).to(dtype), dtype)

    return [
        go(model, torch.float32),
        go(model, torch.float32, onednn=False),
        go(with_noise(model, 9, 1e-7), torch.float32),
        *(go(with_noise(model, seed, relative), torch.float64) for seed in range(3) for relative in (1e-7, 3e-7)),
    ]
