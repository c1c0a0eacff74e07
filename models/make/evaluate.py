"""Measures an exported model on synthetic pictures it never saw, and on photographs.

    python evaluate.py ../optic-disc.onnx --seed 1000 --count 200
    python evaluate.py ../optic-disc.onnx --count 0 --photograph ../retina.jpg --overlay overlay.png
    python evaluate.py ../optic-disc.onnx --count 0 --photograph image.png --box 10 70 418 478 \\
        --mask mask.png --mask-box 20 70 408 458

Everything runs in ONNX Runtime on the file as it is shipped.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from synthetic_fundus import SIZE, VARIATIONS, generate

OUT = 388
BORDER = (SIZE - OUT) // 2

COLOURS = np.array([[0, 0, 0], [0, 200, 255], [255, 255, 0], [0, 255, 0]], np.float32)


class Model:
    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        meaning = json.loads(self.session.get_modelmeta().custom_metadata_map["onnx-asma"])
        self.classes: list[str] = meaning["classes"]
        self.padding: int = meaning["padding"]["pixels"]

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Classes of the centre 388x388 of a 408x408 picture."""
        pixels = image.astype(np.float32).transpose(2, 0, 1) / 255
        sides = (self.padding, self.padding)
        padded = np.pad(pixels, ((0, 0), sides, sides), mode="edge")[None]
        return self.session.run(["logits"], {"image": padded})[0][0].argmax(0)


def evaluate(model: Model, variation: str, seed: int, count: int) -> None:
    """Prints the IoU of each class over pictures with the class in label or prediction."""
    classes = len(model.classes)
    scores: list[list[float]] = [[] for _ in range(classes)]
    inter, union = np.zeros(classes), np.zeros(classes)
    for index in range(count):
        sample = generate(seed, index, variation)
        target = sample.labels(classes)[BORDER:-BORDER, BORDER:-BORDER]
        predicted = model.predict(sample.image)
        for c in range(classes):
            both = np.sum((target == c) & (predicted == c))
            either = np.sum((target == c) | (predicted == c))
            inter[c] += both
            union[c] += either
            if either:
                scores[c].append(both / either)
    print(f"{count} synthetic pictures of seed {seed}, {variation} variation")
    print("class        mean IoU  median  10th percentile  IoU of all pixels  pictures with it")
    for name, values, pooled in zip(model.classes, scores, inter / union):
        mean, median, tenth = np.mean(values), np.median(values), np.percentile(values, 10)
        print(f"{name:12} {mean:8.4f}  {median:6.4f}  {tenth:15.4f}  {pooled:17.4f}  {len(values):16}")


def describe(model: Model, photograph: Image.Image, mask: Image.Image | None, overlay: Path | None) -> None:
    """Prints area, centre and box of each class on a photograph, and the IoU with a mask of the disc."""
    image = np.asarray(photograph.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    predicted = model.predict(image)
    for c, name in enumerate(model.classes):
        rows, columns = np.nonzero(predicted == c)
        if c == 0:
            continue
        if not len(rows):
            print(f"{name}: nothing")
            continue
        regions, parts = ndimage.label(predicted == c)
        largest = np.bincount(regions.ravel())[1:].max() / len(rows)
        print(
            f"{name}: {len(rows)} of {OUT * OUT} pixels in {parts} parts (largest {largest:.1%}), "
            f"centre x {columns.mean() + BORDER:.1f} y {rows.mean() + BORDER:.1f}, "
            f"x {columns.min() + BORDER} to {columns.max() + BORDER}, "
            f"y {rows.min() + BORDER} to {rows.max() + BORDER} in the {SIZE}x{SIZE} picture"
        )
    if mask is not None:
        target = np.asarray(mask.convert("L").resize((OUT, OUT), Image.Resampling.NEAREST)) > 20
        disc = predicted > 0 if len(model.classes) == 2 else np.isin(predicted, (1, 2))
        print(f"IoU with the mask of the disc: {np.sum(target & disc) / np.sum(target | disc):.4f}")
    if overlay:
        draw_overlay(image, predicted).save(overlay, optimize=True)


def draw_overlay(image: NDArray[np.uint8], predicted: NDArray[np.int64]) -> Image.Image:
    """The picture with each class tinted and outlined."""
    painted = image.astype(np.float32)
    whole = np.zeros((SIZE, SIZE), np.int64)
    whole[BORDER:-BORDER, BORDER:-BORDER] = predicted
    for c in range(1, whole.max() + 1):
        region = whole == c
        outline = region & ~ndimage.binary_erosion(region)
        painted[region] = 0.75 * painted[region] + 0.25 * COLOURS[c]
        painted[outline] = COLOURS[c]
    return Image.fromarray(painted.astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--variation", choices=VARIATIONS, default="moderate")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--count", type=int, default=200, help="synthetic pictures, 0 for none")
    parser.add_argument("--photograph", type=Path)
    parser.add_argument("--box", type=int, nargs=4, help="left upper right lower of the photograph")
    parser.add_argument("--mask", type=Path, help="grey picture, above 20 is disc")
    parser.add_argument("--mask-box", type=int, nargs=4, help="the 388x388 of the mask to compare")
    parser.add_argument("--overlay", type=Path, help="PNG to write")
    options = parser.parse_args()
    model = Model(options.model)
    if options.count:
        evaluate(model, options.variation, options.seed, options.count)
    if options.photograph:
        photograph = Image.open(options.photograph)
        photograph = photograph.crop(options.box) if options.box else photograph
        mask = Image.open(options.mask).crop(options.mask_box) if options.mask else None
        describe(model, photograph, mask, options.overlay)


if __name__ == "__main__":
    main()
