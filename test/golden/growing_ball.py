"""asma+ on one image: a ball around it that grows until the labels are drawn, then shrinks. See README.md.

Notation: x_0 the image, m_i the margin of pixel i, w_i its weight, T the temperature, kappa what a pixel is to be won by.
"""

import math

import torch
from torch import Tensor


class GrowingBall:
    def __init__(self, config, image: Tensor):
        self.norm, self.targeted, self.image = config.options["norm"], config.targeted, image
        self.temperature: float | None = None
        self.missing = 0.0  # mean of w (kappa - m)+ at this step
        self.direction, self.trust = torch.zeros_like(image), 0.0
        self.epsilon, self.usual, self.damp = 0.0, 0.0, 1.0
        self.closest, self.share = math.inf, 0.05

    def objective(self, _, logits: Tensor, target: Tensor) -> Tensor:
        own = logits.gather(1, target[:, None])[:, 0]
        rival = logits.scatter(1, target[:, None], -torch.inf).max(1).values
        m = own - rival if self.targeted else rival - own
        now = m.detach()
        if self.temperature is None:
            violations = -now[now < 0]
            mean_violation = violations.mean().item() if violations.numel() else 0.0
            self.temperature = max(0.1 * mean_violation, 0.03 * now.abs().mean().item())
        kappa = 0.3 * self.temperature
        weight = torch.sigmoid((kappa - now) / self.temperature)
        self.missing = ((kappa - now).clamp(min=0) * weight).mean().item()
        return (weight * m).mean()

    def size(self, r: Tensor) -> float:
        return (r.square().sum().sqrt() if self.norm == "l2" else r.abs().max()).item()

    def step(self, n: int, x: Tensor, gradient: Tensor, reached: bool, **_) -> Tensor:
        length = gradient.square().sum().sqrt()
        dual = (length if self.norm == "l2" else gradient.abs().sum()).item()
        steepest = gradient / (length if self.norm == "l2" else gradient.abs().mean())
        if self.norm == "linf":
            steepest = steepest.clamp(-1, 1)
        to_go = self.missing / dual

        shrinking = self.closest < math.inf
        if reached:
            self.closest = min(self.closest, self.size(x - self.image))
        if shrinking:
            self.share = min(0.15, 1.3 * self.share) if reached else max(5e-4, 0.8 * self.share)
        if n == 0:
            self.usual = to_go
        else:
            self.damp = max(0.05, 0.9 * self.damp) if to_go > self.usual else min(1.0, 1.02 * self.damp)
            self.usual = 0.8 * self.usual + 0.2 * to_go

        if self.closest < math.inf:
            mu, self.epsilon = 0.9, (1 - self.share) * self.closest
            stride = min(0.3, 0.8 * math.sqrt(self.share)) * self.epsilon
        else:
            growth = max(0.5 * min(self.epsilon, to_go), 0.01 * self.epsilon)
            mu, self.epsilon = 0.8, 0.3 * to_go if n == 0 else self.epsilon + growth
            stride = self.damp * max(min(0.4 * self.epsilon, 1.5 * to_go), 0.1 * self.epsilon)
        self.direction = mu * self.direction + (1 - mu) * steepest
        self.trust = mu * self.trust + (1 - mu)
        r = x + stride * self.direction / self.trust - self.image
        if self.norm == "linf":
            r = r.clamp(-self.epsilon, self.epsilon)
        else:
            r = r * min(1.0, self.epsilon / self.size(r))
        return (self.image + r).clamp(0, 1)
