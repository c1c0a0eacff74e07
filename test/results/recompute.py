#!/usr/bin/env python3
"""Recomputes every figure of a result from its files alone, without any code of the attack.

    python recompute.py RESULTS --model MODEL [--image IMAGE] [--target FILE] [--region FILE] …

RESULTS is the folder that an attack wrote, or the zip of the page. Needs numpy, Pillow, pypng, tifffile and
onnxruntime. Every number and hash in result.json is worked out again from original, adversarial, label maps,
trajectory.csv and the model; a number that is neither checked nor listed below as an input is an error.

Figures may differ by 1e-6 · max(1, |figure|). Exit code 1 where one differs by more.
"""

import argparse
import csv
import hashlib
import json
import math
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
import png
from PIL import Image, ImageOps

TOLERANCE = 1e-6

# What an attack was told or how long it took: nothing to work out. `model` says how the model is to be read;
# predictions that equal the label maps show that it is right.
INPUTS = [
    r"schemaVersion",
    r"host\.threads",
    r"seconds\.",
    r"options\.",
    r"attack\.options\.",
    r"target\.request\.",
    r"model\.(opset|adaptations|input|output|grid|preprocessing|decisions|feeds\.[^.]+$|feeds\..*\.dims)",
    r"passes\.(forwards|backwards)",
    r"image\.pages",
]


class Check:
    """What was compared, by family of figures."""

    def __init__(self, record):
        self.record = record
        self.seen = set()
        self.families = {}
        self.faults = []
        self.notes = []

    def figure(self, path, found):
        """A number, boolean or text at a path such as 'saved.iou'."""
        recorded = self.at(path)
        self.seen.add(path)
        same_kind = isinstance(found, (int, float, np.number)) and not isinstance(found, bool)
        if same_kind and isinstance(recorded, (int, float)) and not isinstance(recorded, bool):
            difference = abs(float(found) - recorded)
            limit = TOLERANCE * max(1.0, abs(recorded))
        else:
            difference, limit = (0.0 if found == recorded else math.inf), 0.0
        family = re.sub(r"\.\d+(?=\.|$)", "[]", path)
        count, worst = self.families.get(family, (0, 0.0))
        self.families[family] = (count + 1, max(worst, difference))
        if not difference <= limit:
            self.faults.append(f"{path}: recorded {recorded!r}, recomputed {found!r}")

    def claim(self, name, holds, found=""):
        """Something that has to hold and is no field."""
        count, worst = self.families.get(name, (0, 0.0))
        self.families[name] = (count + 1, max(worst, 0.0 if holds else math.inf))
        if not holds:
            self.faults.append(f"{name}: {found}")

    def object(self, path, found):
        """All fields of an object or list."""
        if isinstance(found, dict):
            recorded = self.at(path)
            if not isinstance(recorded, dict):
                self.faults.append(f"{path}: recorded {recorded!r}, recomputed {found!r}")
                return
            for key, value in found.items():
                self.object(f"{path}.{key}", value)
        elif isinstance(found, (list, tuple)):
            self.claim(f"length of {path}", len(self.at(path)) == len(found), len(found))
            for i, value in enumerate(found):
                self.object(f"{path}.{i}", value)
        else:
            self.figure(path, found)

    def at(self, path):
        value = self.record
        for key in path.split("."):
            if isinstance(value, list):
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                return None
        return value

    def unseen(self):
        """Numbers, booleans and hashes that nobody looked at."""
        def leaves(value, path):
            if isinstance(value, dict):
                for key, inner in value.items():
                    yield from leaves(inner, f"{path}.{key}" if path else key)
            elif isinstance(value, list):
                for i, inner in enumerate(value):
                    yield from leaves(inner, f"{path}.{i}")
            elif isinstance(value, (bool, int, float)) or path.lower().endswith("sha256"):
                yield path
        inputs = re.compile("|".join(f"(?:{pattern})" for pattern in INPUTS))
        return [p for p in leaves(self.record, "") if p not in self.seen and not inputs.match(p)]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 24):
            digest.update(chunk)
    return digest.hexdigest()


