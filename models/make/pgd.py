"""Projected gradient descent on the pixels of a picture (Madry et al., 2018), untargeted.

The perturbation lives on the real pixels: whatever comes before the network
(here the edge padding) is inside `forward`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def pgd(
    forward: Callable[[Tensor], Tensor],
    image: Tensor,
    labels: Tensor,
    norm: str,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Ascends the cross-entropy inside an L2 or Linf ball around `image` and inside [0, 1].

    norm: "l2" or "linf". epsilon: radius of the ball, in pixel values of [0, 1];
    for L2 it is the length of one picture's whole perturbation. Starts from a random
    point of the ball; each step has the size 2.5 * epsilon / steps.
    """
    size = 2.5 * epsilon / steps
    if norm == "linf":
        delta = (torch.rand(image.shape, generator=generator) * 2 - 1) * epsilon
    else:
        delta = scale_to(torch.randn(image.shape, generator=generator), epsilon / 2)
    for _ in range(steps):
        moved = (image + delta).clamp(0, 1).requires_grad_()
        loss = F.cross_entropy(forward(moved), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, moved)
        if norm == "linf":
            delta = (delta + size * gradient.sign()).clamp(-epsilon, epsilon)
        else:
            delta = delta + scale_to(gradient, size)
            delta = delta * (epsilon / lengths(delta)).clamp(max=1)
    return (image + delta).clamp(0, 1).detach()


def lengths(tensor: Tensor) -> Tensor:
    return tensor.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None, None]


def scale_to(tensor: Tensor, length: float) -> Tensor:
    return tensor * (length / lengths(tensor))
