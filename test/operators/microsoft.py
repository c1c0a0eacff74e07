"""Operators of com.microsoft that ONNX Runtime's optimisers write and its CPU provider runs."""

import math

import torch
import torch.nn.functional as F

from common import Suite, const, var
from functions import rotate

DOMAIN = "com.microsoft"


def gelus():
    suites = []

    def add(op, name, inputs, fn, oracle="torch.nn.functional.gelu", **attributes):
        if not suites or suites[-1].op != op:
            suites.append(Suite(op, DOMAIN))
        suite = suites[-1]
        suite.add(name, inputs(suite), fn, oracle, **attributes)

    add("Gelu", "erf", lambda s: [var(s.normal(3, 4))], F.gelu)
    add("BiasGelu", "bias", lambda s: [var(s.normal(2, 3, 4)), var(s.normal(4))], lambda x, b: F.gelu(x + b))
    add("FastGelu", "tanh", lambda s: [var(s.normal(3, 4))], lambda x: F.gelu(x, approximate="tanh"))
    add("FastGelu", "tanh of x + bias", lambda s: [var(s.normal(2, 3, 4)), var(s.normal(4))],
        lambda x, b: F.gelu(x + b, approximate="tanh"))
    add("QuickGelu", "default", lambda s: [var(s.normal(3, 4))], lambda x: x * torch.sigmoid(1.702 * x), "torch.sigmoid")
    add("QuickGelu", "alpha 1", lambda s: [var(s.normal(3, 4))], F.silu, "torch.nn.functional.silu", alpha=1.0)
    return suites


ACTIVATIONS = {
    "Relu": (F.relu, []), "Sigmoid": (torch.sigmoid, []), "Tanh": (torch.tanh, []),
    "LeakyRelu": (lambda x: F.leaky_relu(x, 0.3), [0.3]),
    "Clip": (lambda x: x.clamp(-0.5, 2.5), [-0.5, 2.5]),
    "HardSigmoid": (lambda x: (0.3 * x + 0.4).clamp(0, 1), [0.3, 0.4]),
}


def fused_conv():
    suite = Suite("FusedConv", DOMAIN)
    for activation, (fn, parameters) in ACTIVATIONS.items():
        # Away from the kinks of HardSigmoid.
        weights = suite.normal(3, 2, 3, 3) * (0.05 if activation == "HardSigmoid" else 1)
        suite.add(activation, [var(suite.normal(1, 2, 5, 5)), var(weights), var(suite.normal(3) * 0.1)],
                  lambda x, w, b, fn=fn: fn(F.conv2d(x, w, b, padding=1)), "torch.nn.functional.conv2d",
                  activation=activation, pads=[1, 1, 1, 1], kernel_shape=[3, 3],
                  **({"activation_params": parameters} if parameters else {}))
    suite.add("a sum, groups, stride 2", [var(suite.normal(2, 4, 5, 6)), const(suite.normal(4, 2, 3, 3)), None,
                                          var(suite.normal(2, 4, 2, 2))],
              lambda x, w, b, z: F.relu(F.conv2d(x, w, None, 2, groups=2) + z), "torch.nn.functional.conv2d",
              activation="Relu", group=2, strides=[2, 2])
    suite.add("auto_pad", [var(suite.normal(1, 1, 4, 4)), var(suite.normal(1, 1, 3, 3))],
              lambda x, w: F.relu(F.conv2d(x, w, padding=1)), "torch.nn.functional.conv2d", activation="Relu",
              auto_pad="SAME_UPPER")
    return suite


def fused_gemm():
    suite = Suite("FusedGemm", DOMAIN)
    for activation, (fn, parameters) in ACTIVATIONS.items():
        if activation == "Clip":
            continue
        named = dict(zip(("activation_alpha", "activation_beta"), parameters))
        suite.add(activation, [var(suite.normal(3, 4)), var(suite.normal(4, 2)), var(suite.normal(2))],
                  lambda a, b, c, fn=fn: fn(a @ b + c), activation=activation, **named)
    suite.add("factors, both transposed", [var(suite.normal(4, 3)), var(suite.normal(2, 4)), var(suite.normal(3, 2))],
              lambda a, b, c: torch.tanh(0.5 * a.T @ b.T + 2 * c), activation="Tanh", transA=1, transB=1, alpha=0.5,
              beta=2.0)
    return suite


