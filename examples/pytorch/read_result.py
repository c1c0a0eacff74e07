"""Reads what `onnx-asma attack … -o RESULT` wrote, and works its figures out again from the files.

    pip install numpy pillow
    python read_result.py RESULT
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(sys.argv[1])
result = json.loads((folder / "result.json").read_text())


def pixels(name: str) -> np.ndarray:
    """A picture as floats in [0, 1]."""
    return np.asarray(Image.open(folder / name), np.float64) / 255


def labels(name: str) -> np.ndarray:
    """A label map: the grey value is the class."""
    return np.asarray(Image.open(folder / name), np.int64)


change = pixels(result["savedFile"]) - pixels(result["image"]["decoded"])
print(f"largest change  {abs(change).max() * 255:.0f} of 255 levels")
print(f"L2              {np.linalg.norm(change):.6f}   result.json: {result['saved']['l2']:.6f}")
print(f"L∞              {abs(change).max():.6f}   result.json: {result['saved']['linf']:.6f}")

before, after, target = (labels(file["file"]) for file in (*(result["labels"][key] for key in ("before", "after")), result["target"]))
for entry in result["classes"]:
    drawn, wanted = after == entry["class"], target == entry["class"]
    union = (drawn | wanted).sum()
    iou = (drawn & wanted).sum() / union if union else None
    print(f"{entry['name']:<12}    {(before == entry['class']).sum()} → {drawn.sum()} pixels, IoU {iou}   result.json: {entry['iouAfter']}")
print("reached" if result["reached"] else "not reached")