# Files -------------------------------------------------------------------------------------------------------


def read_png(path):
    """Samples of a grey or RGB PNG, [H, W] or [H, W, 3]; Pillow makes 8 bits of 16."""
    width, height, rows, info = png.Reader(filename=str(path)).read()
    values = np.vstack([np.asarray(row) for row in rows])
    dtype = np.uint16 if info["bitdepth"] == 16 else np.uint8
    planes = info["planes"]
    values = values.reshape(height, width, planes) if planes > 1 else values.reshape(height, width)
    return values.astype(dtype)


def read_image(path):
    """An image that was written with a result, float64 [1, C, …], and the dtype of its file."""
    if path.suffix == ".npy":
        stored = np.load(path)
        values = stored
    else:
        stored = read_png(path)
        planes = stored[..., None] if stored.ndim == 2 else stored
        values = np.moveaxis(planes, -1, 0)[None]
    return to_unit(values), stored.dtype


def to_unit(stored):
    """Values in [0, 1] as the model is given them: float32."""
    scale = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(stored.dtype, 1)
    return (stored.astype(np.float64) / scale).astype(np.float32).astype(np.float64)


def read_labels(folder, file):
    path = folder / file["file"]
    labels = (np.load(path) if path.suffix == ".npy" else read_png(path)).astype(np.int64)
    ignored = file.get("ignoredAs")
    return labels if ignored is None else np.where(labels == ignored, -1, labels)


