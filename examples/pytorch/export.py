"""Trains a small U-Net to find circles among squares, and exports it to ONNX as most projects do: the network alone.

The images are normalised by the statistics of ImageNet before they reach the network. The exported file does not say
so; whoever runs it has to: `--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225`.

    pip install torch onnx numpy pillow
    python export.py        # a minute on two cores; writes circles.onnx, config.json and scene.png
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

here = Path(__file__).parent
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
names = ["background", "circle"]
size = 96


def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture [H, W, 3] of 8 bits with circles and squares on a noisy ground, and its labels [H, W]."""
    y, x = np.mgrid[:size, :size]
    picture = rng.uniform(60, 150, 3) + rng.normal(0, 12, (size, size, 1)) + rng.uniform(-0.3, 0.3) * (x - size / 2)[..., None]
    labels = np.zeros((size, size), np.int64)
    for _ in range(rng.integers(1, 4)):
        cy, cx, r = rng.uniform(15, size - 15, 2).tolist() + [rng.uniform(8, 18)]
        is_circle = rng.random() < 0.6
        inside = (y - cy) ** 2 + (x - cx) ** 2 < r**2 if is_circle else (abs(y - cy) < r * 0.9) & (abs(x - cx) < r * 0.9)
        picture = np.where(inside[..., None], rng.uniform(90, 240, 3) + rng.normal(0, 8, (size, size, 1)), picture)
        labels[inside] = int(is_circle)
    return picture.clip(0, 255).round().astype(np.uint8), labels


def block(inputs: int, outputs: int) -> nn.Sequential:
    layers = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.up = nn.ModuleList([block(6 * width, 2 * width), block(3 * width, width)])
        self.head = nn.Conv2d(width, len(names), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.down[0](x)
        b = self.down[1](nn.functional.max_pool2d(a, 2))
        c = self.down[2](nn.functional.max_pool2d(b, 2))
        b = self.up[0](torch.cat([nn.functional.interpolate(c, scale_factor=2.0), b], 1))
        a = self.up[1](torch.cat([nn.functional.interpolate(b, scale_factor=2.0), a], 1))
        return self.head(a)


def normalised(pictures: list[np.ndarray]) -> torch.Tensor:
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def train(steps: int = 300, batch: int = 8) -> UNet:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net = UNet()
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, steps)
    for step in range(steps):
        pictures, labels = zip(*(scene(rng) for _ in range(batch)))
        loss = nn.functional.cross_entropy(net(normalised(list(pictures))), torch.from_numpy(np.stack(labels)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {loss.item():.4f}", flush=True)
    return net.eval()


if __name__ == "__main__":
    net = train()
    rng = np.random.default_rng(1)
    picture, labels = next(s for s in iter(lambda: scene(rng), None) if 600 < s[1].sum() < 1500)
    with torch.no_grad():
        drawn = net(normalised([picture])).argmax(1)[0].numpy()
    print(f"IoU of the circle on scene.png: {(drawn & labels).sum() / (drawn | labels).sum():.3f}")
    Image.fromarray(picture).save(here / "scene.png")
    example = normalised([picture])
    # The older exporter, which needs no further package; `dynamo=True` is taken as well.
    torch.onnx.export(net, (example,), here / "circles.onnx", input_names=["image"], output_names=["logits"], opset_version=18, dynamo=False)
    # The names of the classes, where onnx-asma looks for them.
    (here / "config.json").write_text(json.dumps({"id2label": dict(enumerate(names))}, indent=2) + "\n")
