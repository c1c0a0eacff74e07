"""BatchNormalization (inference), InstanceNormalization, LayerNormalization, LRN, Softmax, LogSoftmax."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, const, var


def batch_normalization():
    suite = Suite("BatchNormalization")

    def add(name, dims, opset=17, computed=(), **attributes):
        """`computed` names those of scale, bias, mean and var (1 to 4) that are variables too."""
        channels = dims[1]
        given = [suite.normal(*dims), suite.uniform(0.5, 2, channels), suite.normal(channels),
                 suite.normal(channels), suite.uniform(0.3, 2, channels)]
        inputs = [(var if i == 0 or i in computed else const)(value) for i, value in enumerate(given)]

        def fn(x, scale, bias, mean, variance):
            return F.batch_norm(x, mean, variance, scale, bias, False, 0, attributes.get("epsilon", 1e-5))

        def composition(x, *parameters):
            # torch.nn.functional.batch_norm has no gradient for mean and variance.
            scale, bias, mean, variance = (p.reshape(-1, *(1 for _ in dims[2:])) for p in parameters)
            return (x - mean) / (variance + attributes.get("epsilon", 1e-5)).sqrt() * scale + bias

        suite.add(name, inputs, composition if computed else fn,
                  COMPOSITION if computed else "torch.nn.functional.batch_norm", opset=opset, **attributes)

    add("rank 2", (3, 4))
    add("rank 3", (2, 3, 5))
    add("rank 4", (2, 3, 4, 3))
    add("rank 5", (1, 2, 2, 3, 2))
    add("epsilon 0.1", (2, 3, 3, 3), epsilon=0.1)
    add("momentum", (1, 3, 3, 3), momentum=0.8)
    add("training_mode 0", (1, 3, 3, 3), training_mode=0)
    add("opset 11", (2, 3, 3, 3), 11)
    add("opset 13 epsilon 0.001", (2, 3, 3, 3), 13, epsilon=0.001)
    add("opset 14", (2, 3, 3, 3), 14)
    add("all computed", (2, 3, 4, 3), computed=(1, 2, 3, 4))
    add("all computed, rank 2", (3, 4), computed=(1, 2, 3, 4), epsilon=0.1)
    add("all computed, rank 5, opset 11", (2, 3, 2, 3, 2), 11, computed=(1, 2, 3, 4))
    add("mean and var computed", (1, 6, 5), 13, computed=(3, 4), epsilon=0.001)
    add("scale and bias computed", (2, 3, 4), 15, computed=(1, 2))

    def train(name, dims, opset=17, **attributes):
        channels = dims[1]
        inputs = [var(suite.normal(*dims)), var(suite.uniform(0.5, 2, channels)), var(suite.normal(channels)),
                  const(suite.normal(channels)), const(suite.uniform(0.3, 2, channels))]

        def fn(x, scale, bias, mean, variance):
            y = F.batch_norm(x, None, None, scale, bias, True, 0, attributes.get("epsilon", 1e-5))
            others = [i for i in range(x.ndim) if i != 1]
            momentum = attributes.get("momentum", 0.9)
            running = [old * momentum + new * (1 - momentum)
                       for old, new in ((mean, x.mean(others)), (variance, x.var(others, correction=0)))]
            return [y, *running]

        suite.add(name, inputs, fn, "torch.nn.functional.batch_norm", opset=opset, upstream=[True, False, False],
                  training_mode=1, **attributes)

    train("training_mode 1", (2, 3, 4, 3))
    train("training_mode 1, one sample, opset 15", (1, 2, 5), 15, epsilon=0.01)
    train("training_mode 1, rank 2, opset 14", (5, 3), 14, momentum=0.5)
    return suite


def instance_normalization():
    suite = Suite("InstanceNormalization")

    def add(name, dims, opset=17, **attributes):
        inputs = [var(suite.normal(*dims)), const(suite.uniform(0.5, 2, dims[1])), const(suite.normal(dims[1]))]
        suite.add(name, inputs, lambda x, scale, bias: F.instance_norm(
            x, weight=scale, bias=bias, eps=attributes.get("epsilon", 1e-5)),
            "torch.nn.functional.instance_norm", opset=opset, **attributes)

    add("1-D", (2, 3, 7))
    add("2-D", (2, 3, 4, 3))
    add("3-D", (1, 2, 2, 3, 3))
    add("epsilon 0.1", (1, 3, 4, 4), epsilon=0.1)
    add("one channel", (2, 1, 3, 4))
    add("opset 11", (1, 2, 4, 4), 11)
    add("opset 22", (1, 2, 4, 4), 22)
    return suite


def lrn():
    suite = Suite("LRN")

    def add(name, dims, opset=17, **attributes):
        size, alpha, beta = attributes["size"], attributes.get("alpha", 1e-4), attributes.get("beta", 0.75)

        def fn(x):
            squares = torch.stack([(x[:, max(0, i - (size - 1) // 2):i + size // 2 + 1] ** 2).sum(1)
                                   for i in range(dims[1])], 1)
            return x / (attributes.get("bias", 1.0) + alpha / size * squares) ** beta

        suite.add(name, [var(suite.normal(*dims) * 2)], fn, COMPOSITION, opset=opset, **attributes)

    add("size 3", (1, 5, 3, 2), size=3, alpha=0.5)
    add("size 5 batch 2", (2, 7, 2, 3), size=5, alpha=1.0, beta=0.6, bias=2.0)
    add("size 1", (1, 3, 2, 2), size=1, alpha=0.5)
    add("size larger than the channels", (1, 3, 3, 3), size=9, alpha=0.9)
    add("default alpha", (1, 6, 3, 3), size=5)
    add("beta 2", (1, 4, 3, 3), size=3, alpha=0.5, beta=2.0)
    add("opset 11", (1, 4, 3, 3), 11, size=3, alpha=0.3)
    return suite


def layer_normalization():
    suite = Suite("LayerNormalization")

    def add(name, dims, bias, opset=17, **attributes):
        axis = attributes.get("axis", -1)
        shape = dims[axis:]
        inputs = [var(suite.normal(*dims)), const(suite.uniform(0.5, 2, *shape))]
        if bias:
            inputs.append(const(suite.normal(*shape)))
        suite.add(name, inputs, lambda x, scale, bias=None: F.layer_norm(
            x, shape, scale, bias, attributes.get("epsilon", 1e-5)),
            "torch.nn.functional.layer_norm", opset=opset, **attributes)

    for bias in (True, False):
        tail = "with bias" if bias else "without bias"
        add(f"default axis {tail}", (2, 3, 5), bias)
        add(f"axis -1 {tail}", (2, 6), bias, axis=-1)
        add(f"axis 1 {tail}", (2, 3, 4), bias, axis=1)
        add(f"axis -2 rank 4 {tail}", (1, 2, 3, 4), bias, axis=-2)
    add("axis 0", (3, 4), True, axis=0)
    add("axis 2 epsilon 0.1", (2, 3, 5), True, axis=2, epsilon=0.1)
    add("epsilon 1e-12", (2, 3, 5), True, epsilon=1e-12)
    add("opset 21", (2, 3, 5), True, 21, axis=-1)
    return suite


def softmaxes():
    suites = []
    for op, fn in [("Softmax", torch.softmax), ("LogSoftmax", torch.log_softmax)]:
        suite = Suite(op)
        oracle = f"torch.{fn.__name__}"

        def add(name, dims, opset, axis=None):
            if opset >= 13:
                def apply(x):
                    return fn(x, -1 if axis is None else axis)
            else:
                def apply(x):
                    split = 1 if axis is None else axis % len(dims)
                    return fn(x.reshape(math.prod(dims[:split]), -1), 1).reshape(dims)

            suite.add(name, [var(suite.normal(*dims))], apply, oracle, opset=opset,
                      **({} if axis is None else {"axis": axis}))

        for opset in (13, 17):
            add(f"opset {opset} default axis", (2, 3, 4), opset)
            add(f"opset {opset} axis -1", (2, 5), opset, -1)
            add(f"opset {opset} axis 1", (2, 3, 4), opset, 1)
            add(f"opset {opset} axis 1 rank 4", (1, 3, 2, 3), opset, 1)
        add("opset 13 axis 0", (3, 4), 13, 0)
        add("opset 13 axis -2 attention", (1, 2, 3, 4), 13, -2)
        add("opset 13 one element", (2, 1), 13, -1)
        add("opset 11 default axis", (2, 3, 4), 11)
        add("opset 11 axis 1", (2, 3, 2, 2), 11, 1)
        add("opset 11 axis 2", (2, 3, 2, 2), 11, 2)
        add("opset 11 axis -1", (2, 3, 4), 11, -1)
        add("opset 11 axis 0", (2, 3), 11, 0)
        suite.add("large logits", [var([[30, -40, 29], [0.5, 30, -30]])], lambda x: fn(x, -1), oracle)
        suites.append(suite)
    return suites


def lp_normalization():
    suite = Suite("LpNormalization")

    def normalize(x, axis, p):
        norm = torch.linalg.vector_norm(x, p, axis, keepdim=True)
        return torch.where(norm == 0, 0 * x, x / torch.where(norm == 0, 1, norm))

    def add(name, x, opset=17, **attributes):
        axis, p = attributes.get("axis", -1), attributes.get("p", 2)
        suite.add(name, [var(x)], lambda x: normalize(x, axis, p), COMPOSITION, opset=opset, **attributes)

    add("default", suite.normal(2, 4))
    for p in (1, 2):
        add(f"p {p} axis 1", suite.away((2, 3, 2), [0]), axis=1, p=p)
        add(f"p {p} axis -2", suite.away((1, 2, 3, 2), [0]), axis=-2, p=p)
        add(f"p {p} opset 11", suite.away((3, 2), [0]), 11, axis=0, p=p)
        add(f"p {p} opset 22", suite.away((3, 2), [0]), 22, p=p)
    # The operator gives 0 for a vector of zeros; its gradient there is 0 as well.
    for p in (1, 2):
        x = np.asarray([[1, -2, 2], [0, 0, 0], [3, 1, -1]], np.float32)
        suite.add(f"p {p} zero vector", [var(x)], lambda x, p=p: normalize(x, 1, p), COMPOSITION, tie=True, axis=1, p=p)
    return suite


def hardmax():
    suite = Suite("Hardmax")

    def add(name, dims, opset, axis=-1):
        def fn(x):
            largest = x.argmax(axis)
            return torch.nn.functional.one_hot(largest, x.shape[axis]).movedim(-1, axis).double()

        suite.add(name, [var(suite.distinct(*dims))], fn, COMPOSITION, opset=opset, axis=axis)

    add("axis -1", (2, 4), 13)
    add("axis 1", (2, 3, 2), 17, 1)
    return suite


SUITES = [batch_normalization, instance_normalization, lrn, layer_normalization, softmaxes, lp_normalization, hardmax]
