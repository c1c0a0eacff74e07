"""Operators of the second rank: ReduceProd, ReduceLogSum, CumSum, DepthToSpace, SpaceToDepth, Col2Im."""

import numpy as np
import torch

from common import COMPOSITION, Suite, const, var


def reductions():
    def product(x, axes, keepdim):
        for axis in sorted(axis % x.ndim for axis in axes)[::-1]:
            x = torch.prod(x, axis, keepdim)
        return x

    def log_sum(x, axes, keepdim):
        return torch.log(torch.sum(x, axes, keepdim))

    suites = []
    for op, fn, oracle in [("ReduceProd", product, "torch.prod"), ("ReduceLogSum", log_sum, COMPOSITION)]:
        suite = Suite(op)

        def add(name, x, opset, axes=None, *, suite=suite, fn=fn, oracle=oracle, **attributes):
            along = tuple(axes or range(x.ndim))
            inputs = [var(x)]
            if axes is not None and opset >= 18:
                inputs.append(const(axes, np.int64))
            elif axes is not None:
                attributes["axes"] = axes
            suite.add(name, inputs, lambda x, *_: fn(x, along, attributes.get("keepdims", 1) != 0), oracle,
                      opset=opset, **attributes)

        for opset in (11, 13, 18, 20):
            add(f"axis 1 keepdims 0 opset {opset}", suite.uniform(0.5, 2, 2, 3, 4), opset, [1], keepdims=0)
            add(f"axis -1 opset {opset}", suite.uniform(0.5, 2, 2, 3), opset, [-1])
            add(f"spatial axes opset {opset}", suite.uniform(0.5, 2, 1, 2, 2, 3), opset, [2, 3])
            add(f"all opset {opset}", suite.uniform(0.5, 2, 2, 2), opset)
        if op == "ReduceProd":
            add("negative", suite.away((2, 4), [0], gap=0.4), 17, [1])
            zeros = np.asarray([[0, 2, 3], [0, -1, 0], [0, 0, 0], [1.5, 0, -2]], np.float32)
            add("zeros", zeros, 17, [1], keepdims=0)
            add("zeros in one column", np.asarray([[0, 2], [3, 4]], np.float32), 18, [0])
        suites.append(suite)
    return suites


def cumulative():
    suite = Suite("CumSum")

    def add(name, dims, axis, opset=17, **attributes):
        exclusive, reverse = attributes.get("exclusive", 0), attributes.get("reverse", 0)

        def fn(x, _):
            x = x.flip(axis) if reverse else x
            y = torch.cumsum(x, axis) - (x if exclusive else 0)
            return y.flip(axis) if reverse else y

        suite.add(name, [var(suite.normal(*dims)), const(axis)], fn, "torch.cumsum", opset=opset, **attributes)

    for exclusive in (0, 1):
        for reverse in (0, 1):
            add(f"exclusive {exclusive} reverse {reverse}", (2, 4), 1, exclusive=exclusive, reverse=reverse)
    add("1-D", (5,), 0)
    add("axis 0", (3, 2), 0)
    add("axis -1", (2, 2, 3), -1)
    add("opset 11", (2, 4), 1, 11, reverse=1)
    add("opset 14", (2, 4), 1, 14, exclusive=1)
    return suite


def blocks():
    depth, space = Suite("DepthToSpace"), Suite("SpaceToDepth")

    def to_space(x, size, mode):
        n, c, h, w = x.shape
        if mode == "CRD":
            return torch.pixel_shuffle(x, size)
        x = x.reshape(n, size, size, c // size**2, h, w).permute(0, 3, 4, 1, 5, 2)
        return x.reshape(n, c // size**2, h * size, w * size)

    def to_depth(x, size):
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // size, size, w // size, size).permute(0, 3, 5, 1, 2, 4)
        return x.reshape(n, c * size**2, h // size, w // size)

    for name, dims, size, opset, mode in [
        ("default", (1, 8, 2, 3), 2, 17, None), ("DCR", (2, 8, 2, 3), 2, 17, "DCR"), ("CRD", (2, 8, 2, 3), 2, 17, "CRD"),
        ("blocks of 3 CRD", (1, 18, 1, 2), 3, 17, "CRD"), ("blocks of 3 DCR", (1, 18, 1, 2), 3, 17, "DCR"),
        ("opset 11 CRD", (1, 4, 2, 2), 2, 11, "CRD"), ("opset 13", (1, 4, 2, 2), 2, 13, None),
        ("opset 10", (1, 8, 2, 2), 2, 10, None),
    ]:
        depth.add(name, [var(depth.normal(*dims))], lambda x: to_space(x, size, mode or "DCR"),
                  "torch.pixel_shuffle" if mode == "CRD" else COMPOSITION, opset=opset, blocksize=size,
                  **({} if mode is None else {"mode": mode}))
    for name, dims, size, opset in [("blocks of 2", (2, 2, 4, 6), 2, 17), ("blocks of 3", (1, 2, 3, 6), 3, 17),
                                    ("opset 11", (1, 1, 4, 4), 2, 11), ("opset 13", (1, 3, 2, 2), 2, 13)]:
        space.add(name, [var(space.normal(*dims))], lambda x: to_depth(x, size), COMPOSITION, opset=opset,
                  blocksize=size)
    return [depth, space]


def folding():
    suite = Suite("Col2Im")

    def add(name, image, block, channels=2, *, stride=(1, 1), pad=(0, 0), dilation=(1, 1), opset=18, batch=2):
        size = [(image[i] + 2 * pad[i] - dilation[i] * (block[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
        given = {"strides": (stride, (1, 1)), "pads": ((*pad, *pad), (0, 0, 0, 0)), "dilations": (dilation, (1, 1))}
        attributes = {key: list(value) for key, (value, default) in given.items() if value != default}
        suite.add(name, [var(suite.normal(batch, channels * block[0] * block[1], size[0] * size[1])), const(image), const(block)],
                  lambda x, *_: torch.nn.functional.fold(x, image, block, dilation, pad, stride),
                  "torch.nn.functional.fold", opset=opset, **attributes)

    add("blocks side by side", (4, 6), (2, 2), stride=(2, 2))
    add("overlap", (5, 4), (3, 2))
    add("stride leaves a remainder", (6, 7), (2, 3), stride=(3, 2))
    add("pads", (4, 5), (3, 3), pad=(1, 2), stride=(2, 1))
    add("dilation", (7, 6), (2, 3), dilation=(3, 2))
    add("all, opset 20", (6, 7), (3, 2), stride=(2, 3), pad=(1, 1), dilation=(2, 1), opset=20, batch=1)
    add("one channel, one block", (3, 2), (3, 2), channels=1)
    return suite


SUITES = [reductions, cumulative, blocks, folding]
