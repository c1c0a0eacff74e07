"""Computes the golden trajectories of PGD and MI-FGSM, and the pictures of a batch. See README.md for the formats.

    python make_family.py [NAME ...]

NAME: only these trajectories, or all without it.
"""

import copy
import dataclasses
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
from torch import Tensor

import family_file
import scenes
from family_file import OUT
from projected_ascent import MU, Config, Run, run
from rounding import approach, margin, variants
from scenes import Ellipse
from unet import UNet, load_unet

HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Scene:
    model: str
    classes: int
    size: int
    seed: int
    source: list[Ellipse]
    moved: list[Ellipse]


SCENES = {
    "two": Scene(
        model="unet-legacy.onnx",
        classes=2,
        size=76,
        seed=21,
        source=[Ellipse(1, (34, 33), (11, 9), 0.4)],
        moved=[Ellipse(1, (40, 44), (10, 8), -0.3)],
    ),
    "five": Scene(
        model="unet5.onnx",
        classes=5,
        size=64,
        seed=22,
        source=[Ellipse(1, (28, 28), (6, 5), 0.6), Ellipse(2, (38, 38), (5, 6), 0.0), Ellipse(3, (27, 39), (5, 4), 0.0)],
        moved=[Ellipse(1, (30, 31), (6, 5), 0.2), Ellipse(2, (38, 34), (5, 6), 0.0), Ellipse(4, (27, 40), (4, 5), 0.0)],
    ),
    # For the one that rounding moves most: with fewer values there are fewer signs to change.
    "small": Scene(
        model="unet5.onnx",
        classes=5,
        size=52,
        seed=25,
        source=[Ellipse(1, (24, 24), (4, 4), 0.0), Ellipse(2, (29, 28), (3, 4), 0.0)],
        moved=[Ellipse(1, (24, 27), (4, 4), 0.0), Ellipse(4, (30, 23), (3, 3), 0.0)],
    ),
}

# Four of one size, each with a target of its own.
BATCH_SIZE, BATCH_SEED = 64, 23
BATCH = [
    ([Ellipse(1, (32, 32), (8, 6), 0.4)], [Ellipse(1, (34, 36), (7, 6), -0.3)]),
    ([Ellipse(1, (28, 36), (6, 9), 0.0)], [Ellipse(1, (33, 30), (8, 5), 0.9)]),
    ([], [Ellipse(1, (31, 31), (5, 5), 0.0)]),
    ([Ellipse(1, (36, 28), (9, 9), 0.0)], []),
]


CONFIGS = [
    Config("pgd-linf-ce-two", "pgd", "two", "linf", 0.1, 0.00824),
    Config("pgd-linf-ce-five", "pgd", "small", "linf", 0.06, 0.0038),
    Config("pgd-l2-ce-two", "pgd", "two", "l2", 3.5, 0.198),
    Config("pgd-l2-ce-five", "pgd", "five", "l2", 4.0, 0.2),
    Config("pgd-linf-margin-two", "pgd", "two", "linf", 0.1, 0.0098, loss="margin"),
    Config("pgd-linf-margin-five", "pgd", "five", "linf", 0.12, 0.00624, loss="margin"),
    Config("pgd-l2-margin-two", "pgd", "two", "l2", 2.5, 0.202, loss="margin"),
    Config("pgd-linf-start-two", "pgd", "two", "linf", 0.1, 0.0097, start="two.start.npy"),
    Config("pgd-linf-untargeted-five", "pgd", "five", "linf", 0.06, 0.00396, targeted=False),
    Config("pgd-l2-margin-untargeted-five", "pgd", "five", "l2", 4.0, 0.294, loss="margin", targeted=False),
    Config("mi-fgsm-linf-two", "mi-fgsm", "two", "linf", 0.12, 0.006),
    Config("mi-fgsm-linf-five", "mi-fgsm", "five", "linf", 0.12, 0.00588),
    Config("mi-fgsm-l2-five", "mi-fgsm", "five", "l2", 4.0, 0.192),
    Config("mi-fgsm-l2-margin-two", "mi-fgsm", "two", "l2", 3.5, 0.198, loss="margin"),
]
START_SEED = 24


# --- How far rounding moves it ---------------------------------------------------------------------------------------


def compare(golden: Run, other: Run, norm: str) -> dict[str, float]:
    def largest(names: list[str], relative: bool) -> float:
        pairs = [(a[name], b[name]) for a, b in zip(golden.steps, other.steps) for name in names]
        return max(abs(a - b) / (max(abs(a), 1e-12) if relative else 1) for a, b in pairs)

    final = (golden.iterates[-1] - other.iterates[-1]).abs()
    difference = {
        "approach": approach(golden.logits, other.logits),
        "pixels": sum(int((a != b).sum()) for a, b in zip(golden.predictions, other.predictions)),
        "iou": largest(["iou"], relative=False),
        "loss": largest(["loss"], relative=False),
        "norms": largest(["l1", "l2", "linf"], relative=True),
        "gradient": largest(["gradientL2"], relative=True),
        "image": final.max().item(),
        "share": (final > 1e-5).double().mean().item(),
    }
    if norm == "linf":
        pairs = list(zip(golden.drives, other.drives))
        difference["signs"] = sum(int((a.sign() != b.sign()).sum()) for a, b in pairs)
        # From 1 on, a sign could change: the change of a value against the value, exact zeros aside.
        difference["signApproach"] = max(((a - b)[a != 0] / a[a != 0]).abs().max().item() for a, b in pairs)
    return difference


