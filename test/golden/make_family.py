"""Computes the golden trajectories of PGD and MI-FGSM, and the pictures of a batch. See README.md for the formats.

    python make_family.py [NAME ...]

NAME: only these trajectories, or all without it. Notation: x_0 the image, z the logits, Y the target, N_c = h w pixels.
"""

import copy
import dataclasses
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
from torch import Tensor
from torch.nn import functional

import scenes
from iou import iou_mean_target, iou_ours
from records import pack, rounded, to_json
from rounding import approach, margin, variants
from scenes import Ellipse
from unet import UNet, load_unet

HERE = pathlib.Path(__file__).parent
OUT = HERE / "family"
STEPS = 30
MU = 1.0


@dataclasses.dataclass(frozen=True)
class Scene:
    model: str
    classes: int
    size: int
    seed: int
    source: list[Ellipse]
    moved: list[Ellipse]


SCENES = {
    "two": Scene(
        model="unet-legacy.onnx",
        classes=2,
        size=76,
        seed=21,
        source=[Ellipse(1, (34, 33), (11, 9), 0.4)],
        moved=[Ellipse(1, (40, 44), (10, 8), -0.3)],
    ),
    "five": Scene(
        model="unet5.onnx",
        classes=5,
        size=76,
        seed=22,
        source=[Ellipse(1, (30, 30), (8, 7), 0.6), Ellipse(2, (47, 46), (7, 9), 0.0), Ellipse(3, (30, 48), (7, 6), 0.0)],
        moved=[Ellipse(1, (33, 34), (8, 7), 0.2), Ellipse(2, (47, 41), (6, 8), 0.0), Ellipse(4, (31, 49), (6, 5), 0.0)],
    ),
}

# Four of one size, each with a target of its own.
BATCH_SIZE, BATCH_SEED = 64, 23
BATCH = [
    ([Ellipse(1, (32, 32), (8, 6), 0.4)], [Ellipse(1, (34, 36), (7, 6), -0.3)]),
    ([Ellipse(1, (28, 36), (6, 9), 0.0)], [Ellipse(1, (33, 30), (8, 5), 0.9)]),
    ([], [Ellipse(1, (31, 31), (5, 5), 0.0)]),
    ([Ellipse(1, (36, 28), (9, 9), 0.0)], []),
]


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


CONFIGS = [
    Config("pgd-linf-ce-two", "pgd", "two", "linf", 0.12, 0.006),
    Config("pgd-linf-ce-five", "pgd", "five", "linf", 0.12, 0.006),
    Config("pgd-l2-ce-two", "pgd", "two", "l2", 4.0, 0.2),
    Config("pgd-l2-ce-five", "pgd", "five", "l2", 4.0, 0.2),
    Config("pgd-linf-margin-two", "pgd", "two", "linf", 0.12, 0.006, loss="margin"),
    Config("pgd-linf-margin-five", "pgd", "five", "linf", 0.12, 0.006, loss="margin"),
    Config("pgd-l2-margin-two", "pgd", "two", "l2", 4.0, 0.2, loss="margin"),
    Config("pgd-linf-start-two", "pgd", "two", "linf", 0.12, 0.006, start="two.start.npy"),
    Config("pgd-linf-untargeted-five", "pgd", "five", "linf", 0.12, 0.006, targeted=False),
    Config("pgd-l2-margin-untargeted-five", "pgd", "five", "l2", 4.0, 0.2, loss="margin", targeted=False),
    Config("mi-fgsm-linf-two", "mi-fgsm", "two", "linf", 0.12, 0.006),
    Config("mi-fgsm-linf-five", "mi-fgsm", "five", "linf", 0.12, 0.006),
    Config("mi-fgsm-l2-five", "mi-fgsm", "five", "l2", 4.0, 0.2),
]
START_SEED = 24


# --- One attack ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Run:
    steps: list[dict]
    predictions: list[Tensor]  # yhat(x_n)
    logits: list[Tensor]  # what those predictions are the argmax of
    drives: list[Tensor]  # what step n takes the direction of: the gradient at x_n, or m_{n+1}
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
                "loss": loss.item(),
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


# --- How far rounding moves it ---------------------------------------------------------------------------------------


def compare(golden: Run, other: Run) -> dict[str, float]:
    def largest(names: list[str], relative: bool) -> float:
        pairs = [(a[name], b[name]) for a, b in zip(golden.steps, other.steps) for name in names]
        return max(abs(a - b) / (max(abs(a), 1e-12) if relative else 1) for a, b in pairs)

    final = (golden.iterates[-1] - other.iterates[-1]).abs()
    return {
        "approach": approach(golden.logits, other.logits),
        "pixels": sum(int((a != b).sum()) for a, b in zip(golden.predictions, other.predictions)),
        "iou": largest(["iou"], relative=False),
        "loss": largest(["loss"], relative=True),
        "norms": largest(["l1", "l2", "linf"], relative=True),
        "gradient": largest(["gradientL2"], relative=True),
        "signs": sum(int((a.sign() != b.sign()).sum()) for a, b in zip(golden.drives, other.drives)),
        "image": final.max().item(),
        "share": (final > 1e-5).double().mean().item(),
    }


def stable(difference: dict[str, float]) -> bool:
    return (
        difference["pixels"] == 0
        and difference["approach"] < 1 / 2
        and difference["iou"] == 0
        and difference["loss"] < 1e-4 / 3
        and difference["norms"] < 1e-4 / 3
        and difference["gradient"] < 1e-4 / 3
        and difference["image"] < 1e-5 / 3
        and difference["share"] == 0
    )
