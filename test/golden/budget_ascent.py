"""SegPGD, CosPGD, APGD and PAdam on one image: ascents of weighted losses inside a ball. See README.md.

Notation: x_0 the image, z the logits, Y the target, N = h w pixels, T the steps. Written for one image: no batch is summed.
"""

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional

from iou import iou_mean_target, iou_ours
from projected_ascent import STEPS, Run, direction, project
from unet import UNet


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    attack: str  # 'seg-pgd', 'cos-pgd', 'apgd' or 'padam'
    scene: str
    norm: str  # 'linf' or 'l2'
    epsilon: float
    targeted: bool = True
    alpha: float | None = None  # step size; apgd finds its own
    loss: str | None = None  # apgd and padam
    activation: str | None = None  # cos-pgd only
    start: None = None


@dataclasses.dataclass
class BudgetRun(Run):
    gaps: list[float] = dataclasses.field(default_factory=list)  # by how much a comparison of losses was decided


# --- Losses: what is ascended is `sign` times these ------------------------------------------------------------------


def cross_entropies(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits, target, reduction="none")


def pending(logits: Tensor, target: Tensor, targeted: bool) -> Tensor:
    """Pixels that are not as wanted: without the label when it is to be reached, with it when it is to be left."""
    correct = logits.argmax(1) == target
    return ~correct if targeted else correct


def segpgd(logits: Tensor, target: Tensor, targeted: bool, t: int) -> Tensor:
    """Gu et al., equations 4 to 6, t = 1 ... T. Targeted: the two weights change places."""
    weight = (t - 1) / (2 * STEPS)
    right = (logits.argmax(1) == target).to(logits.dtype)
    of_right, of_wrong = (weight, 1 - weight) if targeted else (1 - weight, weight)
    return ((of_right * right + of_wrong * (1 - right)) * cross_entropies(logits, target)).mean()


def cospgd(logits: Tensor, target: Tensor, targeted: bool, activation: str) -> Tensor:
    """Agnihotri et al.: similarity as a weight away from labels, dissimilarity towards them."""
    with torch.no_grad():
        prediction = logits.softmax(1) if activation == "softmax" else logits.sigmoid()
        label = functional.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
        similarity = functional.cosine_similarity(prediction, label, dim=1)
    return ((1 - similarity if targeted else similarity) * cross_entropies(logits, target)).mean()


def balanced(values: Tensor, target: Tensor) -> Tensor:
    """The mean over the classes of the target of the mean over the pixels of a class."""
    return torch.stack([values[target == c].mean() for c in target.unique()]).mean()


def jensen_shannon(logits: Tensor, target: Tensor) -> Tensor:
    """By the definition, class by class; 0 log 0 is 0."""
    p = logits.softmax(1)
    q = functional.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    m = (p + q) / 2
    divergence = torch.xlogy(p, p) - torch.xlogy(p, m) + torch.xlogy(q, q) - torch.xlogy(q, m)
    return divergence.sum(1).mean() / 2


def apgd_losses(name: str, logits: Tensor, target: Tensor, targeted: bool) -> tuple[Tensor, Tensor]:
    """What is ascended, and what progress is judged by: where pixels drop out, the same without the mask."""
    if name == "jensen-shannon":
        loss = jensen_shannon(logits, target)
        return loss, loss
    values = cross_entropies(logits, target)
    masked = values * pending(logits, target, targeted)
    if name == "balanced-cross-entropy":
        return balanced(masked, target), balanced(values, target)
    return (values.mean() if name == "cross-entropy" else masked.mean()), values.mean()


def cosine_distance(logits: Tensor, target: Tensor) -> Tensor:
    """Between the logits themselves and the labels."""
    label = functional.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    return (1 - functional.cosine_similarity(logits, label, dim=1)).mean()


