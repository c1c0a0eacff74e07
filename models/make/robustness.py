"""Measures how much of the disc's IoU is left under untargeted PGD, side by side for some models.

    python robustness.py ../optic-disc.onnx ../optic-disc-robust.onnx --seed 1000 --count 40

The weights are read from the exported files; PyTorch computes the gradients. The
attack perturbs the 408x408 picture, the padding follows it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pgd import pgd
from synthetic_fundus import generate
from train import BORDER, forward_picture, read_weights
from unet import UNet

ATTACKS = (
    ("clean", "linf", 0.0),
    ("Linf 1/255", "linf", 1 / 255),
    ("Linf 2/255", "linf", 2 / 255),
    ("Linf 4/255", "linf", 4 / 255),
    ("L2 4", "l2", 4.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+", help="exported 2-class models")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--attack-steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)

    # a picture without a disc has no IoU to lose: take the first ones that show it whole
    samples, index = [], 0
    while len(samples) < options.count:
        sample = generate(options.seed, index)
        if sample.disc[BORDER:-BORDER, BORDER:-BORDER].sum() > 500:
            samples.append(sample)
        index += 1
    print(f"{options.count} of the first {index} pictures of seed {options.seed} (disc of over 500 pixels)")
    print(f"mean IoU of the disc, PGD with {options.attack_steps} steps")
    for path in options.models:
        model = UNet(2)
        read_weights(model, path)
        model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)

        def forward(picture: Tensor) -> Tensor:
            return forward_picture(model, picture)

        print(path.name)
        for name, norm, epsilon in ATTACKS:
            generator = torch.Generator().manual_seed(options.seed)
            scores = []
            for sample in samples:
                image = torch.from_numpy(sample.image.astype(np.float32).transpose(2, 0, 1) / 255)[None]
                target = torch.from_numpy(sample.labels(2)[BORDER:-BORDER, BORDER:-BORDER]).long()[None]
                if epsilon:
                    image = pgd(forward, image, target, norm, epsilon, options.attack_steps, generator)
                predicted = forward(image).argmax(1)
                both = ((predicted == 1) & (target == 1)).sum().item()
                either = ((predicted == 1) | (target == 1)).sum().item()
                scores.append(both / either)
            print(f"  {name:10}  {np.mean(scores):.4f}", flush=True)


if __name__ == "__main__":
    main()
