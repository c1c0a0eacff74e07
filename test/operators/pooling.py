"""MaxPool, MaxUnpool, AveragePool, LpPool and their global forms."""

import numpy as np
import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, const, var
from convolution import CONV, torch_pads, window

MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def extents(size, attributes):
    """Strides, dilations, begin pads, end pads, and how far the last window of ceil_mode runs past them."""
    kernel = attributes["kernel_shape"]
    strides, dilations, begin, end = window(size, kernel, attributes)
    over = []
    for n, k, s, d, p, q in zip(size, kernel, strides, dilations, begin, end):
        room = n + p + q - d * (k - 1) - 1
        count = (-(-room // s) if attributes.get("ceil_mode") else room // s) + 1
        if (count - 1) * s >= n + p:  # a window may not start in the end padding
            count -= 1
        over.append(max(0, (count - 1) * s - room))
    return strides, dilations, begin, end, over


def max_pool():
    suite = Suite("MaxPool")

    def add(name, x, *, opset=17, tie=False, shift=0.0, **attributes):
        x = x if isinstance(x, np.ndarray) else suite.distinct(*x) + np.float32(shift)
        rank = x.ndim - 2

        def fn(x):
            strides, dilations, begin, end, over = extents(x.shape[2:], attributes)
            padded = F.pad(x, torch_pads(begin, [e + o for e, o in zip(end, over)]), value=-torch.inf)
            return MAX_POOL[rank](padded, attributes["kernel_shape"], strides, 0, dilations)

        suite.add(name, [var(x)], fn, f"torch.nn.functional.max_pool{rank}d", opset=opset, tie=tie, **attributes)

    def ties(*dims, count=3):
        return suite.rng.integers(0, count, dims).astype(np.float32)

    add("k2 s2", (2, 2, 6, 4), kernel_shape=[2, 2], strides=[2, 2])
    add("k2 s2 remainder", (1, 2, 7, 5), kernel_shape=[2, 2], strides=[2, 2])
    add("k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2])
    add("k3 s3", (1, 2, 9, 6), kernel_shape=[3, 3], strides=[3, 3])
    add("k3 s2 p1", (1, 2, 8, 7), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s2 p1 all negative", (1, 2, 8, 7), shift=-20, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s2 p0", (1, 2, 7, 9), kernel_shape=[3, 3], strides=[2, 2])
    add("k3 s1 p1", (1, 2, 5, 4), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("k5 s1 p2", (1, 2, 6, 7), kernel_shape=[5, 5], strides=[1, 1], pads=[2, 2, 2, 2])
    add("k9 s1 p4", (1, 1, 6, 7), kernel_shape=[9, 9], strides=[1, 1], pads=[4, 4, 4, 4])
    add("k2 s3 stride larger than kernel", (1, 2, 9, 8), kernel_shape=[2, 2], strides=[3, 3])
    add("k1 s2", (1, 2, 5, 6), kernel_shape=[1, 1], strides=[2, 2])
    add("k3 by 2 s2 by 1", (1, 2, 7, 5), kernel_shape=[3, 2], strides=[2, 1])
    add("asymmetric pads", (1, 2, 6, 6), shift=-10, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    add("asymmetric pads s1", (1, 2, 5, 5), kernel_shape=[2, 3], pads=[1, 0, 0, 2])
    add("dilation 2", (1, 2, 7, 8), kernel_shape=[3, 3], dilations=[2, 2])
    add("dilation 2 s2 p1", (1, 2, 8, 9), kernel_shape=[3, 2], dilations=[2, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("ceil_mode k2 s2", (1, 2, 5, 7), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    add("ceil_mode k3 s2", (1, 2, 6, 8), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    add("ceil_mode k3 s2 p1", (1, 2, 6, 7), shift=-10, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
        ceil_mode=1)
    add("ceil_mode k2 s3 window in the end padding", (1, 2, 6, 8), kernel_shape=[2, 2], strides=[3, 3],
        pads=[1, 1, 1, 1], ceil_mode=1)
    add("ceil_mode dilation 2 s3", (1, 1, 9, 10), kernel_shape=[2, 3], dilations=[2, 2], strides=[3, 3], ceil_mode=1)
    add("SAME_UPPER k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2], auto_pad="SAME_UPPER")
    add("SAME_UPPER k3 s2", (1, 2, 8, 7), shift=-10, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    add("SAME_LOWER k3 s2", (1, 2, 8, 7), shift=-10, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
    add("SAME_LOWER k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2], auto_pad="SAME_LOWER")
    add("VALID k3 s2", (1, 2, 8, 7), kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID")
    add("1-D k2 s2", (2, 2, 7), kernel_shape=[2], strides=[2])
    add("1-D k3 s2 p1", (1, 3, 8), kernel_shape=[3], strides=[2], pads=[1, 1])
    add("1-D k4 s3 ceil_mode", (1, 2, 9), kernel_shape=[4], strides=[3], ceil_mode=1)
    add("opset 11 k3 s2 p1", (1, 2, 6, 6), opset=11, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("opset 12 k2 s2", (1, 2, 6, 6), opset=12, kernel_shape=[2, 2], strides=[2, 2])
    add("opset 22 k3 s2 p1", (1, 2, 6, 7), opset=22, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("tie k2 s2 all equal", np.full((1, 2, 4, 4), 0.5, np.float32), tie=True, kernel_shape=[2, 2], strides=[2, 2])
    add("tie k2 s2", ties(1, 2, 6, 6), tie=True, kernel_shape=[2, 2], strides=[2, 2])
    add("tie k2 s2 zeros after Relu", np.maximum(suite.normal(1, 2, 6, 7), 0), tie=True, kernel_shape=[2, 2],
        strides=[2, 2])
    add("tie k3 s2 p1", ties(1, 2, 7, 8), tie=True, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("tie k3 s2 p1 all equal negative", np.full((1, 1, 6, 6), -3, np.float32), tie=True, kernel_shape=[3, 3],
        strides=[2, 2], pads=[1, 1, 1, 1])
    add("tie k5 s1 p2", ties(1, 1, 7, 6), tie=True, kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    add("tie dilation 2", ties(1, 1, 7, 8), tie=True, kernel_shape=[3, 3], dilations=[2, 2], pads=[1, 1, 1, 1])
    add("tie ceil_mode k3 s2", ties(1, 1, 6, 8), tie=True, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    add("tie 1-D k3 s2", ties(1, 2, 9, count=2), tie=True, kernel_shape=[3], strides=[2])
    add("3-D k2 s2", (1, 2, 4, 6, 5), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("3-D k2 s2 batch 2", (2, 2, 4, 4, 4), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("3-D k3 s2 p1", (1, 2, 5, 4, 6), shift=-20, kernel_shape=[3, 3, 3], strides=[2, 2, 2], pads=[1] * 6)
    add("3-D k3 s1 p1", (1, 1, 4, 3, 4), kernel_shape=[3, 3, 3], pads=[1] * 6)
    add("3-D k1 by 2 by 2", (1, 2, 3, 4, 4), kernel_shape=[1, 2, 2], strides=[1, 2, 2])
    add("3-D asymmetric pads dilation 2 by 1 by 2", (1, 1, 6, 5, 6), kernel_shape=[2, 3, 2], strides=[2, 1, 2],
        dilations=[2, 1, 2], pads=[0, 1, 0, 1, 0, 1])
    add("3-D SAME_UPPER k3 s2", (1, 1, 5, 4, 6), kernel_shape=[3, 3, 3], strides=[2, 2, 2], auto_pad="SAME_UPPER")
    add("3-D ceil_mode k2 s2", (1, 2, 5, 4, 3), kernel_shape=[2, 2, 2], strides=[2, 2, 2], ceil_mode=1)
    add("tie 3-D k2 s2", ties(1, 2, 4, 4, 6), tie=True, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("tie 3-D k3 s2 p1", ties(1, 1, 5, 5, 4), tie=True, kernel_shape=[3, 3, 3], strides=[2, 2, 2], pads=[1] * 6)
    add("ceil_mode needed on one axis", (1, 2, 7, 6), kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 1],
        ceil_mode=1)
    add("3-D ceil_mode needed on one axis", (1, 2, 7, 4, 6), kernel_shape=[2, 2, 2], strides=[2, 3, 2],
        dilations=[2, 1, 1], pads=[1, 1, 0, 0, 0, 1], ceil_mode=1)
    return suite


def average_pool():
    suite = Suite("AveragePool")

    def add(name, x, *, opset=17, **attributes):
        rank = len(x) - 2

        def fn(x):
            strides, dilations, begin, end, over = extents(x.shape[2:], attributes)
            channels, kernel = x.shape[1], attributes["kernel_shape"]
            beyond = torch_pads([0] * rank, over)

            def total(values):
                weight = torch.ones(channels, 1, *kernel, dtype=values.dtype)
                return CONV[rank](F.pad(values, beyond), weight, None, strides, 0, dilations, channels)

            counted = F.pad(torch.ones_like(x), torch_pads(begin, end), value=attributes.get("count_include_pad", 0))
            return total(F.pad(x, torch_pads(begin, end))) / total(counted).detach()

        suite.add(name, [var(suite.normal(*x))], fn, COMPOSITION, opset=opset, **attributes)

    add("k2 s2", (2, 2, 6, 4), kernel_shape=[2, 2], strides=[2, 2])
    add("k3 s3 remainder", (1, 2, 10, 8), kernel_shape=[3, 3], strides=[3, 3])
    add("k2 by 3 k=s", (1, 2, 6, 6), kernel_shape=[2, 3], strides=[2, 3])
    add("k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2])
    add("k3 s2", (1, 2, 7, 8), kernel_shape=[3, 3], strides=[2, 2])
    add("k2 s3 stride larger than kernel", (1, 2, 9, 10), kernel_shape=[2, 2], strides=[3, 3])
    add("k1 s2", (1, 2, 5, 6), kernel_shape=[1, 1], strides=[2, 2])
    for include in (0, 1):
        tail = f"count_include_pad {include}"
        add(f"k3 s1 p1 {tail}", (1, 2, 5, 4), kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=include)
        add(f"k3 s2 p1 {tail}", (2, 2, 6, 7), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
            count_include_pad=include)
        add(f"asymmetric pads {tail}", (1, 2, 6, 7), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 2, 1, 0],
            count_include_pad=include)
        for opset in (17, 19):
            add(f"ceil_mode k3 s2 {tail} opset {opset}", (1, 2, 6, 8), opset=opset, kernel_shape=[3, 3],
                strides=[2, 2], ceil_mode=1, count_include_pad=include)
            add(f"ceil_mode k3 s2 p1 {tail} opset {opset}", (1, 2, 6, 7), opset=opset, kernel_shape=[3, 3],
                strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=include)
        add(f"1-D k3 s2 p1 {tail}", (1, 2, 8), kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=include)
        add(f"SAME_UPPER k3 s2 {tail}", (1, 2, 6, 7), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER",
            count_include_pad=include)
    add("ceil_mode k2 s2", (1, 2, 5, 7), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    add("ceil_mode k2 s3 window in the end padding", (1, 2, 6, 8), kernel_shape=[2, 2], strides=[3, 3],
        pads=[1, 1, 1, 1], ceil_mode=1)
    add("ceil_mode k4 s3 1-D", (1, 2, 9), kernel_shape=[4], strides=[3], ceil_mode=1)
    add("SAME_UPPER k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2], auto_pad="SAME_UPPER")
    add("SAME_LOWER k2 s1", (1, 2, 4, 5), kernel_shape=[2, 2], auto_pad="SAME_LOWER")
    add("SAME_LOWER k3 s2", (1, 2, 8, 7), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
    add("VALID k3 s2", (1, 2, 8, 7), kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID")
    add("1-D k2 s2", (2, 2, 7), kernel_shape=[2], strides=[2])
    add("1-D k4 s2", (1, 2, 9), kernel_shape=[4], strides=[2])
    add("dilation 2 opset 19", (1, 2, 7, 8), opset=19, kernel_shape=[3, 2], strides=[1, 2], dilations=[2, 2])
    add("dilation 2 pads opset 19", (1, 2, 6, 7), opset=19, kernel_shape=[3, 3], dilations=[2, 2], pads=[1, 2, 2, 1])
    add("opset 11 k3 s2 p1", (1, 2, 6, 6), opset=11, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("opset 22 k3 s2 p1", (1, 2, 6, 7), opset=22, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("3-D k2 s2", (2, 2, 4, 6, 2), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    for include in (0, 1):
        add(f"3-D k3 s2 p1 count_include_pad {include}", (1, 2, 5, 4, 6), kernel_shape=[3, 3, 3], strides=[2, 2, 2],
            pads=[1] * 6, count_include_pad=include)
        add(f"3-D ceil_mode asymmetric count_include_pad {include}", (1, 2, 6, 5, 4), kernel_shape=[3, 2, 3],
            strides=[2, 2, 1], pads=[0, 1, 1, 1, 0, 0], ceil_mode=1, count_include_pad=include)
    add("3-D k2 s3 stride larger than kernel", (1, 2, 6, 7, 5), kernel_shape=[2, 2, 2], strides=[3, 3, 3])
    add("3-D SAME_LOWER k3 s2", (1, 2, 5, 4, 6), kernel_shape=[3, 3, 3], strides=[2, 2, 2], auto_pad="SAME_LOWER")
    add("3-D dilation 2 opset 19", (1, 2, 5, 6, 5), opset=19, kernel_shape=[2, 3, 2], dilations=[2, 2, 1])
    return suite


def lp_pool():
    suite = Suite("LpPool")

    def add(name, x, *, opset=18, tie=False, **attributes):
        x = x if isinstance(x, np.ndarray) else suite.away(x, [0.0])
        rank, p, channels = x.ndim - 2, attributes.get("p", 2), x.shape[1]

        def fn(x):
            strides, dilations, begin, end, over = extents(x.shape[2:], attributes)
            padded = F.pad(x.abs() ** p, torch_pads(begin, [e + o for e, o in zip(end, over)]))
            weight = torch.ones(channels, 1, *attributes["kernel_shape"], dtype=x.dtype)
            sums = CONV[rank](padded, weight, None, strides, 0, dilations, channels)
            # 0, with the gradient 0, where the window is all zeros
            return torch.where(sums > 0, torch.where(sums > 0, sums, 1.0) ** (1 / p), 0.0)

        suite.add(name, [var(x)], fn, COMPOSITION, opset=opset, tie=tie, **attributes)

    for p in (1, 2, 3, 4):
        add(f"p {p} k2 s2", (2, 2, 6, 4), p=p, kernel_shape=[2, 2], strides=[2, 2])
        add(f"p {p} k3 s2 p1", (1, 2, 5, 6), p=p, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("default p k3 s1", (1, 2, 4, 5), kernel_shape=[3, 3])
    add("asymmetric pads", (1, 2, 5, 6), kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1])
    add("SAME_UPPER k3 s2", (1, 2, 6, 7), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    add("dilation 2", (1, 2, 6, 7), kernel_shape=[3, 2], dilations=[2, 2], p=3)
    add("ceil_mode k2 s2", (1, 2, 5, 7), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    add("1-D k3 s2", (1, 2, 9), kernel_shape=[3], strides=[2])
    add("3-D k2 s2 p 3", (1, 2, 4, 3, 4), kernel_shape=[2, 2, 2], strides=[2, 2, 2], p=3)
    add("3-D k3 s1 p1", (1, 1, 3, 4, 3), kernel_shape=[3, 3, 3], pads=[1] * 6)
    for opset in (11, 17, 22):
        add(f"opset {opset}", (1, 2, 4, 4), opset=opset, kernel_shape=[2, 2], strides=[2, 2])
    zeros = np.array([[[[0, 0, 1, 0], [0, 0, -2, 3]]]], np.float32)
    for p in (1, 2, 3):
        add(f"tie p {p} zeros", zeros, tie=True, p=p, kernel_shape=[2, 2], strides=[2, 2])
    return suite


def max_unpool():
    suite = Suite("MaxUnpool")

    def add(name, dims, *, opset=17, **attributes):
        kernel = attributes["kernel_shape"]
        strides = attributes.get("strides", [1] * len(kernel))
        pads = attributes.get("pads", [0] * 2 * len(kernel))
        size = [(n - 1) * s + k - pads[i] - pads[i + len(kernel)]
                for i, (n, s, k) in enumerate(zip(dims[2:], strides, kernel))]
        total = dims[0] * dims[1] * int(np.prod(size))
        indices = suite.rng.permutation(total)[:int(np.prod(dims))].reshape(dims)

        def fn(x, indices):
            flat = torch.zeros(total, dtype=x.dtype).scatter(0, indices.reshape(-1), x.reshape(-1))
            return flat.reshape(*dims[:2], *size)

        suite.add(name, [var(suite.normal(*dims)), const(indices)], fn, "torch.Tensor.scatter", opset=opset, **attributes)

    add("k2 s2", (1, 2, 3, 2), kernel_shape=[2, 2], strides=[2, 2])
    add("k2 s2 batch 2", (2, 3, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
    add("k3 s2", (1, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2])
    add("k2 s2 pads", (1, 2, 3, 3), kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 0, 1])
    add("1-D", (1, 2, 3), kernel_shape=[2], strides=[2])
    add("3-D", (1, 2, 2, 2, 3), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("opset 11", (1, 1, 2, 2), opset=11, kernel_shape=[2, 2], strides=[2, 2])
    return suite


def global_lp_pool():
    suite = Suite("GlobalLpPool")

    def add(name, x, opset=17, tie=False, **attributes):
        x = x if isinstance(x, np.ndarray) else suite.away(x, [0.0])
        axes = tuple(range(2, x.ndim))
        suite.add(name, [var(x)], lambda x: torch.linalg.vector_norm(x, attributes.get("p", 2), axes, keepdim=True),
                  "torch.linalg.vector_norm", opset=opset, tie=tie, **attributes)

    add("2-D", (2, 3, 3, 4))
    for p in (1, 3, 4):
        add(f"2-D p {p}", (1, 2, 3, 3), p=p)
    add("1-D", (2, 2, 5))
    add("3-D p 3", (1, 2, 2, 3, 2), p=3)
    add("opset 11", (1, 2, 3, 3), 11)
    add("opset 18", (1, 2, 3, 3), 18)
    for p in (1, 2, 3):
        add(f"tie p {p} zeros", np.array([[[[0, 1], [-2, 0]], [[0, 0], [0, 0]]]], np.float32), tie=True, p=p)
    return suite


def global_pools():
    average, maximum = Suite("GlobalAveragePool"), Suite("GlobalMaxPool")
    for name, dims, opset in [("1-D", (2, 3, 5), 17), ("2-D", (2, 3, 4, 5), 17), ("3-D", (1, 2, 3, 2, 4), 17),
                              ("1x1", (2, 3, 1, 1), 17), ("opset 11", (1, 2, 3, 3), 11),
                              ("opset 22", (1, 2, 3, 3), 22)]:
        axes = tuple(range(2, len(dims)))
        average.add(name, [var(average.normal(*dims))], lambda x: x.mean(axes, keepdim=True), "torch.mean", opset=opset)
        maximum.add(name, [var(maximum.distinct(*dims))], lambda x: x.amax(axes, keepdim=True), "torch.amax",
                    opset=opset)
    tied = maximum.rng.integers(0, 2, (1, 3, 3, 3)).astype(np.float32)
    maximum.add("tie", [var(tied)], lambda x: x.amax((2, 3), keepdim=True), "torch.amax", tie=True)
    return [average, maximum]


SUITES = [max_pool, average_pool, lp_pool, max_unpool, global_lp_pool, global_pools]
