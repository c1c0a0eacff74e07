"""Writes pictures of the endless series of a seed as JPEG files.

    python pictures.py ../held-out --seed 9001 --count 20

Seeds of training and of the cards' figures are below 9000.
"""

import argparse
from pathlib import Path

from PIL import Image

from synthetic_fundus import VARIATIONS, generate


def main() -> None:
    parser = argparse.ArgumentParser(description="Write synthetic pictures.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--variation", choices=VARIATIONS, default="moderate")
    parser.add_argument("--seed", type=int, default=9001)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    for index in range(options.count):
        picture = Image.fromarray(generate(options.seed, index, options.variation).image)
        picture.save(options.directory / f"{index:02}.jpg", quality=90)


if __name__ == "__main__":
    main()
