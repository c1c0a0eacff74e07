"""Trains the U-Net on synthetic pictures, or fine-tunes it against PGD with --robust.

    python train.py --pool DIRECTORY --output optic-disc.pt
    python train.py --pool DIRECTORY --classes 4 --output optic-disc-4class.pt
    python train.py --pool DIRECTORY --robust --init ../optic-disc.onnx --output optic-disc-robust.pt

Training from nothing has two parts: windows of the pictures with batch normalisation,
which is then folded into the convolutions, and whole pictures without it. With --init
the first part has no batch normalisation. --robust has only the second part.

One seed decides everything: first weights, order and augmentation of the pictures, attacks.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from pgd import pgd
from pool import pool
from synthetic_fundus import VARIATIONS
from unet import MARGIN, UNet

PADDING = 82
"""Pixels of edge padding on each side: 408 becomes 572."""

BORDER = MARGIN - PADDING
"""Pixels of each side of the picture that the output does not cover."""


def forward_picture(model: UNet, picture: Tensor) -> Tensor:
    """Logits of a 408x408 picture, which is padded with its edge."""
    return model(F.pad(picture, (PADDING,) * 4, mode="replicate"))


def augment(
    random: Generator, image: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """One of the eight orientations, and a change of brightness, tint and gamma."""
    turns = random.integers(4)
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if random.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    pixels = image.astype(np.float32) / 255
    if random.random() < 0.7:
        gain = random.uniform(0.8, 1.2) * random.uniform(0.92, 1.08, 3)
        pixels = np.clip(pixels ** random.uniform(0.8, 1.25) * gain, 0, 1)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32), labels


def crop(
    random: Generator, image: NDArray[np.float32], labels: NDArray[np.uint8], size: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A window of the padded picture, seven times in ten around a point of the disc."""
    padded = np.pad(image, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)), mode="edge")
    inner = labels[BORDER:-BORDER, BORDER:-BORDER]
    out = size - 2 * MARGIN
    last = inner.shape[0] - out
    top, left = random.integers(0, last + 1, 2)
    rows, columns = np.nonzero((inner == 1) | (inner == 2))
    if len(rows) and random.random() < 0.7:
        index = random.integers(len(rows))
        top = np.clip(rows[index] - random.integers(out), 0, last)
        left = np.clip(columns[index] - random.integers(out), 0, last)
    return padded[:, top : top + size, left : left + size], inner[top : top + out, left : left + out]


def segmentation_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice over the foreground classes."""
    classes = logits.shape[1]
    cross_entropy = F.cross_entropy(logits, labels)
    probability = logits.softmax(1)[:, 1:]
    target = F.one_hot(labels, classes).movedim(-1, 1)[:, 1:].float()
    overlap = (probability * target).sum((2, 3))
    total = (probability + target).sum((2, 3))
    # one that is absent, or a sliver at the edge, weighs less than one in full view
    dice = 1 - (2 * overlap + 100) / (total + 100)
    return cross_entropy + dice.mean()


def read_weights(model: UNet, path: Path) -> None:
    """Copies the weights of an exported model; a head with other classes stays as it is."""
    stored = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load(path).graph.initializer
    }
    own = model.state_dict()
    for name, value in own.items():
        if stored[name].shape == value.shape:
            own[name] = stored[name]
        else:
            print(f"{name}: {tuple(stored[name].shape)} in {path.name}, keeps its random start")
    model.load_state_dict(own)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 50 steps, then half a cosine down to a fiftieth of the peak."""
    if step < 50:
        return peak * (step + 1) / 50
    share = (step - 50) / max(1, steps - 50)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=Path, required=True, help="folder of painted pictures")
    parser.add_argument("--variation", choices=VARIATIONS, default="moderate")
    parser.add_argument("--pool-seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=1600, help="pictures to train on")
    parser.add_argument("--classes", type=int, choices=(2, 4), default=2)
    parser.add_argument("--init", type=Path, help="exported model to start from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crop-steps", type=int, default=1500, help="steps on six windows of 316")
    parser.add_argument("--crop-rate", type=float, default=2e-3, help="highest learning rate there")
    parser.add_argument("--steps", type=int, default=1200, help="steps on two whole pictures")
    parser.add_argument("--rate", type=float, default=5e-4, help="highest learning rate there")
    parser.add_argument("--robust", action="store_true", help="train on PGD pictures")
    parser.add_argument("--epsilon", type=float, default=4, help="largest Linf radius, of 255")
    parser.add_argument("--epsilon-l2", type=float, default=8, help="largest L2 radius")
    parser.add_argument("--attack-steps", type=int, default=3)
    parser.add_argument("--output", type=Path, required=True, help="weights to write (.pt)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    random = np.random.default_rng(options.seed)
    generator = torch.Generator().manual_seed(options.seed)

    images, labels = pool(
        options.pool, options.variation, options.pool_seed, options.pictures, options.classes
    )
    model = UNet(options.classes, normalise=options.init is None)
    if options.init:
        read_weights(model, options.init)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters())
    crop_steps = 0 if options.robust else options.crop_steps
    steps = crop_steps + options.steps

    order: list[int] = []

    def draw() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        nonlocal order
        if not order:
            order = list(random.permutation(len(images)))
        index = order.pop()
        return augment(random, images[index], labels[index])

    started, recent = time.monotonic(), []
    for step in range(steps):
        windows = step < crop_steps
        if step == crop_steps:
            model.fold()
            optimizer = torch.optim.Adam(model.parameters())
        for group in optimizer.param_groups:
            if windows:
                group["lr"] = learning_rate(step, crop_steps, options.crop_rate)
            else:
                group["lr"] = learning_rate(step - crop_steps, options.steps, options.rate)
        batch = [draw() for _ in range(6 if windows else 2)]
        if windows:
            batch = [crop(random, *pair, 316) for pair in batch]
        picture = torch.from_numpy(np.stack([image for image, _ in batch]))
        picture = picture.contiguous(memory_format=torch.channels_last)
        target = torch.from_numpy(np.stack([label for _, label in batch])).long()
        if not windows:
            target = target[:, BORDER:-BORDER, BORDER:-BORDER]

        def forward(x: Tensor) -> Tensor:
            return model(x) if windows else forward_picture(model, x)

        if options.robust:  # the second picture of each pair is attacked, the first stays clean
            norm = ("linf", "l2")[step % 2]
            largest = options.epsilon / 255 if norm == "linf" else options.epsilon_l2
            epsilon = float(random.uniform(0.25, 1) * largest)
            attacked = pgd(
                forward, picture[1:], target[1:], norm, epsilon, options.attack_steps, generator
            )
            picture = torch.cat([picture[:1], attacked])
        loss = segmentation_loss(forward(picture), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        recent.append(loss.item())
        if (step + 1) % 100 == 0 or step + 1 == steps:
            minutes = (time.monotonic() - started) / 60
            print(f"step {step + 1}/{steps}  loss {np.mean(recent):.4f}  {minutes:.1f} min", flush=True)
            recent = []
    torch.save({"classes": options.classes, "weights": model.state_dict()}, options.output)


if __name__ == "__main__":
    main()
