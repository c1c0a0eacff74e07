"""FMN, DDN, PDGD, PDPGD, DAG and ALMA prox on one image: a search for a small perturbation that reaches the goal. See README.md.

Notation: x_0 the image, r = x_n - x_0, z the logits, Y the target, N = h w pixels, m_i the violation of pixel i, above 0
where it is not as wanted, w its weight, n the step.
"""

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional

from growing_ball import GrowingBall
from iou import iou_mean_target, iou_ours
from projected_ascent import Run
from unet import UNet

STEPS = 30
BETA_1, BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-8
AVERAGE = 0.9


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    attack: str
    scene: str
    norm: str
    options: dict  # of the attack, by the names that the TypeScript has
    threshold: float  # IoU (untargeted: 1 - IoU) that is the goal
    targeted: bool = True
    # What a float32 run may differ by: loss (of max(1, |loss|)), norms (relative), and the share of values of the last
    # image that may differ by more than 1e-5.
    tolerance: tuple[float, float, float] = (1e-5, 1e-4, 0)


def size(r: Tensor, norm: str) -> Tensor:
    return r.abs().max() if norm == "linf" else r.square().sum().sqrt()


def unit(vector: Tensor) -> Tensor:
    length = size(vector, "l2")
    return vector / length if length > 0 else torch.zeros_like(vector)


def violations(config: Config, logits: Tensor, target: Tensor) -> Tensor:
    own = logits.gather(1, target[:, None])[:, 0]
    rival = logits.scatter(1, target[:, None], -torch.inf).max(1).values
    return rival - own if config.targeted else own - rival


def missing_margins(config: Config, logits: Tensor, target: Tensor) -> Tensor:
    """-1/N sum of the violations of the pixels that are not as wanted."""
    correct = logits.argmax(1) == target
    missing = ~correct if config.targeted else correct
    return -violations(config, logits, target)[missing].sum() / target.numel()


def log_likelihood(config: Config, logits: Tensor, target: Tensor) -> Tensor:
    mean = -functional.cross_entropy(logits, target)
    return mean if config.targeted else -mean


def annealed(first: float, last: float, step: int) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * step / STEPS)) / 2


class Fmn:
    """Pintor et al. 2021, algorithm 1; the hinge over pixels and the 1 + gamma of a first estimate are not the paper's."""

    objective = staticmethod(missing_margins)

    def __init__(self, config: Config, image: Tensor):
        self.config, self.image = config, image
        self.epsilon = self.best = math.inf
        self.largest = size(torch.maximum(image, 1 - image), config.norm).item()

    def step(self, n: int, x: Tensor, gradient: Tensor, loss: Tensor, reached: bool, **_) -> Tensor:
        o, norm = self.config.options, self.config.norm
        gamma = annealed(o["gamma"], o["gammaEnd"], n)
        alpha = annealed(o["stepLength"], o["stepLengthEnd"], n)
        r = x - self.image
        length = size(r, norm).item()
        if reached:
            self.best = min(self.best, length)
            self.epsilon = min(self.epsilon * (1 - gamma), self.best)
        elif self.best < math.inf:
            self.epsilon = self.epsilon * (1 + gamma)
        else:
            dual = gradient.abs().sum() if norm == "linf" else size(gradient, "l2")
            self.epsilon = length + (1 + gamma) * (loss.abs() / dual).item()
        self.epsilon = min(self.epsilon, self.largest)
        moved = r + alpha * unit(gradient)
        if norm == "linf":
            moved = moved.clamp(-self.epsilon, self.epsilon)
        elif size(moved, "l2") > self.epsilon:
            moved = moved * (self.epsilon / size(moved, "l2"))
        return (self.image + moved).clamp(0, 1)


class Ddn:
    """Rony et al. 2019, algorithm 1, without its rounding of the iterates."""

    def __init__(self, config: Config, image: Tensor):
        self.config, self.image = config, image
        self.epsilon = config.options["firstNorm"]
        self.largest = size(torch.maximum(image, 1 - image), "l2").item()
        self.objective = missing_margins if config.options["loss"] == "margin" else log_likelihood

    def step(self, n: int, x: Tensor, gradient: Tensor, reached: bool, **_) -> Tensor:
        o = self.config.options
        moved = x - self.image + annealed(o["stepLength"], o["stepLengthEnd"], n) * unit(gradient)
        self.epsilon = min(self.epsilon * (1 - o["gamma"] if reached else 1 + o["gamma"]), self.largest)
        return (self.image + self.epsilon * moved / size(moved, "l2")).clamp(0, 1)


