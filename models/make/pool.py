"""Synthetic pictures kept on disk, so that training does not wait for the painter.

    python pool.py DIRECTORY --seed 1 --count 1600

Pictures are stored in blocks of 100; a block that is there is not painted again.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthetic_fundus import SIZE, VARIATIONS, generate

BLOCK = 100


def block(
    directory: Path, variation: str, seed: int, number: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures (100, SIZE, SIZE, 3) and labels (100, 2, SIZE, SIZE): with 2 and with 4 classes."""
    path = directory / f"{variation}-{seed}-{number}.npz"
    if not path.exists():
        images = np.empty((BLOCK, SIZE, SIZE, 3), np.uint8)
        labels = np.empty((BLOCK, 2, SIZE, SIZE), np.uint8)
        for index in range(BLOCK):
            sample = generate(seed, number * BLOCK + index, variation)
            images[index] = sample.image
            labels[index] = sample.labels(2), sample.labels(4)
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, images=images, labels=labels)
        partial.rename(path)
    with np.load(path) as stored:
        return stored["images"], stored["labels"]


def pool(
    directory: Path, variation: str, seed: int, count: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first `count` pictures of a seed and their labels, (N, SIZE, SIZE, 3) and (N, SIZE, SIZE)."""
    blocks = [block(directory, variation, seed, number) for number in range(-(-count // BLOCK))]
    images = np.concatenate([images for images, _ in blocks])[:count]
    labels = np.concatenate([labels[:, int(classes == 4)] for _, labels in blocks])[:count]
    return images, labels.astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Paint synthetic pictures ahead of training.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--variation", choices=VARIATIONS, default="moderate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1600)
    options = parser.parse_args()
    for number in range(-(-options.count // BLOCK)):
        block(options.directory, options.variation, options.seed, number)
        print(f"{options.variation}, seed {options.seed}: block {number} is there", flush=True)


if __name__ == "__main__":
    main()