def decode_source(path, kind, shape):
    """The user's own image, by Pillow, tifffile or numpy, as [1, C, …] in [0, 1]."""
    channels = shape[1]
    if kind == "npy":
        stored = np.load(path)
        if stored.dtype == bool:
            stored = stored.astype(np.float64)
    elif kind == "tiff":
        import tifffile

        stored = tifffile.imread(path, key=0)
    elif kind == "png":
        stored = read_png(path)
    else:
        with Image.open(path) as image:
            stored = np.asarray(ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB"))
    size = list(shape[2:])
    values = to_unit(stored)
    while values.ndim > len(shape) - 1:
        values = values[0]
    if values.ndim == len(size):
        values = values[None]
    elif list(values.shape[1:]) != size or values.shape[0] != channels:
        values = np.moveaxis(values, -1, 0)[:channels]
    return values[None]


# Metrics -----------------------------------------------------------------------------------------------------


def confusion(prediction, target, classes):
    counted = target >= 0
    index = target[counted] * classes + prediction[counted]
    return np.bincount(index, minlength=classes * classes).reshape(classes, classes)


def absent(matrix):
    return int(matrix[:, matrix.sum(1) == 0].sum())


def iou(matrix, definition, absent_before):
    hit = np.diag(matrix).astype(float)
    target, drawn = matrix.sum(1), matrix.sum(0)
    union = target + drawn - hit
    with np.errstate(invalid="ignore"):
        ratio = hit / union
    if definition == "foreground":
        return 1.0 if union[1] == 0 else float(ratio[1])
    if definition == "mean-target":
        return float(ratio[target > 0].mean())
    if definition == "mean-present":
        return float(ratio[union > 0].mean())
    if definition == "mean-all":
        return float((hit / (union + 1e-6)).mean())
    gone = absent(matrix)
    return float(gone == 0) if absent_before == 0 else max(0.0, 1 - gone / absent_before)


DEFINITIONS = ["foreground", "mean-target", "erased", "mean-present", "mean-all"]


def agreement(matrix, absent_before):
    total, right = int(matrix.sum()), int(np.trace(matrix))
    return {
        "iou": {
            name: None if name == "foreground" and len(matrix) != 2 else iou(matrix, name, absent_before)
            for name in DEFINITIONS
        },
        "pixelAccuracy": right / total,
        "wrongPixels": total - right,
    }


def holds(iou_value, accuracy, options):
    """Whether both thresholds hold, in float32 as graphs measure."""
    if not options["targeted"]:
        iou_value, accuracy = 1 - iou_value, 1 - accuracy
    return bool(
        np.float32(iou_value) >= np.float32(options["iouThreshold"])
        and np.float32(accuracy) >= np.float32(options["pixelAccuracyThreshold"])
    )


def verdict(record, image, original, matrix, absent_before):
    change = np.abs(image - original)
    total, right = int(matrix.sum()), int(np.trace(matrix))
    value = iou(matrix, record["iouDefinition"], absent_before)
    return {
        "iou": value,
        "pixelAccuracy": right / total,
        "wrongPixels": total - right if record["options"]["targeted"] else right,
        "l1": float(change.sum()),
        "l2": float(np.sqrt((change**2).sum())),
        "linf": float(change.max()),
        "l0": int((change > 0).sum()),
        "rms": float(np.sqrt((change**2).mean())),
        "reached": holds(value, right / total, record["options"]),
    }


def ssim(x, y):
    """Wang et al. 2004, equations 13 to 16: windows of 11 × 11 inside the image, Gaussian of σ = 1.5."""
    height, width = x.shape[-2:]
    if min(height, width) < 11:
        return None
    weights = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    planes = lambda v: v.reshape(-1, height, width)

    def blur(v):
        rows = sum(w * v[:, i : height - 10 + i] for i, w in enumerate(weights))
        return sum(w * rows[..., i : width - 10 + i] for i, w in enumerate(weights))

    x, y = planes(x), planes(y)
    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def visibility(image, original, levels):
    change = np.abs(image - original)
    rms = float(np.sqrt((change**2).mean()))
    changed = np.sort(change[change > 0])
    return {
        "psnr": None if rms == 0 else -20 * math.log10(rms),
        "ssim": ssim(image, original),
        "changedPixels": float((change[0] > 0).any(0).mean()),
        "levels": levels,
        "p99Levels": float(changed[math.ceil(0.99 * len(changed)) - 1]) * (levels - 1) if len(changed) else 0.0,
        "largestLevels": float(change.max()) * (levels - 1),
    }


# The model ---------------------------------------------------------------------------------------------------


def resampling_matrix(size, to, kind):
    """As Pillow's Image.resize weights pixels: wider when it shrinks, nothing beyond the border."""
    scale = size / to
    if kind == "nearest":
        places, place = [], scale / 2
        for _ in range(to):
            places.append(min(size - 1, int(place)))
            place += scale
        return np.eye(size)[places]
    support, weight = {
        "box": (0.5, lambda x: ((x > -0.5) & (x <= 0.5)).astype(float)),
        "bilinear": (1.0, lambda x: np.maximum(0, 1 - np.abs(x))),
        "hamming": (1.0, lambda x: (np.abs(x) < 1) * np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x))),
        "bicubic": (2.0, cubic),
        "lanczos": (3.0, lambda x: (np.abs(x) < 3) * np.sinc(x) * np.sinc(x / 3)),
    }[kind]
    stretch = max(1.0, scale)
    centres = (np.arange(to) + 0.5) * scale - 0.5
    distance = (np.arange(size)[None] - centres[:, None]) / stretch
    matrix = np.where(np.abs(distance) <= support + 1 / stretch, weight(distance), 0.0)
    return matrix / matrix.sum(1, keepdims=True)


def cubic(x, a=-0.5):
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def resize(values, axis, to, kind="bilinear"):
    if values.shape[axis] == to:
        return values
    matrix = resampling_matrix(values.shape[axis], to, kind)
    return np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)