def fused_mat_muls():
    suites = []
    for op in ("FusedMatMul", "TransposeMatMul"):
        suite = Suite(op, DOMAIN)

        def add(name, a, b, fn, **attributes):
            suite.add(name, [var(suite.normal(*a)), var(suite.normal(*b))], fn, "torch.matmul", **attributes)

        add("alpha", (2, 3, 4), (2, 4, 5), lambda a, b: 0.25 * a @ b, alpha=0.25)
        add("transB", (2, 3, 4), (2, 5, 4), lambda a, b: a @ b.mT, transB=1)
        add("transA and transB, broadcast", (4, 3), (2, 5, 4), lambda a, b: 2 * a.mT @ b.mT, transA=1, transB=1,
            alpha=2.0)
        if op == "FusedMatMul":
            add("transBatchA", (3, 2, 4), (2, 4, 5), lambda a, b: a.permute(1, 0, 2) @ b, transBatchA=1)
            add("transBatchB", (2, 3, 4), (4, 2, 5), lambda a, b: a @ b.permute(1, 0, 2), transBatchB=1)
            add("all four", (4, 2, 2, 3), (5, 2, 2, 4),
                lambda a, b: a.permute(1, 2, 0, 3).mT @ b.permute(1, 2, 0, 3).mT, transA=1, transB=1, transBatchA=1,
                transBatchB=1)
        suites.append(suite)
    return suites


def skip_layer_normalizations():
    layer = Suite("SkipLayerNormalization", DOMAIN)
    rms = Suite("SkipSimplifiedLayerNormalization", DOMAIN)

    def rms_norm(x, scale, epsilon):
        return x * torch.rsqrt((x * x).mean(-1, True) + epsilon) * scale

    dims = (2, 3, 4)
    for epsilon in (1e-5, 0.1):
        for biased in (False, True):
            name = f"epsilon {epsilon}{' bias' if biased else ''}"
            for suite in (layer, rms):
                is_layer = suite is layer
                inputs = [var(suite.normal(*dims)), var(suite.normal(*dims)), var(suite.uniform(0.5, 2, 4))]
                if is_layer:
                    inputs.append(var(suite.normal(4)))
                if biased:
                    inputs.append(var(suite.normal(4)))

                def fn(x, skip, scale, *rest, is_layer=is_layer, e=epsilon):
                    total = x + skip
                    if len(rest) == 1 + is_layer:
                        total = total + rest[-1]
                    if is_layer:
                        return F.layer_norm(total, (4,), scale, rest[0], e)
                    return rms_norm(total, scale, e)

                suite.add(name, inputs, fn, "torch.nn.functional.layer_norm", epsilon=epsilon)
    layer.add("without beta, skip shared by the batch",
              [var(layer.normal(2, 3, 4)), var(layer.normal(3, 4)), var(layer.uniform(0.5, 2, 4))],
              lambda x, skip, scale: F.layer_norm(x + skip, (4,), scale, None, 1e-12), "torch.nn.functional.layer_norm",
              epsilon=1e-12)
    return [layer, rms]


