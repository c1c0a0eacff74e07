"""Intersection over union of a prediction and a target, by each definition that a golden file uses."""

from torch import Tensor


def iou_reference(prediction: Tensor, target: Tensor, classes: int) -> float:
    """Products of raw labels over their sum cut at 1; the foreground is class 1, so for labels 0 and 1 only."""
    assert classes == 2
    p, t = prediction.double(), target.double()
    return ((p * t).sum() / (p + t).clamp(max=1).sum()).item()


def class_counts(prediction: Tensor, target: Tensor, label: int) -> tuple[int, int]:
    p, t = prediction == label, target == label
    return int((p & t).sum()), int((p | t).sum())


def iou_adv_lib(prediction: Tensor, target: Tensor, classes: int) -> float:
    """The mean over all classes; one that neither mask has counts 0."""
    counts = [class_counts(prediction, target, label) for label in range(classes)]
    return sum(intersection / (union + 1e-6) for intersection, union in counts) / classes


def iou_ours(prediction: Tensor, target: Tensor, classes: int) -> float:
    """Two classes: that of class 1, and 1 where neither mask has it. More: the mean over the classes in either mask."""
    labels = [1] if classes == 2 else range(classes)
    counts = [class_counts(prediction, target, label) for label in labels]
    present = [intersection / union for intersection, union in counts if union > 0]
    return sum(present) / len(present) if present else 1.0


def iou_mean_target(prediction: Tensor, target: Tensor) -> float:
    """The mean over the classes that the target contains, background included."""
    counts = [class_counts(prediction, target, label) for label in target.unique().tolist()]
    return sum(intersection / union for intersection, union in counts) / len(counts)