class PrimalDual:
    """Matyasko and Chau 2021, with a multiplier for each pixel; PDPGD where `is_proximal`."""

    def __init__(self, config: Config, image: Tensor):
        self.config, self.image = config, image
        self.is_proximal = config.attack == "pdpgd"
        self.bound = math.log(1e12 if self.is_proximal else 1e6)
        self.first, self.second = torch.zeros_like(image), torch.zeros_like(image)
        self.multiplier = self.average = None

    def objective(self, config: Config, logits: Tensor, target: Tensor) -> Tensor:
        m = violations(config, logits, target)
        if self.multiplier is None:
            self.multiplier = torch.full_like(m.detach(), -math.log(target.numel()))
        padded = torch.cat([torch.zeros_like(self.multiplier[:1, 0, :1]), self.multiplier.flatten(1)], 1)
        now = padded.softmax(1)
        self.average = now if self.average is None else AVERAGE * self.average + (1 - AVERAGE) * now
        self.sign = m.detach().sign()
        return -(functional.softplus(m).flatten() * self.average[0, 1:]).sum()

    def penalty(self, x: Tensor) -> Tensor:
        return self.average[0, 0] * size(x - self.image, self.config.norm)

    def step(self, n: int, x: Tensor, gradient: Tensor, **_) -> Tensor:
        o, norm = self.config.options, self.config.norm
        r, rest = x - self.image, self.average[0, 0]
        theta = o["primalRate"] * o["primalDecay"] ** (n / STEPS)
        descent = -gradient if self.is_proximal else rest * unit(r) - gradient
        self.first = BETA_1 * self.first + (1 - BETA_1) * descent
        self.second = BETA_2 * self.second + (1 - BETA_2) * descent.square()
        metric = (self.second / (1 - BETA_2 ** (n + 1))).sqrt() + ADAM_EPSILON
        u = (x - theta * self.first / (1 - BETA_1 ** (n + 1)) / metric).clamp(0, 1)
        left = (STEPS - 1 - n) / (STEPS - 1)
        theta_dual = o["dualRate"] * (left * (1 - o["dualDecay"]) + o["dualDecay"])
        self.multiplier = (self.multiplier + theta_dual * self.sign).clamp(-self.bound, self.bound)
        if self.is_proximal:
            return (self.image + nearest(u - self.image, metric, (theta * rest).item(), norm)).clamp(0, 1)
        return u


def nearest(r: Tensor, metric: Tensor, weight: float, norm: str) -> Tensor:
    """argmin_z sum(metric (z - r)^2) / 2 + weight ||z||, its one unknown found by bisection."""

    def halve(low: float, high: float, is_low) -> float:
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if is_low(middle) else (low, middle)
        return (low + high) / 2

    if norm == "linf":
        if (metric * r.abs()).sum() <= weight:
            return torch.zeros_like(r)
        t = halve(0, r.abs().max().item(), lambda t: (metric * (r.abs() - t).clamp(min=0)).sum() > weight)
        return r.clamp(-t, t)
    if size(metric * r, "l2") <= weight:
        return torch.zeros_like(r)
    scaled = lambda nu: metric * r / (metric * nu + weight)  # z / ||z||
    nu = halve(0, size(r, "l2").item(), lambda nu: size(scaled(nu), "l2") > 1)
    return nu * scaled(nu)


class Dag:
    """Xie et al. 2017, algorithm 1, with the best other class as rival; x is x_0 + r, unclipped."""

    objective = staticmethod(missing_margins)

    def __init__(self, config: Config, image: Tensor):
        self.config = config

    def step(self, n: int, x: Tensor, gradient: Tensor, **_) -> Tensor:
        gradient = torch.where((x < 0) | (x > 1), 0.0, gradient)  # that of the clipping
        length = size(gradient, self.config.norm)
        return x + self.config.options["gamma"] * gradient / length if length > 0 else x