# --- The attacks -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Apgd:
    """Croce and Hein 2020, algorithm 1; rho, alpha and the checkpoints are the paper's."""

    rho = 0.75
    alpha = 0.75
    eta: float
    points: list[Tensor] = dataclasses.field(default_factory=list)  # the points that steps left from
    f_left: float = math.inf  # f of the last of them
    best: tuple[float, Tensor, Tensor] | None = None  # f_max, x_max and the gradient there
    best_at_check: float = 0.0
    rises: int = 0
    was_halved: bool = False
    last_check: int = 0

    def checks(self) -> list[int]:
        p = [0.0, 0.22]
        while p[-1] <= 1:
            p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
        return [math.ceil(round(share * STEPS, 9)) for share in p[1:] if share <= 1]

    def step(self, n: int, x: Tensor, f: float, gradient: Tensor, ball, norm: str) -> tuple[Tensor, Tensor, float]:
        """x_{n+1}, what it went along the direction of, and how near the nearest comparison of losses was."""
        gap = math.inf
        if self.best is None:
            self.best = (f, x, gradient)
            self.best_at_check = f
        else:
            self.rises += f > self.f_left
            gap = min(abs(f - self.f_left), abs(f - self.best[0]))
            if f > self.best[0]:
                self.best = (f, x, gradient)
        point, drive, f_point = x, gradient, f
        if n in self.checks():
            few = self.rises < self.rho * (n - self.last_check)
            still = not self.was_halved and self.best[0] == self.best_at_check
            self.was_halved = few or still
            if self.was_halved:
                self.eta /= 2
                f_point, point, drive = self.best
            self.best_at_check, self.rises, self.last_check = self.best[0], 0, n
        z = ball(point + self.eta * direction(drive, norm))
        if not self.points:
            moved = z
        else:
            moved = ball(point + self.alpha * (z - point) + (1 - self.alpha) * (point - self.points[-1]))
        self.points.append(point)
        self.f_left = f_point
        return moved, drive, gap


def run(config: Config, model: UNet, image: Tensor, target: Tensor, classes: int) -> BudgetRun:
    result = BudgetRun([], [], [], [], [image])
    sign = -1 if config.targeted else 1
    apgd = Apgd(eta=2 * config.epsilon)
    parameter = image.clone()
    adam = torch.optim.Adam([parameter], lr=config.alpha or 0.0, amsgrad=True, maximize=True)

    def ball(u: Tensor) -> Tensor:
        return (image + project(u - image, config.norm, config.epsilon)).clamp(0, 1)

    x = image
    for n in range(STEPS):
        variable = x.clone().requires_grad_()
        logits = model(variable)
        if config.attack == "seg-pgd":
            loss = progress = segpgd(logits, target, config.targeted, n + 1)
        elif config.attack == "cos-pgd":
            loss = progress = cospgd(logits, target, config.targeted, config.activation)
        elif config.attack == "padam":
            of = cosine_distance if config.loss == "cosine" else lambda z, y: cross_entropies(z, y).mean()
            loss = progress = of(logits, target)
        else:
            loss, progress = apgd_losses(config.loss, logits, target, config.targeted)
        (gradient,) = torch.autograd.grad(sign * loss, variable)
        prediction = logits.argmax(1)
        wrong = int((prediction != target).sum())
        perturbation = x - image
        if config.attack == "apgd":
            moved, drive, gap = apgd.step(n, x, sign * progress.item(), gradient, ball, config.norm)
            result.gaps.append(gap)
            logs = {"eta": apgd.eta}
        elif config.attack == "padam":
            parameter.grad = gradient
            adam.step()
            moved, drive, logs = ball(parameter), gradient, {}
            parameter.copy_(moved)
        else:
            moved, drive = ball(x + config.alpha * direction(gradient, config.norm)), gradient
            logs = {"lambda": n / (2 * STEPS)} if config.attack == "seg-pgd" else {}
        result.steps.append(
            {
                "step": n,
                "loss": sign * loss.item() + 0.0,  # not -0
                "wrongPixels": wrong,
                "pixelAccuracy": 1 - wrong / target.numel(),
                "iou": iou_ours(prediction, target, 2) if classes == 2 else iou_mean_target(prediction, target),
                "l1": perturbation.abs().sum().item(),
                "l2": perturbation.square().sum().sqrt().item(),
                "linf": perturbation.abs().max().item(),
                "gradientL2": gradient.square().sum().sqrt().item(),
                "logs": logs,
            }
        )
        x = moved
        result.predictions.append(prediction)
        result.logits.append(logits.detach())
        result.drives.append(drive)
        result.iterates.append(x)
    return result
