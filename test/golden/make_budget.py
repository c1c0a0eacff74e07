"""Computes the golden trajectories of SegPGD, CosPGD, APGD and PAdam. See README.md for the formats.

    python make_budget.py [NAME ...]          these trajectories, or all without a name
    python make_budget.py --search NAME ...   tries budgets (apgd) or step sizes near the given ones, until rounding
                                              changes nothing; writes no file

Run `make_family.py` before: the pictures are its.
"""

import copy
import dataclasses
import sys

import torch

import family_file
import scenes
from budget_ascent import BudgetRun, Config, run
from make_family import OUT, SCENES, Scene, compare, image_of, runtime_agrees, stable
from rounding import variants
from scenes import Ellipse
from unet import UNet, load_unet

# Two classes in fewer values than `two` has: the fewer there are, the fewer are moved by rounding.
SCENES["tiny"] = Scene(
    model="unet-legacy.onnx",
    classes=2,
    size=52,
    seed=26,
    source=[Ellipse(1, (25, 24), (5, 4), 0.3)],
    moved=[Ellipse(1, (27, 28), (4, 4), 0.0)],
)

CONFIGS = [
    Config("seg-pgd-linf-two", "seg-pgd", "two", "linf", 0.1, alpha=0.008),
    Config("seg-pgd-l2-five", "seg-pgd", "five", "l2", 4.0, alpha=0.201),
    Config("seg-pgd-linf-untargeted-five", "seg-pgd", "five", "linf", 0.06, alpha=0.00406, targeted=False),
    Config("seg-pgd-l2-untargeted-two", "seg-pgd", "two", "l2", 3.5, alpha=0.201, targeted=False),
    Config("cos-pgd-linf-two", "cos-pgd", "two", "linf", 0.1, alpha=0.00804, activation="softmax"),
    Config("cos-pgd-l2-five", "cos-pgd", "five", "l2", 4.0, alpha=0.199, activation="softmax"),
    Config("cos-pgd-linf-untargeted-five", "cos-pgd", "five", "linf", 0.06, alpha=0.004, activation="softmax", targeted=False),
    Config("cos-pgd-l2-untargeted-two", "cos-pgd", "two", "l2", 3.5, alpha=0.2, activation="softmax", targeted=False),
    Config("cos-pgd-l2-sigmoid-five", "cos-pgd", "five", "l2", 4.0, alpha=0.2, activation="sigmoid"),
    Config("cos-pgd-l2-sigmoid-untargeted-two", "cos-pgd", "two", "l2", 3.5, alpha=0.202, activation="sigmoid", targeted=False),
    Config("apgd-linf-ce-two", "apgd", "two", "linf", 0.099, loss="cross-entropy"),
    Config("apgd-l2-ce-five", "apgd", "five", "l2", 3.01, loss="cross-entropy"),
    Config("apgd-l2-masked-two", "apgd", "two", "l2", 3.0, loss="masked-cross-entropy"),
    Config("apgd-linf-masked-untargeted-five", "apgd", "small", "linf", 0.04, loss="masked-cross-entropy", targeted=False),
    Config("apgd-l2-balanced-five", "apgd", "five", "l2", 3.0, loss="balanced-cross-entropy"),
    Config("apgd-linf-balanced-untargeted-two", "apgd", "two", "linf", 0.0597, loss="balanced-cross-entropy", targeted=False),
    Config("apgd-l2-js-two", "apgd", "two", "l2", 3.0, loss="jensen-shannon"),
    Config("padam-linf-ce-two", "padam", "tiny", "linf", 0.1, alpha=0.00603, loss="cross-entropy"),
    Config("padam-l2-ce-untargeted-five", "padam", "small", "l2", 2.0, alpha=0.003, loss="cross-entropy", targeted=False),
    Config("padam-l2-cosine-untargeted-two", "padam", "tiny", "l2", 2.0, alpha=0.003, loss="cosine", targeted=False),
    Config("apgd-linf-js-untargeted-five", "apgd", "small", "linf", 0.03, loss="jensen-shannon", targeted=False),
]


# A float32 run decides between two losses as a float64 run does where they differ by more than this.
SMALLEST_GAP = 5e-7