def prepare(image, model):
    """From the user's pixels [1, C, …] in [0, 1] to the model's input, as `model.preprocessing` says."""
    p = model["preprocessing"]
    x, rank = image, len(p["resizedSize"])
    for i in reversed(range(rank)):
        resized = resize(x, i + 2, p["resizedSize"][i], p["resampling"])
        x = np.clip(resized, 0, 1) if resized is not x and p["resampling"] in ("bicubic", "lanczos") else resized
    before, after = p["padding"][:rank], p["padding"][rank:]

    def pad(v, mode):
        cut = tuple(slice(-min(b, 0), n + min(a, 0)) for b, a, n in zip(before, after, v.shape[2:]))
        v = v[(slice(None), slice(None), *cut)]
        widths = [(0, 0), (0, 0), *((max(b, 0), max(a, 0)) for b, a in zip(before, after))]
        return np.pad(v, widths, mode=mode)

    mode = p["paddingMode"]
    if mode != "zero":
        x = pad(x, mode)
    if p["channelOrder"] == "bgr":
        x = x[:, ::-1]
    low, high = p["range"]
    per_channel = lambda values, fallback: np.array(values or [fallback], float).reshape(1, -1, *[1] * rank)
    x = (low + x * (high - low) - per_channel(p["mean"], 0)) / per_channel(p["std"], 1)
    if mode == "zero":
        x = pad(x, "constant")
    layout = p["layout"]
    if layout.endswith("C"):
        x = np.moveaxis(x, 1, -1)
    if "C" not in layout:
        x = x[:, 0]
    x = np.repeat(x, p["batch"], 0) if "N" in layout else x[0]
    dtype = model["input"]["dtype"]
    if "int" in dtype:
        info = np.iinfo(dtype)
        return np.clip(np.rint(x), info.min, info.max).astype(dtype)
    return x.astype(dtype)


def with_outputs(path, names):
    """The model with inner values among its outputs: messages of protobuf merge when they are joined."""
    def field(number, payload):
        length, size = b"", len(payload)
        while True:
            length += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if size == 0:
                return bytes([number << 3 | 2]) + length + payload

    outputs = b"".join(field(12, field(1, name.encode())) for name in names)
    return path.read_bytes() + (field(7, outputs) if names else b"")