def attend(q, k, v, heads, bias=0.0, scale=None, causal=False):
    q, k, v = (x if x.ndim == 4 else x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.mT * (scale or 1 / math.sqrt(q.shape[3])) + bias
    queries, keys = scores.shape[2:]
    if causal:
        allowed = torch.arange(keys) <= torch.arange(queries)[:, None] + keys - queries
        scores = scores.masked_fill(~allowed, -math.inf)
    y = torch.softmax(scores, 3) @ v
    return y.transpose(1, 2).reshape(y.shape[0], queries, -1)


def multi_head_attention():
    suite = Suite("MultiHeadAttention", DOMAIN)

    def add(name, inputs, fn, **attributes):
        suite.add(name, inputs, fn, num_heads=2, **attributes)

    def qkv(queries=3, keys=5, size=6):
        return [var(suite.normal(2, queries, 4)), var(suite.normal(2, keys, 4)), var(suite.normal(2, keys, size))]

    add("plain", qkv(), lambda q, k, v: attend(q, k, v, 2))
    add("scale", qkv(), lambda q, k, v: attend(q, k, v, 2, scale=0.3), scale=0.3)
    add("bias", [*qkv(), var(suite.normal(14))],
        lambda q, k, v, b: attend(q + b[:4], k + b[4:8], v + b[8:], 2))
    add("attention bias", [*qkv(), None, None, var(suite.normal(1, 2, 3, 5))],
        lambda q, k, v, _, __, b: attend(q, k, v, 2, b))
    add("key padding mask", [*qkv(), None, const([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], "int32")],
        lambda q, k, v, _, m: attend(q, k, v, 2, torch.where(m > 0, 0.0, -10000.0)[:, None, None]))
    add("causal", qkv(4, 4), lambda q, k, v: attend(q, k, v, 2, causal=True), unidirectional=1)
    add("key and value by heads", [var(suite.normal(2, 3, 4)), var(suite.normal(2, 2, 5, 2)),
                                   var(suite.normal(2, 2, 5, 2))], lambda q, k, v: attend(q, k, v, 2))
    return suite


def attention():
    suite = Suite("Attention", DOMAIN)

    def add(name, rest, fn, sizes=(4, 4, 4), **attributes):
        inputs = [var(suite.normal(2, 3, 5)), var(suite.normal(5, sum(sizes))), var(suite.normal(sum(sizes))), *rest]

        def apply(x, w, b, *others):
            return fn(*torch.split(x @ w + b, sizes, 2), *others)

        suite.add(name, inputs, apply, num_heads=2, **attributes)

    add("plain", [], lambda q, k, v: attend(q, k, v, 2))
    add("sizes", [], lambda q, k, v: attend(q, k, v, 2), (4, 4, 6), qkv_hidden_sizes=[4, 4, 6])
    add("causal", [], lambda q, k, v: attend(q, k, v, 2, causal=True), unidirectional=1)
    add("mask of keys", [const([[1, 1, 0], [1, 1, 1]], "int32")],
        lambda q, k, v, m: attend(q, k, v, 2, torch.where(m > 0, 0.0, -10000.0)[:, None, None]))
    add("mask of queries and keys", [const([[[1, 0, 0], [1, 1, 0], [1, 1, 1]]] * 2, "int32")],
        lambda q, k, v, m: attend(q, k, v, 2, torch.where(m > 0, 0.0, -10000.0)[:, None]))
    add("attention bias, scale", [None, None, var(suite.normal(2, 2, 3, 3))],
        lambda q, k, v, _, __, b: attend(q, k, v, 2, b, 0.4), scale=0.4)

    def with_past(q, k, v, _, past):
        split = [x.reshape(2, 3, 2, 2).transpose(1, 2) for x in (q, k, v)]
        keys, values = torch.cat([past[0], split[1]], 2), torch.cat([past[1], split[2]], 2)
        return attend(split[0], keys, values, 2, causal=True), torch.stack([keys, values])

    add("past, causal", [None, var(suite.normal(2, 2, 2, 4, 2))], with_past, unidirectional=1)
    return suite


def rotary_embedding():
    suite = Suite("RotaryEmbedding", DOMAIN)

    def add(name, dims, positions, interleaved=0, partial=0, **attributes):
        flat = len(dims) == 3
        heads = attributes.get("num_heads", 0)
        size = dims[3] if not flat else dims[2] // (heads or 1)
        half = (partial or (size if heads or not flat else 4)) // 2
        inputs = [var(suite.normal(*dims)), const(positions), const(suite.normal(8, half)), const(suite.normal(8, half))]

        def fn(x, ids, cos, sin):
            length = dims[1] if flat else dims[2]
            if ids.ndim == 1:
                ids = (ids + torch.arange(length)).expand(dims[0], length)
            return rotate(x, cos, sin, ids, heads or dims[2] // 4, partial, interleaved)

        suite.add(name, inputs, fn, **attributes, **({"interleaved": 1} if interleaved else {}),
                  **({"rotary_embedding_dim": partial} if partial else {}))

    add("3-D, heads by the caches", (2, 3, 8), [[0, 4, 2], [7, 1, 1]])
    add("3-D, first position", (2, 3, 8), [2])
    add("4-D interleaved", (1, 2, 3, 4), [[5, 0, 1]], 1)
    add("partial", (1, 2, 12), [[3, 4]], 0, 4, num_heads=2)
    return suite


SUITES = [gelus, fused_conv, fused_gemm, fused_mat_muls, skip_layer_normalizations, multi_head_attention, attention,
          rotary_embedding]
