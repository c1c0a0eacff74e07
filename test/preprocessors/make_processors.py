"""Writes python.json: what transformers' own image processors make of three pictures; with --fast fast.json, of
those that stand on torchvision.

    pip install -r requirements.txt && python make_processors.py && python make_processors.py --fast

The pictures are a formula (`picture`), which processors.test.ts has too. Of each result the dims are kept, and the
values at positions that are spread evenly over it.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import numpy as np
import transformers
from PIL import Image

from configs import CONFIGS, FAST, FAST_REFUSED, REFUSED

SIZES = [(90, 150), (64, 64), (131, 70)]
SAMPLES = 150


def picture(height, width):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    waves = 128 + 90 * np.sin(x / 9 + c) * np.cos(y / 7 - c)
    edges = 60 * (((x // 11 + y // 13) % 2) - 0.5) + ((x * 31 + y * 17 + c * 57) % 23)
    return np.floor(np.clip(waves + edges, 0, 255)).astype(np.uint8)


def processor(config):
    name = (config.get("image_processor_type") or config["feature_extractor_type"]).replace("FeatureExtractor", "ImageProcessor")
    kind = getattr(transformers, name)
    if name == "OneFormerImageProcessor":
        module = __import__(kind.__module__, fromlist=["x"])
        module.load_metadata = lambda *_: {"0": {"name": "wall", "isthing": 0}}
        kind.__init__.__globals__["load_metadata"] = module.load_metadata
    return kind.from_dict(dict(config))


def fast(config):
    name = config.get("image_processor_type") or config["feature_extractor_type"]
    others = {k: v for k, v in config.items() if k != "feature_extractor_type"}
    return {**others, "image_processor_type": name.replace("FeatureExtractor", "ImageProcessor") + "Fast"}


def main():
    results = {}
    configs, refused, out = CONFIGS, REFUSED, "python.json"
    if "--fast" in sys.argv:
        names = [*FAST, *FAST_REFUSED]
        configs, refused, out = {n: fast(CONFIGS[n]) for n in names}, FAST_REFUSED, "fast.json"
    for name, config in configs.items():
        if name in refused:
            results[name] = {"config": config}
            continue
        try:
            found = []
            for height, width in SIZES:
                image = Image.fromarray(picture(height, width))
                values = np.asarray(processor(config)(image, return_tensors="pt")["pixel_values"])[0]
                flat = values.astype(np.float64).ravel()
                positions = np.linspace(0, flat.size - 1, SAMPLES).astype(int)
                found.append({"dims": list(values.shape), "values": [round(float(v), 5) for v in flat[positions]]})
            results[name] = {"config": config, "found": found}
        except (AttributeError, ImportError) as error:
            print(name, "left as it is:", error)
    with open(out, "w") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in results.items()) + "\n}\n")
    print(transformers.__version__, len(results))


main()
