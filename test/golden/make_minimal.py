"""Computes the golden trajectories of the attacks that look for a small perturbation. See README.md for the formats.

    python make_minimal.py [NAME ...]

NAME: only these trajectories, or all without it.
"""

import copy
import sys

import numpy as np
import torch

import scenes
from make_family import HERE, OUT, SCENES, compare, image_of, labels, runtime_agrees, stable
from minimal_norm import Config, Run, run
from records import pack, rounded, to_json
from rounding import margin, variants
from unet import UNet, load_unet

FMN = {"gamma": 0.05, "gammaEnd": 0.001, "stepLength": 1.0, "stepLengthEnd": 0.01}
FMN_LINF = {"norm": "linf", **FMN, "stepLength": 4.0}
DDN = {"gamma": 0.05, "firstNorm": 1.0, "loss": "cross-entropy", "stepLength": 1.0, "stepLengthEnd": 0.01}
RATES = {"primalRate": 0.001, "primalDecay": 0.2, "dualRate": 0.1, "dualDecay": 0.1}

CONFIGS = [
    Config("fmn-l2-two", "fmn", "two", "l2", {"norm": "l2", **FMN}, 0.9),
    Config("fmn-l2-five", "fmn", "five", "l2", {"norm": "l2", **FMN}, 0.7),
    Config("fmn-linf-two", "fmn", "two", "linf", FMN_LINF, 0.9),
    Config("fmn-linf-five", "fmn", "five", "linf", FMN_LINF, 0.6),
    Config("fmn-l2-untargeted-five", "fmn", "five", "l2", {"norm": "l2", **FMN}, 0.8, targeted=False),
    Config("ddn-two", "ddn", "two", "l2", DDN, 0.8),
    Config("ddn-five", "ddn", "five", "l2", {**DDN, "firstNorm": 2.0}, 0.6),
    Config("ddn-margin-untargeted-five", "ddn", "five", "l2", {**DDN, "loss": "margin"}, 0.7, targeted=False),
    Config("pdgd-two", "pdgd", "two", "l2", RATES, 0.9),
    Config("pdgd-five", "pdgd", "five", "l2", RATES, 0.9),
    Config("pdgd-untargeted-five", "pdgd", "five", "l2", RATES, 0.7, targeted=False),
    Config("pdpgd-l2-two", "pdpgd", "two", "l2", {"norm": "l2", **RATES}, 0.9),
    Config("pdpgd-l2-five", "pdpgd", "five", "l2", {"norm": "l2", **RATES}, 0.9),
    Config("pdpgd-linf-two", "pdpgd", "two", "linf", {"norm": "linf", **RATES}, 0.9),
    Config("pdpgd-linf-untargeted-five", "pdpgd", "five", "linf", {"norm": "linf", **RATES}, 0.9, targeted=False),
    Config("dag-linf-two", "dag", "two", "linf", {"norm": "linf", "gamma": 0.02}, 0.95),
    Config("dag-linf-five", "dag", "five", "linf", {"norm": "linf", "gamma": 0.02}, 0.95),
    Config("dag-l2-untargeted-five", "dag", "five", "l2", {"norm": "l2", "gamma": 0.2}, 0.95, targeted=False),
]


def write(config: Config, golden: Run, worst: dict[str, float]) -> None:
    scene = SCENES[config.scene]
    bits = 1 if scene.classes == 2 else 4  # divides 8
    final = f"{config.name}.final.npy"
    target = f"{config.scene}.{'moved' if config.targeted else 'source'}.npy"
    np.save(OUT / f"{config.scene}.image.npy", image_of(config))
    np.save(OUT / target, labels(scene.moved if config.targeted else scene.source, scene.size))
    np.save(OUT / final, golden.iterates[-1].numpy().astype(np.float32))
    head = {
        "attack": config.attack,
        "model": scene.model,
        "classes": scene.classes,
        "options": {**config.options, "iouThreshold": config.threshold},
        "targeted": config.targeted,
        "image": f"{config.scene}.image.npy",
        "target": target,
        "start": None,
        "iouDefinition": "foreground" if scene.classes == 2 else "mean-target",
        "labelBits": bits,
        "predictionShape": list(golden.predictions[0].shape),
        "finalImage": final,
        "rounding": rounded({"smallestMargin": min(map(margin, golden.logits)), **worst}, 2),
    }
    steps = [
        {**rounded(record, 12), "prediction": pack(prediction, bits)}
        for record, prediction in zip(golden.steps, golden.predictions)
    ]
    (OUT / f"{config.name}.json").write_text(to_json(head, steps))


def main(arguments: list[str]) -> None:
    if not set(arguments) <= {config.name for config in CONFIGS}:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    OUT.mkdir(exist_ok=True)
    failed = []
    for config in CONFIGS:
        if arguments and config.name not in arguments:
            continue
        scene = SCENES[config.scene]
        model = load_unet(str(HERE / scene.model))
        image = torch.from_numpy(image_of(config))
        mask = scenes.mask(scene.moved if config.targeted else scene.source, scene.size)
        target = torch.from_numpy(mask)[None]

        def attack(network: UNet, dtype: torch.dtype) -> Run:
            return run(config, network, image.to(dtype), target, scene.classes)

        golden = attack(copy.deepcopy(model).double(), torch.float64)
        # None of these goes by the sign of a gradient, whatever the norm.
        differences = [compare(golden, other, "l2") for other in variants(attack, model)]
        worst = {key: max(each[key] for each in differences) for key in differences[0]}
        good = stable(worst) and runtime_agrees(golden, scene.model)
        if not good:
            failed.append(config.name)
        write(config, golden, worst)
        marks = (0, 4, 9, 14, 19, 24, 29)
        print(
            f"{config.name}: IoU {' '.join(format(golden.steps[n]['iou'], '.3f') for n in marks)}; "
            f"reached {''.join('+' if step['reached'] else '-' for step in golden.steps)}; "
            f"L2 {golden.steps[-1]['l2']:.3f}, Linf {golden.steps[-1]['linf']:.3f}; "
            f"margin {min(map(margin, golden.logits)):.1e}; {'stable' if good else 'UNSTABLE'} "
            + " ".join(f"{key} {value:.1e}" for key, value in worst.items()),
            flush=True,
        )
    if failed:
        raise SystemExit(f"Rounding changes these, choose another step size or seed: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
