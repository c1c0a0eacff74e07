"""A file in `family/`: one trajectory, its images and what it was made with. README.md says what the fields mean."""

import pathlib

import numpy as np
from torch import Tensor

from projected_ascent import Run
from records import pack, rounded, to_json
from rounding import margin

OUT = pathlib.Path(__file__).parent / "family"


def write(
    config,
    golden: Run,
    worst: dict[str, float],
    *,
    model: str,
    classes: int,
    image: np.ndarray,
    target: Tensor,
    fields: dict,
    start: np.ndarray | None = None,
    tolerance: dict[str, float] | None = None,
) -> None:
    """`config` has name, attack, scene and targeted; `fields` are the options, `worst` what rounding changes."""
    bits = 1 if classes == 2 else 4  # divides 8
    names = {
        "image": f"{config.scene}.image.npy",
        "target": f"{config.scene}.{'moved' if config.targeted else 'source'}.npy",
        "start": None if start is None else config.start,
    }
    final = f"{config.name}.final.npy"
    np.save(OUT / names["image"], image)
    np.save(OUT / names["target"], target.numpy().astype(np.uint8))
    if start is not None:
        np.save(OUT / names["start"], start)
    np.save(OUT / final, golden.iterates[-1].numpy().astype(np.float32))
    head = {
        "attack": config.attack,
        "model": model,
        "classes": classes,
        "targeted": config.targeted,
        **fields,
        **names,
        "iouDefinition": "foreground" if classes == 2 else "mean-target",
        "labelBits": bits,
        "predictionShape": list(golden.predictions[0].shape),
        "finalImage": final,
        **({} if tolerance is None else {"tolerance": tolerance}),
        "rounding": rounded({"smallestMargin": min(map(margin, golden.logits)), **worst}, 2),
    }
    steps = [
        {**rounded(record, 12), "prediction": pack(prediction, bits)}
        for record, prediction in zip(golden.steps, golden.predictions)
    ]
    (OUT / f"{config.name}.json").write_text(to_json(head, steps))
