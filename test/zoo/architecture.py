"""The list of architectures: each a small network with random weights, and the dims of its image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Architecture:
    name: str
    family: str
    """The module that defines it."""
    source: str
    """Paper or library."""
    dims: tuple[int, ...]
    """Dims of the image."""
    build: Callable[[], nn.Module]
    """Makes the network; its first output is the one that is differentiated."""
    output: str
    """What that output is, where the network has several."""


architectures: dict[str, Architecture] = {}


def architecture(name: str, source: str, dims: Sequence[int], output: str = "logits"):
    """Registers a function that makes a network from image [N, C, H, W] or [N, C, D, H, W]."""

    def register(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        if name in architectures:
            raise ValueError(f"two architectures are named {name!r}")
        family = build.__module__
        architectures[name] = Architecture(name, family, source, tuple(dims), build, output)
        return build

    return register


class Select(nn.Module):
    """A network whose output is one of the values that another returns."""

    def __init__(self, network: nn.Module, pick: Callable):
        super().__init__()
        self.network = network
        self.pick = pick

    def forward(self, image):
        return self.pick(self.network(image))
