"""Computes the golden trajectories of the attacks that look for a small perturbation. See README.md for the formats.

    python make_minimal.py [NAME ...]

NAME: only these trajectories, or all without it.
"""

import copy
import sys

import torch
from torch import Tensor

import family_file
import make_family
import scenes
from make_family import HERE, OUT, SCENES, image_of, runtime_agrees
from minimal_norm import Config, Run, run
from rounding import margin, variants
from unet import UNet, load_unet

FMN = {"gamma": 0.05, "gammaEnd": 0.001, "stepLength": 1.0, "stepLengthEnd": 0.01}
FMN_LINF = {"norm": "linf", **FMN, "stepLength": 4.0}
DDN = {"gamma": 0.05, "firstNorm": 1.0, "loss": "cross-entropy", "stepLength": 1.0, "stepLengthEnd": 0.01}
RATES = {"primalRate": 0.01, "primalDecay": 0.2, "dualRate": 1.0, "dualDecay": 0.1}
# Adam divides each value's gradient by its own size: where that is all but 0, rounding moves the value.
ADAM = (1e-5, 1e-3, 0.01)
# Likewise the root mean square of ALMA prox, and its loss adds up thousands of terms of either sign.
RMS = (1e-3, 1e-3, 0.01)
ALMA = {"rate": 0.0038, "reduction": 0.1, "rho": 0.01, "slope": "derived"}

CONFIGS = [
    Config("fmn-l2-two", "fmn", "two", "l2", {"norm": "l2", **FMN}, 0.9),
    Config("fmn-l2-five", "fmn", "five", "l2", {"norm": "l2", **FMN, "stepLength": 1.02}, 0.7),
    Config("fmn-linf-two", "fmn", "two", "linf", {**FMN_LINF, "stepLength": 1.96}, 0.9),
    Config("fmn-linf-five", "fmn", "five", "linf", {**FMN_LINF, "stepLength": 4.16}, 0.6),
    Config("fmn-l2-untargeted-five", "fmn", "five", "l2", {"norm": "l2", **FMN, "stepLength": 0.85}, 0.8, targeted=False),
    Config("ddn-two", "ddn", "two", "l2", {**DDN, "stepLength": 1.02}, 0.8),
    Config("ddn-five", "ddn", "five", "l2", {**DDN, "firstNorm": 2.0}, 0.6),
    Config("ddn-margin-untargeted-five", "ddn", "five", "l2", {**DDN, "loss": "margin", "stepLength": 0.98}, 0.7, targeted=False),
    Config("pdgd-two", "pdgd", "two", "l2", {**RATES, "primalRate": 0.001}, 0.9, tolerance=(1e-3, 0.04, 0.03)),
    Config("pdgd-five", "pdgd", "five", "l2", {**RATES, "primalRate": 0.007}, 0.9, tolerance=ADAM),
    Config("pdpgd-l2-two", "pdpgd", "two", "l2", {"norm": "l2", **RATES}, 0.9, tolerance=ADAM),
    Config("pdpgd-l2-five", "pdpgd", "five", "l2", {"norm": "l2", **RATES, "primalRate": 0.0095}, 0.9, tolerance=ADAM),
    Config("pdpgd-linf-two", "pdpgd", "two", "linf", {"norm": "linf", **RATES, "primalRate": 0.0045}, 0.9, tolerance=(1e-5, 1e-3, 0.03)),
    Config("pdpgd-linf-untargeted-five", "pdpgd", "five", "linf", {"norm": "linf", **RATES, "primalRate": 0.003}, 0.9, targeted=False, tolerance=ADAM),
    Config("asma-plus-l2-two", "asma+", "two", "l2", {"norm": "l2"}, 0.95),
    Config("asma-plus-l2-five", "asma+", "small", "l2", {"norm": "l2"}, 0.7),
    Config("asma-plus-l2-untargeted-five", "asma+", "five", "l2", {"norm": "l2"}, 0.95, targeted=False),
    Config("asma-plus-linf-two", "asma+", "two", "linf", {"norm": "linf"}, 0.9),
    Config("asma-plus-linf-five", "asma+", "five", "linf", {"norm": "linf"}, 0.5),
    Config("asma-plus-linf-untargeted-five", "asma+", "five", "linf", {"norm": "linf"}, 0.6, targeted=False),
    Config("dag-linf-two", "dag", "two", "linf", {"norm": "linf", "gamma": 0.02}, 0.95, tolerance=(1e-5, 1e-4, 0.001)),
    Config("dag-linf-five", "dag", "five", "linf", {"norm": "linf", "gamma": 0.0196}, 0.95),
    Config("dag-l2-untargeted-five", "dag", "five", "l2", {"norm": "l2", "gamma": 0.192}, 0.95, targeted=False),
    Config("alma-prox-two", "alma-prox", "two", "linf", {**ALMA, "rate": 0.0044}, 0.9, tolerance=RMS),
    Config("alma-prox-five", "alma-prox", "five", "linf", ALMA, 0.6, tolerance=RMS),
    Config("alma-prox-published-five", "alma-prox", "five", "linf", {**ALMA, "rate": 0.0034, "slope": "published"}, 0.6, tolerance=RMS),
]

def compare(golden: Run, other: Run) -> dict[str, float]:
    # None of these attacks goes by the sign of a gradient, whatever the norm.
    difference = make_family.compare(golden, other, "l2")
    pairs = [(a["loss"], b["loss"]) for a, b in zip(golden.steps, other.steps)]
    difference["loss"] = max(abs(a - b) / max(1, abs(a)) for a, b in pairs)
    difference["reached"] = sum(a["reached"] != b["reached"] for a, b in zip(golden.steps, other.steps))
    return difference


def stable(config: Config, difference: dict[str, float]) -> bool:
    loss, norms, share = config.tolerance
    return (
        difference["pixels"] == 0
        and difference["approach"] < (1 / 2 if share == 0 else 3 / 4)
        and difference["iou"] == 0
        and difference["reached"] == 0
        and difference["loss"] < loss / 3
        and difference["norms"] < norms / 3
        and difference["gradient"] < norms / 3
        and (difference["image"] < 1e-5 / 3 if share == 0 else difference["share"] < share / 3)
    )


def write(config: Config, golden: Run, worst: dict[str, float], target: Tensor) -> None:
    scene = SCENES[config.scene]
    family_file.write(
        config,
        golden,
        worst,
        model=scene.model,
        classes=scene.classes,
        image=image_of(config),
        target=target,
        fields={"options": {**config.options, "iouThreshold": config.threshold}},
        tolerance=dict(zip(("loss", "norms", "share"), config.tolerance)),
    )


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
        differences = [compare(golden, other) for other in variants(attack, model)]
        worst = {key: max(each[key] for each in differences) for key in differences[0]}
        good = stable(config, worst) and runtime_agrees(golden, scene.model)
        if not good:
            failed.append(config.name)
        write(config, golden, worst, target)
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
