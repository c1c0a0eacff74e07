"""PGD and MI-FGSM on one image: steps along the direction of a gradient, each projected onto a ball. See README.md.

Notation: x_0 the image, z the logits, Y the target, N_c = h w pixels, m the momentum.
"""

import dataclasses

import torch
from torch import Tensor
from torch.nn import functional

from iou import iou_mean_target, iou_ours
from unet import UNet

STEPS = 30
MU = 1.0


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    attack: str  # 'pgd' or 'mi-fgsm'
    scene: str
    norm: str  # 'linf' or 'l2'
    epsilon: float
    alpha: float
    loss: str = "cross-entropy"  # or 'margin'
    targeted: bool = True
    start: str | None = None  # .npy in OUT; without it the attack starts at the image


@dataclasses.dataclass
class Run:
    steps: list[dict]
    predictions: list[Tensor]  # yhat(x_n)
    logits: list[Tensor]  # what those predictions are the argmax of
    drives: list[Tensor]  # what step n goes along the direction of: the gradient at x_n, or m_{n+1}
    iterates: list[Tensor]  # x_0 ... x_N


def objective(config: Config, logits: Tensor, target: Tensor) -> Tensor:
    """L, which the attack ascends: a mean over all pixels."""
    if config.loss == "cross-entropy":
        log_likelihood = -functional.cross_entropy(logits, target)
        return log_likelihood if config.targeted else -log_likelihood
    own = logits.gather(1, target[:, None])[:, 0]
    rival = logits.scatter(1, target[:, None], -torch.inf).max(1).values
    correct = logits.argmax(1) == target
    counted = ~correct if config.targeted else correct
    lead = (own - rival)[counted].sum() / target.numel()
    return lead if config.targeted else -lead


def direction(vector: Tensor, norm: str) -> Tensor:
    if norm == "linf":
        return vector.sign()
    length = vector.square().sum().sqrt()
    return vector / length if length > 0 else torch.zeros_like(vector)


def project(perturbation: Tensor, norm: str, epsilon: float) -> Tensor:
    if norm == "linf":
        return perturbation.clamp(-epsilon, epsilon)
    length = perturbation.square().sum().sqrt().item()
    return perturbation * (epsilon / length) if length > epsilon else perturbation


def run(config: Config, model: UNet, image: Tensor, start: Tensor, target: Tensor, classes: int) -> Run:
    result = Run([], [], [], [], [start])
    momentum = torch.zeros_like(image)
    x = start
    for step in range(STEPS):
        variable = x.clone().requires_grad_()
        logits = model(variable)
        loss = objective(config, logits, target)
        (gradient,) = torch.autograd.grad(loss, variable)
        prediction = logits.argmax(1)
        wrong = int((prediction != target).sum())
        perturbation = x - image
        result.steps.append(
            {
                "step": step,
                "loss": loss.item() + 0.0,  # not -0
                "wrongPixels": wrong,
                "pixelAccuracy": 1 - wrong / target.numel(),
                "iou": iou_ours(prediction, target, 2) if classes == 2 else iou_mean_target(prediction, target),
                "l1": perturbation.abs().sum().item(),
                "l2": perturbation.square().sum().sqrt().item(),
                "linf": perturbation.abs().max().item(),
                "gradientL2": gradient.square().sum().sqrt().item(),
            }
        )
        if config.attack == "mi-fgsm":
            length = gradient.abs().sum()
            momentum = MU * momentum + (gradient / length if length > 0 else 0)
            drive = momentum
        else:
            drive = gradient
        moved = x + config.alpha * direction(drive, config.norm)
        x = (image + project(moved - image, config.norm, config.epsilon)).clamp(0, 1)
        result.predictions.append(prediction)
        result.logits.append(logits.detach())
        result.drives.append(drive)
        result.iterates.append(x)
    return result
