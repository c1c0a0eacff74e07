"""ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1, ReduceL2, ReduceLogSumExp, ReduceSumSquare."""

import numpy as np
import torch

from common import Suite, const, var

FUNCTIONS = {
    "ReduceMean": (torch.mean, "torch.mean"),
    "ReduceSum": (torch.sum, "torch.sum"),
    "ReduceMax": (torch.amax, "torch.amax"),
    "ReduceMin": (torch.amin, "torch.amin"),
    "ReduceL2": (lambda x, axes, keepdim: torch.linalg.vector_norm(x, 2, axes, keepdim), "torch.linalg.vector_norm"),
    "ReduceL1": (lambda x, axes, keepdim: torch.linalg.vector_norm(x, 1, axes, keepdim), "torch.linalg.vector_norm"),
    "ReduceLogSumExp": (torch.logsumexp, "torch.logsumexp"),
    "ReduceSumSquare": (lambda x, axes, keepdim: torch.sum(x * x, axes, keepdim), "torch.sum"),
}


def reductions():
    suites = []
    for op, (fn, oracle) in FUNCTIONS.items():
        suite = Suite(op)
        input_from = 13 if op == "ReduceSum" else 18
        opsets = [11, 13, 18] if op == "ReduceSum" else [11, 13, 18, 20]

        def draw(*dims):
            if op in ("ReduceMax", "ReduceMin"):
                return suite.distinct(*dims)
            return suite.away(dims, [0]) if op == "ReduceL1" else suite.normal(*dims)

        def add(name, x, opset, axes=None, *, tie=False, **attributes):
            noop = attributes.get("noop_with_empty_axes", 0) and not axes
            along = tuple(axes or range(x.ndim))
            inputs = [var(x)]
            if axes is not None and opset >= input_from:
                inputs.append(const(axes, np.int64))
            elif axes is not None:
                attributes["axes"] = axes
            suite.add(name, inputs,
                      lambda x, *_: x * 1 if noop else fn(x, along, keepdim=attributes.get("keepdims", 1) != 0),
                      oracle, opset=opset, tie=tie, **attributes)

        for opset in opsets:
            add(f"axis 1 keepdims 0 opset {opset}", draw(2, 3, 4), opset, [1], keepdims=0)
            add(f"axis 1 keepdims 1 opset {opset}", draw(2, 3, 4), opset, [1], keepdims=1)
            add(f"axis -1 opset {opset}", draw(2, 3, 4), opset, [-1])
            add(f"spatial axes opset {opset}", draw(2, 2, 3, 2), opset, [2, 3])
            add(f"spatial axes keepdims 0 opset {opset}", draw(2, 2, 3, 2), opset, [-2, -1], keepdims=0)
            add(f"all opset {opset}", draw(2, 3), opset)
            add(f"all keepdims 0 opset {opset}", draw(2, 3), opset, keepdims=0)
        add("axes 0 2 keepdims 0", draw(2, 3, 4), 17 if input_from == 18 else 13, [0, 2], keepdims=0)
        add("axis of size 1", draw(2, 1, 3), 18, [1], keepdims=0)
        add("empty axes", draw(2, 3), 18, [])
        if op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
            add("noop no axes", draw(2, 3), 18, noop_with_empty_axes=1)
            add("noop empty axes", draw(2, 3), 18, [], noop_with_empty_axes=1)
        add("noop with axes", draw(2, 3), 18, [1], noop_with_empty_axes=1)
        if op in ("ReduceMax", "ReduceMin"):
            tied = np.asarray([[1, 3, 3, 0], [2, 2, 2, 2], [0, -1, -1, 0]], np.float32)
            add("tie", tied, 17, [1], tie=True, keepdims=0)
            add("tie all", tied, 18, tie=True)
        suites.append(suite)
    return suites


SUITES = [reductions]