class Model:
    def __init__(self, path, record, feeds):
        self.about = record["model"]
        head = self.about["output"]
        self.wanted = [head["output"], *([head["queries"]["classes"]] if "queries" in head else [])]
        options = ort.SessionOptions()
        options.log_severity_level = 3
        folder = str(path.resolve().parent)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        open_session = lambda model: ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session = open_session(str(path))
        inner = [name for name in self.wanted if name not in [o.name for o in session.get_outputs()]]
        self.session = open_session(with_outputs(path, inner)) if inner else session
        self.feeds = feeds

    def predict(self, image):
        """Labels on the output grid, and by how much each pixel's label leads, as a share of the largest score."""
        inputs = {self.about["input"]["name"]: prepare(image, self.about)}
        for other in self.session.get_inputs():
            if other.name not in inputs:
                dims = [d if isinstance(d, int) else 1 for d in other.shape]
                kind = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
                dtype = kind.get(other.type, re.sub(r"tensor\((.*)\)", r"\1", other.type))
                feed = self.feeds.get(other.name, 0)
                inputs[other.name] = (np.full(dims, feed) if np.isscalar(feed) else feed).astype(dtype)
        return self.decode(*self.session.run(self.wanted, inputs))

    def decode(self, output, query_classes=None):
        head = self.about["output"]
        decoding, size = head["decoding"], head["outputSize"]
        pixels = int(np.prod(size))
        if query_classes is not None:
            logits = query_classes.reshape(-1, *query_classes.shape[-2:])[0].astype(float)
            shares = np.exp(logits - logits.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            masks = output.reshape(-1)[: head["queries"]["count"] * pixels].reshape(-1, pixels).astype(float)
            planes = shares[:, head["queries"]["kept"]].T @ (1 / (1 + np.exp(-masks)))
        else:
            channels = decoding["channels"]
            first = output.reshape(-1)[: channels * pixels].astype(float)
            planes = first.reshape(pixels, channels).T if decoding["layout"].endswith("C") else first.reshape(channels, pixels)
        planes = planes.reshape(-1, *size)
        if decoding["kind"] == "labels":
            values = decoding["values"]
            start = decoding["channel"]
            taken = planes[start : start + len(values[0])]
            same = [np.all([taken[e] == np.float32(v) for e, v in enumerate(entry)], 0) for entry in values]
            labels = np.argmax(same, 0)
            return regrid(labels[None].astype(float), head["steps"])[0].astype(int), np.ones(1)
        planes = regrid(planes, head["steps"])
        if decoding["kind"] == "threshold":
            plane = planes[decoding["channel"]]
            scale = np.abs(plane).max() or 1
            return (plane > decoding["border"]).astype(int), np.abs(plane - decoding["border"]) / scale
        top = np.sort(planes, 0)
        return planes.argmax(0), (top[-1] - top[-2]) / (np.abs(planes).max() or 1)


def regrid(planes, steps):
    for step in steps:
        for axis, to in enumerate(step["size"]):
            if step["kind"] == "resize":
                planes = resize(planes, axis + 1, to)
            else:
                planes = np.take(planes, range(step["begin"][axis], step["begin"][axis] + to), axis + 1)
    return planes


# Everything --------------------------------------------------------------------------------------------------


def check_files(check, record, folder, given):
    """Hashes of what was written, and of what the attack was given where it is given here too."""
    written = {path.name for path in folder.iterdir()} - {"result.json"}
    named = {file["file"] for file in record["files"]}
    check.claim("files are those in the folder", written >= named, f"missing: {named - written}")
    for i, file in enumerate(record["files"]):
        check.figure(f"files.{i}.sha256", sha256(folder / file["file"]))
    check.figure("model.sha256", sha256(given.model))
    for i, file in enumerate(record["model"]["externalData"]):
        check.figure(f"model.externalData.{i}.sha256", sha256(given.model.parent / file["file"]))
    for i, file in enumerate(record["model"]["trainingGraph"] or []):
        if given.training_graph:
            path = given.training_graph if i == 0 else given.training_graph.parent / file["file"]
            check.figure(f"model.trainingGraph.{i}.sha256", sha256(path))
    sources = {
        "image.sha256": given.image,
        "target.from.sha256": given.target,
        "region.from.sha256": given.region,
        "model.preprocessor.sha256": given.preprocessor,
    }
    for path, file in sources.items():
        if check.at(path) is not None and file is not None:
            check.figure(path, sha256(file))
    for name, value in record["model"]["feeds"].items():
        if isinstance(value, dict) and name in given.feeds:
            little = np.ascontiguousarray(given.feeds[name], "<f8").tobytes()
            check.figure(f"model.feeds.{name}.sha256", hashlib.sha256(little).hexdigest())


def check_image(check, record, folder, original, stored, given):
    dtype = {np.dtype(np.uint8): (8, 256), np.dtype(np.uint16): (16, 65536)}
    bits, levels = dtype.get(stored, (32, "float"))
    check.object("image.dims", list(original.shape))
    check.figure("image.bitDepth", bits)
    check.figure("image.levels", levels)
    if given.image is not None and record["image"]["format"] != "pixels":
        other = decode_source(given.image, record["image"]["format"], original.shape)
        worst = float(np.abs(other - original).max())
        check.claim("pixels as Pillow, tifffile or numpy decode them", worst <= 1e-6, f"differ by {worst * 255:.1f}/255")


def check_trajectory(check, record, folder):
    with open(folder / "trajectory.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    number = lambda text: float(text) if text != "" else None
    check.figure("steps", len(rows) - 1)
    best = next(row for row in rows if int(row["step"]) == record["best"]["step"])
    names = {"pixelAccuracy": "pixel_accuracy", "wrongPixels": "wrong_pixels", "gradientL2": "gradient_l2"}
    for key in record["best"]:
        if key == "logs":
            check.object("best.logs", {name: number(best[name]) for name in record["best"]["logs"]})
        else:
            check.figure(f"best.{key}", number(best[names.get(key, key)]))
    judged = [row for row in rows if row["judged_iou"] != ""]
    check.object(
        "judged",
        [
            {
                "step": int(row["step"]),
                "iou": number(row["judged_iou"]),
                "pixelAccuracy": number(row["judged_pixel_accuracy"]),
                "wrongPixels": number(row["judged_wrong_pixels"]),
                "reached": holds(
                    number(row["judged_iou"]), number(row["judged_pixel_accuracy"]), record["options"]
                ),
            }
            for row in judged
        ],
    )
    check.figure("passes.judgements", len(judged))


def check_agreement(check, record, labels, target):
    names = record["model"]["classes"]
    classes = len(names)
    before, after = (confusion(labels[key], target, classes) for key in ("before", "after"))
    absent_before, absent_after = absent(before), absent(after)
    check.object("agreement.before", agreement(before, absent_before))
    check.object("agreement.after", agreement(after, absent_before))
    share = max(0.0, 1 - absent_after / absent_before) if absent_before else None
    erased = {"pixelsBefore": absent_before, "pixelsAfter": absent_after, "share": share}
    check.object("erased", erased if absent_before else None)

    def iou_of(matrix, c):
        union = matrix[c].sum() + matrix[:, c].sum() - matrix[c, c]
        return None if union == 0 else float(matrix[c, c] / union)

    rows = [
        {
            "class": c,
            "name": name,
            "pixelsBefore": int(before[:, c].sum()),
            "pixelsTarget": int(before[c].sum()),
            "pixelsAfter": int(after[:, c].sum()),
            "iouBefore": iou_of(before, c),
            "iouAfter": iou_of(after, c),
        }
        for c, name in enumerate(names)
    ]
    check.object("classes", rows)
    present = [row for row in rows if row["iouAfter"] is not None]
    check.object("worstClass", min(present, key=lambda row: row["iouAfter"]) if present else None)
    return after, confusion(labels["float"], target, classes), absent_before


def check_target(check, record, target):
    classes = len(record["model"]["classes"])
    check.object("target.dims", list(target.shape))
    check.object("target.pixelsPerClass", [int((target == c).sum()) for c in range(classes)])
    check.figure("target.ignoredPixels", int((target < 0).sum()))
    check.figure("target.labelsSha256", hashlib.sha256(target.astype("<i4").tobytes()).hexdigest())
    for path in ("target", "labels.before", "labels.after", "labels.float"):
        if check.at(f"{path}.ignoredAs") is not None:
            value = check.at(f"{path}.ignoredAs")
            check.figure(f"{path}.ignoredAs", value if value < 0 or value >= classes else "no class")


def check_budget(check, record):
    budget = record["budget"]
    check.claim("budget is there where epsilon is", (budget is None) == ("epsilon" not in record["attack"]["options"]))
    if budget is None:
        return True
    epsilon, levels = record["attack"]["options"]["epsilon"], record["options"]["levels"]
    if budget["norm"] == "linf" and levels != "float":
        epsilon = math.floor(epsilon * (levels - 1) + 0.005) / (levels - 1)
    check.figure("budget.epsilon", epsilon)
    return record["saved"][budget["norm"]] <= budget["epsilon"] * (1 + 1e-4)


def check_pictures(check, record, saved, saved_as, original, labels):
    pictures = record.get("pictures")
    if pictures is None:
        return
    change = saved - original
    if "slice" in pictures:
        depth = labels["before"].shape[0]
        moved = (labels["before"] != labels["after"]).reshape(depth, -1).sum(1)
        index = int(moved.argmax()) if moved.any() else depth // 2
        place = record["model"]["grid"]["placement"]
        of = original.shape[2]
        at = math.floor(place.get("front", 0) + (index + 0.5) * place.get("depth", of) / depth)
        at = min(of - 1, max(0, at))
        because = "most pixels changed their label here" if moved.any() else "the middle, as no label changed"
        check.object("pictures.slice", {"index": index, "imageIndex": at, "of": of, "because": because})
        change = change[:, :, at]
    # In levels of the file, which float32 holds up to rounding; of floats in units of [0, 1].
    levels = record["visibility"]["levels"]
    white = levels - 1 if saved_as != np.float32 else 1
    moves = np.abs(change[0]).max(0).ravel() * white
    if white > 1:
        whole = np.rint(moves)
        moves = np.where(np.abs(moves - whole) < 0.01, whole, moves)
    moves = np.sort(moves[moves > 0])
    p99 = moves[math.ceil(0.99 * len(moves)) - 1] if len(moves) else 0
    check.figure("pictures.perturbationFactor", float(white / p99) if p99 else 1)
    check.figure("pictures.clippedPixels", float((moves > p99).mean()) if len(moves) else 0)


def recompute(folder, given):
    record = json.loads((folder / "result.json").read_text())
    check = Check(record)
    original, stored = read_image(folder / record["image"]["decoded"])
    saved, saved_as = read_image(folder / record["savedFile"])
    floats, _ = read_image(folder / "adversarial.npy")
    target = read_labels(folder, record["target"])
    labels = {key: read_labels(folder, record["labels"][key]) for key in ("before", "after", "float")}
    check_files(check, record, folder, given)
    check_image(check, record, folder, original, stored, given)
    check_trajectory(check, record, folder)
    check_target(check, record, target)
    after, float_matrix, absent_before = check_agreement(check, record, labels, target)
    check.object("saved", verdict(record, saved, original, after, absent_before))
    check.object("float", verdict(record, floats, original, float_matrix, absent_before))
    levels = {np.dtype(np.uint8): 256, np.dtype(np.uint16): 65536}.get(saved_as, 256)
    check.object("visibility", visibility(saved, original, levels))
    within = check_budget(check, record)
    check.figure("reached", record["saved"]["reached"] and within)
    check_pictures(check, record, saved, saved_as, original, labels)
    if "region" in record:
        region = read_labels(folder, record["region"])
        check.figure("region.pixels", int(region.sum()))
        outside = np.abs(saved - original)[0, :, region == 0]
        check.claim("nothing changed outside the region", outside.size == 0 or outside.max() == 0)
    check_predictions(check, record, given, labels, {"before": original, "after": saved, "float": floats})
    for path in check.unseen():
        if path.lower().endswith("sha256"):
            check.notes.append(f"{path}: not compared, its file was not named")
        else:
            check.faults.append(f"{path}: not examined; nothing here works it out")
    return check


def check_predictions(check, record, given, labels, images):
    substitute = [d for d in record["model"]["decisions"] if d["what"] == "verdict"]
    if substitute:
        check.notes.append(f"The model was not run: {substitute[0]['is']}, {substitute[0]['because']}.")
        return
    model = Model(given.model, record, given.feeds)
    for key, image in images.items():
        predicted, lead = model.predict(image)
        wrong = predicted != labels[key]
        # Where two classes are equally high but for the rounding of float32, either is right.
        decided = wrong & (np.broadcast_to(lead, wrong.shape) > 1e-5)
        if wrong.any():
            check.notes.append(f"labels {key}: {int(wrong.sum())} of {wrong.size} pixels differ, {int(decided.sum())} of them clearly.")
        check.claim(f"labels {key} are what the model draws", not decided.any(), f"{int(decided.sum())} pixels differ")


def feed(text):
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        return name, np.load(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    for name in ("image", "target", "region", "preprocessor", "training-graph"):
        parser.add_argument(f"--{name}", type=Path, help=f"the {name} that the attack was given, for its hash")
    parser.add_argument("--feed", type=feed, action="append", default=[], help="NAME=NUMBER or NAME=FILE.npy")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    given = parser.parse_args()
    given.feeds = dict(given.feed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.results
        if folder.suffix == ".zip":
            zipfile.ZipFile(folder).extractall(temporary)
            folder = Path(temporary)
        check = recompute(folder, given)
    if given.json:
        finite = {name: (count, min(worst, 1e300)) for name, (count, worst) in check.families.items()}
        print(json.dumps({"families": finite, "faults": check.faults, "notes": check.notes}))
    else:
        width = max(map(len, check.families))
        for family, (count, worst) in check.families.items():
            print(f"{family:<{width}}  {count:>4}  {worst:.1e}")
        print("\n".join([*check.notes, *(f"WRONG {fault}" for fault in check.faults)]))
        print(f"{sum(count for count, _ in check.families.values())} figures, {len(check.faults)} wrong")
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