class AlmaProx:
    """Rony et al. 2023, algorithm 1, without its masking of constraints."""

    SMOOTHING, SCALE_CHANGE, TOLERANCE, CHECK = 0.8, 0.02, 1e-4, 10

    def __init__(self, config: Config, image: Tensor):
        self.config, self.image = config, image
        self.scale, self.found, self.n = 1.0, STEPS // 2, 0
        self.second = torch.zeros_like(image)
        self.mu = self.rho = self.before = self.was_right = None

    def penalty_at(self, y: Tensor) -> Tensor:
        over = self.mu * y + self.mu * self.rho * y**2 + self.rho**2 * y**3 / 6
        return torch.where(y >= 0, over, self.mu * y / (1 - self.rho.clamp(min=1) * y.clamp(max=0)))

    def slope_at(self, y: Tensor) -> Tensor:
        """Derived by autograd; the published one differs for y >= 0."""
        leaf = y.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(self.penalty_at(leaf).sum(), leaf)
        if self.config.options["slope"] == "published":
            over = self.mu * y + 2 * self.mu * self.rho * y + self.rho**2 * y**2 / 2
            slope = torch.where(y >= 0, over, slope)
        return slope.detach()

    def objective(self, config: Config, logits: Tensor, target: Tensor) -> Tensor:
        """Its value is -sum P(y), its gradient that of the slopes."""
        n = self.n
        violation = violations(config, logits, target)
        right = violation.detach() < 0
        classes, ranks = logits.shape[1], 4 if config.targeted else 3
        ratio = violation + self.TOLERANCE
        if classes >= ranks:
            top = logits.topk(ranks, dim=1).values
            low = (top[:, 2] + top[:, 3]) / 2 if config.targeted else top[:, 2]
            ratio = ratio / (top[:, 0] - low + 1e-8)
        prediction = logits.argmax(1)
        iou = iou_ours(prediction, target, 2) if classes == 2 else iou_mean_target(prediction, target)
        reached = (iou if config.targeted else 1 - iou) >= config.threshold
        change = 1 + self.SCALE_CHANGE if reached else 1 - self.SCALE_CHANGE
        self.scale = min(max(self.scale / change, 0.1), 1.0)
        constraint = self.scale * ratio
        y = constraint.detach()
        if n == 0:
            self.mu, self.rho = torch.ones_like(y), torch.full_like(y, config.options["rho"])
            self.before, self.was_right = y, torch.zeros_like(right)
        self.was_right = self.was_right | right
        if n > 0 and (n + 1) % self.CHECK == 0:
            fine = self.was_right | (y <= 0.95 * self.before)
            self.rho = torch.where(fine, self.rho, (2 * self.rho).clamp(max=1e8))
            self.before, self.was_right = y, torch.zeros_like(right)
        if n > 0:
            smoothed = self.SMOOTHING * self.mu + (1 - self.SMOOTHING) * self.slope_at(y)
            self.mu = smoothed.clamp(1e-12, 1)
        linear = -(self.slope_at(y) * constraint).sum()
        return linear + (-self.penalty_at(y).sum() - linear).detach()

    def step(self, n: int, x: Tensor, gradient: Tensor, reached: bool, **_) -> Tensor:
        o = self.config.options
        if reached and n < STEPS // 2:
            self.found = min(self.found, n)
        t = o["reduction"] / (1 - o["reduction"]) * max(STEPS - self.found, 1)
        rate = o["rate"] * t / (max(n - self.found, 0) + t)
        self.second = self.SMOOTHING * self.second + (1 - self.SMOOTHING) * gradient.square()
        metric = (self.second / (1 - self.SMOOTHING ** (n + 1))).sqrt().clamp(min=1e-8)
        u = (x + rate * gradient / metric).clamp(0, 1)
        self.n = n + 1
        return (self.image + nearest(u - self.image, metric, rate, "linf")).clamp(0, 1)


ATTACKS = {"alma-prox": AlmaProx, "fmn": Fmn, "ddn": Ddn, "pdgd": PrimalDual, "pdpgd": PrimalDual, "dag": Dag, "asma+": GrowingBall}


def run(config: Config, model: UNet, image: Tensor, target: Tensor, classes: int) -> Run:
    attack = ATTACKS[config.attack](config, image)
    result = Run([], [], [], [], [image])
    x = image
    for n in range(STEPS):
        shown = x.clamp(0, 1).requires_grad_()
        logits = model(shown)
        loss = attack.objective(config, logits, target)
        (gradient,) = torch.autograd.grad(loss, shown)
        loss = loss.detach()
        logits = logits.detach()
        prediction = logits.argmax(1)
        wrong = int((prediction != target).sum())
        iou = iou_ours(prediction, target, 2) if classes == 2 else iou_mean_target(prediction, target)
        reached = (iou if config.targeted else 1 - iou) >= config.threshold
        r = shown.detach() - image
        recorded = loss - attack.penalty(x) if isinstance(attack, PrimalDual) else loss
        result.steps.append(
            {
                "step": n,
                "loss": recorded.item() + 0.0,  # not -0
                "wrongPixels": wrong,
                "pixelAccuracy": 1 - wrong / target.numel(),
                "iou": iou,
                "reached": reached,
                "l1": r.abs().sum().item(),
                "l2": r.square().sum().sqrt().item(),
                "linf": r.abs().max().item(),
                "gradientL2": gradient.square().sum().sqrt().item(),
            }
        )
        result.predictions.append(prediction)
        result.logits.append(logits)
        result.drives.append(gradient)
        x = attack.step(n, x, gradient=gradient, loss=loss, reached=reached)
        result.iterates.append(x.clamp(0, 1))  # DAG's x is not
    return result
