"""Synthetic pictures: coloured ellipses on a noisy background, with their label masks.

Pictures are float32 C x H x W in [0, 1], rounded to n/255; noise pushes many of their values to exactly 0 or 1.
Masks are int64 on the output grid of the network (the picture without its margin on each side).
"""

from dataclasses import dataclass

import numpy as np

from unet import INPUT_SIZE, MARGIN

BACKGROUND = (0.16, 0.22, 0.30)
COLOURS = {1: (0.90, 0.55, 0.25), 2: (0.30, 0.85, 0.80)}
NOISE = 0.13


@dataclass(frozen=True)
class Ellipse:
    label: int
    centre: tuple[float, float]  # row, column, on the picture
    radii: tuple[float, float]
    angle: float  # radians


def inside(ellipse: Ellipse) -> np.ndarray:
    rows, columns = np.mgrid[0:INPUT_SIZE, 0:INPUT_SIZE].astype(np.float64)
    dy, dx = rows - ellipse.centre[0], columns - ellipse.centre[1]
    cos, sin = np.cos(ellipse.angle), np.sin(ellipse.angle)
    along, across = dy * cos + dx * sin, dx * cos - dy * sin
    return (along / ellipse.radii[0]) ** 2 + (across / ellipse.radii[1]) ** 2 <= 1


def paint(ellipses: list[Ellipse], rng: np.random.Generator) -> np.ndarray:
    picture = np.empty((3, INPUT_SIZE, INPUT_SIZE))
    picture[:] = np.array(BACKGROUND)[:, None, None]
    for ellipse in ellipses:
        picture[:, inside(ellipse)] = np.array(COLOURS[ellipse.label])[:, None]
    picture += rng.normal(0, NOISE, picture.shape)
    return (np.round(picture.clip(0, 1) * 255) / 255).astype(np.float32)


def mask(ellipses: list[Ellipse]) -> np.ndarray:
    labels = np.zeros((INPUT_SIZE, INPUT_SIZE), np.int64)
    for ellipse in ellipses:
        labels[inside(ellipse)] = ellipse.label
    return labels[MARGIN:-MARGIN, MARGIN:-MARGIN]


def random_ellipses(classes: int, rng: np.random.Generator) -> list[Ellipse]:
    """None to two ellipses of random labels, for training."""
    return [
        Ellipse(
            label=int(rng.integers(1, classes)),
            centre=tuple(rng.uniform(MARGIN, INPUT_SIZE - MARGIN, 2)),
            radii=tuple(rng.uniform(6, 18, 2)),
            angle=float(rng.uniform(0, np.pi)),
        )
        for _ in range(rng.integers(0, 3))
    ]
