"""Random weights that make a network as lively as a trained one, so that its gradient says something."""

from __future__ import annotations

import torch
from torch import nn

GAIN = 1.5
CALIBRATION_BATCH = 4


def randomize(network: nn.Module, dims: tuple[int, ...]) -> None:
    """Draws all weights and BatchNorm statistics from the global generator, and leaves the network in eval mode.

    Weights have variance GAIN / fan-in, so that activations neither vanish nor explode; the running statistics are
    those of random images, moved by a random amount, as those of a trained network are for a single image. `dims` are those of the image.
    """
    network.eval()
    for module in network.modules():
        _randomize_own(module)
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the average over all batches
        norm.train()
    with torch.no_grad():
        network(torch.randn(CALIBRATION_BATCH, *dims[1:]))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
        norm.eval()
        deviation = norm.running_var.sqrt()
        norm.running_mean += 0.2 * deviation * torch.randn_like(deviation)
        norm.running_var *= torch.empty_like(deviation).uniform_(0.7, 1.4)


@torch.no_grad()
def _randomize_own(module: nn.Module) -> None:
    fan_in = _fan_in(module)
    for name, parameter in module.named_parameters(recurse=False):
        if name == "weight" and fan_in is not None:
            parameter.normal_(0, (GAIN / fan_in) ** 0.5)
        elif parameter.dim() <= 1 and "weight" in name and fan_in is None:
            if not isinstance(module, nn.PReLU):
                parameter.uniform_(0.5, 1.5)  # of a normalisation
        elif "bias" in name and parameter.dim() <= 1:
            parameter.normal_(0, 0.1)
        elif parameter.abs().max() < 1e-3 or parameter.std() < 1e-3:
            # Layer scales, queries and position embeddings, which start at a constant or near zero.
            parameter.add_(0.3 * torch.randn_like(parameter))


def _fan_in(module: nn.Module) -> float | None:
    if isinstance(module, nn.Linear):
        return module.in_features
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        taps = 1.0
        for size, stride in zip(module.kernel_size, module.stride):
            taps *= max(size / stride, 1)
        return module.in_channels / module.groups * taps
    if isinstance(module, nn.modules.conv._ConvNd):
        return module.weight[0].numel()
    return None