def stable(difference: dict[str, float]) -> bool:
    return (
        difference["pixels"] == 0
        and difference["approach"] < 1 / 2
        and difference["iou"] == 0
        and difference["loss"] < 1e-5 / 3
        and difference["norms"] < 1e-4 / 3
        and difference["gradient"] < 1e-4 / 3
        and difference["image"] < 1e-5 / 3
        and difference["share"] == 0
        and difference.get("signs", 0) == 0
        and difference.get("signApproach", 0) < 3 / 4
    )


# --- Files -----------------------------------------------------------------------------------------------------------


def picture(ellipses: list[Ellipse], size: int, rng: np.random.Generator) -> np.ndarray:
    return scenes.paint(ellipses, size, rng)[None]


def labels(ellipses: list[Ellipse], size: int) -> np.ndarray:
    return scenes.mask(ellipses, size).astype(np.uint8)[None]


def image_of(config: Config) -> np.ndarray:
    scene = SCENES[config.scene]
    return picture(scene.source, scene.size, np.random.default_rng(scene.seed))


def start_of(config: Config) -> np.ndarray:
    """The image, or where `start` is asked for a uniform draw from the ball around it, clipped to [0, 1]."""
    image = image_of(config)
    if config.start is None:
        return image
    noise = np.random.default_rng(START_SEED).uniform(-config.epsilon, config.epsilon, image.shape)
    start = (image + noise).clip(0, 1).astype(np.float32)
    assert config.norm == "linf" and np.abs(start.astype(np.float64) - image).max() <= config.epsilon
    return start


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
        start=None if config.start is None else start_of(config),
        fields={
            "norm": config.norm,
            "loss": config.loss,
            "epsilon": config.epsilon,
            "alpha": config.alpha,
            **({"mu": MU} if config.attack == "mi-fgsm" else {}),
        },
    )


def session_of(model: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(HERE / model), providers=["CPUExecutionProvider"])


def runtime_agrees(golden: Run, model: str) -> bool:
    """ONNX Runtime gives the recorded prediction at every iterate rounded to float32."""
    session = session_of(model)
    return all(
        np.array_equal(session.run(None, {"image": x.numpy().astype(np.float32)})[0].argmax(1), prediction.numpy())
        for x, prediction in zip(golden.iterates, golden.predictions)
    )


def write_batch() -> None:
    rng = np.random.default_rng(BATCH_SEED)
    images = np.concatenate([picture(source, BATCH_SIZE, rng) for source, _ in BATCH])
    targets = np.stack([labels(target, BATCH_SIZE) for _, target in BATCH])
    session = session_of("unet-legacy.onnx")
    (together,) = session.run(None, {"image": images})
    for image, logits in zip(images, together):
        (alone,) = session.run(None, {"image": image[None]})
        assert np.abs(alone[0] - logits).max() < 1e-5
    wrong = (together.argmax(1) != targets[:, 0]).sum((1, 2)).tolist()
    print(f"batch: images {images.shape}, targets {targets.shape}, wrong {wrong}")
    np.save(OUT / "batch-images.npy", images)
    np.save(OUT / "batch-targets.npy", targets)


def main(arguments: list[str]) -> None:
    if not set(arguments) <= {config.name for config in CONFIGS}:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    OUT.mkdir(exist_ok=True)
    write_batch()
    failed = []
    for config in CONFIGS:
        if arguments and config.name not in arguments:
            continue
        scene = SCENES[config.scene]
        model = load_unet(str(HERE / scene.model))
        image, start = torch.from_numpy(image_of(config)), torch.from_numpy(start_of(config))
        mask = scenes.mask(scene.moved if config.targeted else scene.source, scene.size)
        target = torch.from_numpy(mask)[None]

        def attack(network: UNet, dtype: torch.dtype) -> Run:
            return run(config, network, image.to(dtype), start.to(dtype), target, scene.classes)

        golden = attack(copy.deepcopy(model).double(), torch.float64)
        differences = [compare(golden, other, config.norm) for other in variants(attack, model)]
        worst = {key: max(each[key] for each in differences) for key in differences[0]}
        good = stable(worst) and runtime_agrees(golden, scene.model)
        if not good:
            failed.append(config.name)
        write(config, golden, worst, target)
        marks = (0, 4, 9, 14, 19, 24, 29)
        print(
            f"{config.name}: wrong {' '.join(str(golden.steps[n]['wrongPixels']) for n in marks)}; "
            f"IoU {golden.steps[0]['iou']:.3f} -> {golden.steps[-1]['iou']:.3f}; "
            f"L2 {golden.steps[-1]['l2']:.3f}, Linf {golden.steps[-1]['linf']:.3f}; "
            f"zero gradients {sum(step['gradientL2'] == 0 for step in golden.steps)}; "
            f"margin {min(map(margin, golden.logits)):.1e}; {'stable' if good else 'UNSTABLE'} "
            + " ".join(f"{key} {value:.1e}" for key, value in worst.items()),
            flush=True,
        )
    if failed:
        raise SystemExit(f"Rounding changes these, choose another step size or seed: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