class Case:
    """A trajectory to be made, with the picture and the model it is of."""

    def __init__(self, config: Config):
        self.config = config
        self.scene = SCENES[config.scene]
        self.model = load_unet(str(OUT.parent / self.scene.model))
        self.image = torch.from_numpy(image_of(config))
        # Signs count where steps are made of them: Adam's are continuous where a gradient is almost 0.
        self.signs = "l2" if config.attack == "padam" else config.norm
        ellipses = self.scene.moved if config.targeted else self.scene.source
        self.target = torch.from_numpy(scenes.mask(ellipses, self.scene.size))[None]

    def attack(self, network: UNet, dtype: torch.dtype) -> BudgetRun:
        return run(self.config, network, self.image.to(dtype), self.target, self.scene.classes)

    def golden(self) -> BudgetRun:
        return self.attack(copy.deepcopy(self.model).double(), torch.float64)

    def judge(self, golden: BudgetRun) -> tuple[bool, dict[str, float]]:
        differences = [compare(golden, other, self.signs) for other in variants(self.attack, self.model)]
        worst = {key: max(each[key] for each in differences) for key in differences[0]}
        good = stable(worst) and min(golden.gaps, default=1) > SMALLEST_GAP and runtime_agrees(golden, self.scene.model)
        return good, worst

    def is_hopeless(self, golden: BudgetRun) -> bool:
        """What one float32 run says already."""
        if min(golden.gaps, default=1) <= SMALLEST_GAP:
            return True
        return not stable(compare(golden, self.attack(copy.deepcopy(self.model), torch.float32), self.signs))


def options_of(config: Config) -> dict:
    """The options of the attack, by their names."""
    names = ("norm", "epsilon", "alpha", "loss", "activation")
    return {name: getattr(config, name) for name in names if getattr(config, name) is not None}


def write(case: Case, golden: BudgetRun, worst: dict[str, float]) -> None:
    gap = {"smallestGap": min(golden.gaps)} if golden.gaps else {}
    family_file.write(
        case.config,
        golden,
        {**gap, **worst},
        model=case.scene.model,
        classes=case.scene.classes,
        image=image_of(case.config),
        target=case.target,
        fields={"options": options_of(case.config)},
    )


def tell(config: Config, golden: BudgetRun, good: bool, worst: dict[str, float]) -> None:
    marks = (0, 4, 9, 14, 19, 24, 29)
    etas = sorted({step["logs"]["eta"] for step in golden.steps if "eta" in step["logs"]}, reverse=True)
    print(
        f"{config.name} {config.epsilon:.5g} {config.alpha or ''}: "
        f"wrong {' '.join(str(golden.steps[n]['wrongPixels']) for n in marks)}; "
        f"IoU {golden.steps[0]['iou']:.3f} -> {golden.steps[-1]['iou']:.3f}; "
        f"L2 {golden.steps[-1]['l2']:.3f}, Linf {golden.steps[-1]['linf']:.3f}; etas {len(etas)}; "
        f"gap {min(golden.gaps, default=1):.1e}; {'stable' if good else 'UNSTABLE'} "
        + " ".join(f"{key} {value:.1e}" for key, value in worst.items()),
        flush=True,
    )


def search(config: Config) -> None:
    key = "epsilon" if config.alpha is None else "alpha"
    for k in range(400):
        factor = 1 + (k + 1) // 2 * (0.005 if k % 2 else -0.005) / (1 if k < 60 else 3)
        near = dataclasses.replace(config, **{key: float(f"{getattr(config, key) * factor:.3g}")})
        case = Case(near)
        golden = case.golden()
        if case.is_hopeless(golden):
            continue
        good, worst = case.judge(golden)
        if good:
            tell(near, golden, good, worst)
            return
    print(f"{config.name}: none", flush=True)


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if name != "--search"]
    if not set(names) <= {config.name for config in CONFIGS}:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    failed = []
    for config in CONFIGS:
        if names and config.name not in names:
            continue
        if "--search" in arguments:
            search(config)
            continue
        case = Case(config)
        golden = case.golden()
        good, worst = case.judge(golden)
        if not good:
            failed.append(config.name)
        write(case, golden, worst)
        tell(config, golden, good, worst)
    if failed:
        raise SystemExit(f"Rounding changes these, try --search: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
