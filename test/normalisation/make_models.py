"""Small networks that find a disc, trained on images that were normalised in one way each, and a scene for them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).parent
SIZE = 64
NORMALISATIONS = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "unit": ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
}


def block(channels: int, filters: int, normalise: bool, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, filters, 3, stride, 1, bias=not normalise)
    return nn.Sequential(conv, *([nn.BatchNorm2d(filters)] if normalise else []), nn.ReLU())


class DiscFinder(nn.Module):
    """A U-Net of one level, with batch normalisation or without."""

    def __init__(self, normalise: bool, width: int = 10) -> None:
        super().__init__()
        self.fine = block(3, width, normalise)
        self.down = block(width, 2 * width, normalise, 2)
        self.coarse = block(2 * width, 2 * width, normalise)
        self.join = block(3 * width, width, normalise)
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        fine = self.fine(image)
        coarse = F.interpolate(self.coarse(self.down(fine)), scale_factor=2.0, mode="nearest")
        return self.head(self.join(torch.cat([fine, coarse], 1)))


def scenes(rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Blotched backgrounds with a reddish disc in each, values in [0, 1], and where it is."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    images, labels = [], []
    for _ in range(count):
        blotches = np.zeros((3, SIZE, SIZE), np.float32)
        for cells in (4, 8, 16, 32):
            noise = rng.normal(0, 0.42 / cells**0.5, (3, cells, cells))
            blotches += noise.repeat(SIZE // cells, 1).repeat(SIZE // cells, 2)
        grey = blotches.mean(0, keepdims=True)
        image = 0.45 + 0.2 * (grey + 0.4 * (blotches - grey)) + rng.normal(0, 0.02, blotches.shape)
        y, x, radius = *rng.uniform(16, 48, 2), rng.uniform(7, 15)
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        colour = np.array([0.85, 0.35, 0.3])[:, None] * rng.uniform(0.8, 1.1)
        image[:, disc] = 0.3 * image[:, disc] + 0.7 * colour
        images.append(image.clip(0, 1))
        labels.append(disc.astype(np.int64))
    return torch.tensor(np.stack(images), dtype=torch.float32), torch.tensor(np.stack(labels))


def train(normalisation: str, normalise: bool, steps: int = 200) -> DiscFinder:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in NORMALISATIONS[normalisation])
    network = DiscFinder(normalise)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        images, labels = scenes(rng, 8)
        loss = F.cross_entropy(network((images - mean) / std), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def export(network: DiscFinder, name: str, **options: object) -> None:
    image = torch.zeros(1, 3, SIZE, SIZE)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (image,), FOLDER / f"{name}.onnx", **names, **options)


def main() -> None:
    torch.set_num_threads(1)
    image = scenes(np.random.default_rng(99), 1)[0][0].permute(1, 2, 0).numpy()
    Image.fromarray((image * 255).round().astype(np.uint8)).save(FOLDER / "scene.png")
    for normalisation in NORMALISATIONS:
        network = train(normalisation, normalise=True)
        # Both exporters fold batch normalisation into the convolution before it.
        export(network, f"{normalisation}-legacy", dynamo=False, opset_version=17)
        export(network, f"{normalisation}-dynamo", dynamo=True, external_data=False)
        export(
            network,
            f"{normalisation}-unfolded",
            dynamo=False,
            opset_version=17,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    export(train("imagenet", normalise=False), "imagenet-plain", dynamo=False, opset_version=17)


if __name__ == "__main__":
    main()
