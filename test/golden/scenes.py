"""Synthetic pictures: coloured ellipses on a noisy background, with their label masks.

Pictures are float32 C x H x W in [0, 1], rounded to n/255; noise pushes many of their values to exactly 0 or 1.
Masks are int64 on the output grid of the network (the picture without its margin on each side).
"""

from dataclasses import dataclass

import numpy as np

from unet import MARGIN

BACKGROUND = (0.10, 0.50, 0.92)
COLOURS = {1: (0.28, 0.42, 0.78), 2: (0.10, 0.66, 0.74), 3: (0.34, 0.66, 0.90), 4: (0.12, 0.32, 0.66)}
NOISE = 0.10


@dataclass(frozen=True)
class Ellipse:
    label: int
    centre: tuple[float, float]  # row, column, on the picture
    radii: tuple[float, float]
    angle: float  # radians


def inside(ellipse: Ellipse, size: int) -> np.ndarray:
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float64)
    dy, dx = rows - ellipse.centre[0], columns - ellipse.centre[1]
    cos, sin = np.cos(ellipse.angle), np.sin(ellipse.angle)
    along, across = dy * cos + dx * sin, dx * cos - dy * sin
    return (along / ellipse.radii[0]) ** 2 + (across / ellipse.radii[1]) ** 2 <= 1


def paint(ellipses: list[Ellipse], size: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.empty((3, size, size))
    picture[:] = np.array(BACKGROUND)[:, None, None]
    for ellipse in ellipses:
        picture[:, inside(ellipse, size)] = np.array(COLOURS[ellipse.label])[:, None]
    picture += rng.normal(0, NOISE, picture.shape)
    return (np.round(picture.clip(0, 1) * 255) / 255).astype(np.float32)


def mask(ellipses: list[Ellipse], size: int) -> np.ndarray:
    labels = np.zeros((size, size), np.int64)
    for ellipse in ellipses:
        labels[inside(ellipse, size)] = ellipse.label
    return labels[MARGIN:-MARGIN, MARGIN:-MARGIN]


def random_ellipses(classes: int, size: int, rng: np.random.Generator) -> list[Ellipse]:
    """None to two ellipses of random labels, for training."""
    return [
        Ellipse(
            label=int(rng.integers(1, classes)),
            centre=tuple(rng.uniform(MARGIN, size - MARGIN, 2)),
            radii=tuple(rng.uniform(6, 18, 2)),
            angle=float(rng.uniform(0, np.pi)),
        )
        for _ in range(rng.integers(0, 3))
    ]
