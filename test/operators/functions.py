"""Operators of the default domain that are differentiated through their function body."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from common import Suite, computed, const, var


def group_normalization():
    suite = Suite("GroupNormalization")
    suite.checked = False

    def add(name, dims, groups, opset, **attributes):
        channels = dims[1]
        size = groups if opset < 21 else channels
        inputs = [var(suite.normal(*dims)), var(suite.uniform(0.5, 2, size)), var(suite.normal(size))]

        def fn(x, scale, bias):
            normalized = F.group_norm(x, groups, eps=attributes.get("epsilon", 1e-5))
            shape = (1, channels, *[1] * (len(dims) - 2))
            each = channels // groups if opset < 21 else 1
            return normalized * scale.repeat_interleave(each).reshape(shape) \
                + bias.repeat_interleave(each).reshape(shape)

        suite.add(name, inputs, fn, "torch.nn.functional.group_norm", opset=opset, num_groups=groups, **attributes)

    for opset in (18, 21):
        add(f"opset {opset}", (2, 4, 3, 3), 2, opset)
        add(f"opset {opset} rank 3, epsilon 0.1", (1, 6, 5), 3, opset, epsilon=0.1)
        add(f"opset {opset} one group", (2, 4, 3), 1, opset)
        add(f"opset {opset} a group per channel", (2, 3, 2, 2, 2), 3, opset)
    add("opset 22", (1, 4, 3, 3), 2, 22)
    return suite


def rms_normalizations():
    def rms(x, scale, axis, epsilon):
        axes = tuple(range(axis % x.ndim, x.ndim))
        inverse = torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon)
        return x * inverse * scale, inverse

    suite = Suite("RMSNormalization")
    for name, dims, opset, attributes in [("default axis", (2, 3, 5), 23, {}), ("axis 1", (2, 3, 4), 23, {"axis": 1}),
                                          ("axis -2 epsilon 0.1", (2, 3, 4), 24, {"axis": -2, "epsilon": 0.1})]:
        axis = attributes.get("axis", -1)
        suite.add(name, [var(suite.normal(*dims)), var(suite.uniform(0.5, 2, *dims[axis:]))],
                  lambda x, s, axis=axis, e=attributes.get("epsilon", 1e-5): rms(x, s, axis, e)[0], opset=opset,
                  **attributes)
    simplified = Suite("SimplifiedLayerNormalization")
    return [suite, simplified_layer_normalization(simplified, rms)]


def simplified_layer_normalization(suite, rms):
    # In the default domain, though ONNX does not have it: no schema to name the inputs by.
    suite.checked = False
    suite._input_names = lambda inputs, opset: {id(v): f"x{i}" for i, v in enumerate(inputs) if v is not None}
    for name, dims, axis, opset in [("default axis", (2, 3, 5), -1, 17), ("axis 1", (2, 3, 4), 1, 12)]:
        suite.add(name, [var(suite.normal(*dims)), var(suite.uniform(0.5, 2, *dims[axis:]))],
                  lambda x, s, axis=axis: rms(x, s, axis, 1e-5)[0], opset=opset, axis=axis, epsilon=1e-5)
    return suite


def swish():
    suite = Suite("Swish")
    suite.add("default", [var(suite.normal(2, 5))], F.silu, "torch.nn.functional.silu", opset=24)
    suite.add("alpha 1.7", [var(suite.normal(2, 5))], lambda x: x * torch.sigmoid(1.7 * x), opset=24, alpha=1.7)
    glu = Suite("SwiGLU")
    for name, alpha in [("default", 1.0), ("alpha 0.5", 0.5)]:
        glu.add(name, [var(glu.normal(2, 5)), var(glu.normal(2, 5))],
                lambda a, b, alpha=alpha: a * torch.sigmoid(alpha * a) * b, opset=28, forward=False,
                **({} if alpha == 1 else {"alpha": alpha}))
    return [suite, glu]


def mean_variance_normalization():
    suite = Suite("MeanVarianceNormalization")
    for name, dims, opset, attributes in [("default axes", (2, 3, 4, 3), 13, {}), ("opset 11", (1, 2, 3, 4), 11, {}),
                                          ("channels as well", (2, 3, 4), 17, {"axes": [1, 2]}),
                                          ("negative axes", (2, 3, 4), 17, {"axes": [-1]})]:
        axes = tuple(attributes.get("axes", (0, 2, 3)))
        suite.add(name, [var(suite.normal(*dims))],
                  lambda x, axes=axes: (x - x.mean(axes, True)) / (x.var(axes, False, keepdim=True).sqrt() + 1e-9),
                  opset=opset, **attributes)
    return suite


def shrink():
    suite = Suite("Shrink")

    def add(name, attributes, opset=17):
        lambd, bias = attributes.get("lambd", 0.5), attributes.get("bias", 0)

        def fn(x):
            return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, torch.zeros_like(x)))

        suite.add(name, [var(suite.away((3, 4), (-lambd, lambd)))], fn, opset=opset, **attributes)

    add("default", {})
    add("soft", {"lambd": 0.7, "bias": 0.7})
    add("hard, opset 11", {"lambd": 1.0}, 11)
    x = const([[-0.5, 0.5, 0.0]]).array
    suite.add("at the borders", [var(x)], lambda x: F.softshrink(x, 0.5), "torch.nn.functional.softshrink", tie=True,
              lambd=0.5, bias=0.5)
    return suite


def affine_grid():
    suite = Suite("AffineGrid")
    for align in (0, 1):
        for size in ([2, 3, 3, 4], [1, 2, 2, 3, 4]):
            n = len(size) - 2
            suite.add(f"{n}-D align_corners {align}", [var(suite.normal(size[0], n, n + 1)), const(size)],
                      lambda theta, _, size=size, align=align: F.affine_grid(theta, size, align_corners=bool(align)),
                      "torch.nn.functional.affine_grid", opset=20, align_corners=align)
    suite.add("default", [var(suite.normal(1, 2, 3)), const([1, 1, 2, 2])],
              lambda theta, _: F.affine_grid(theta, [1, 1, 2, 2], align_corners=False),
              "torch.nn.functional.affine_grid", opset=20)
    return suite


def losses():
    nll = Suite("NegativeLogLikelihoodLoss")
    cross_entropy = Suite("SoftmaxCrossEntropyLoss")
    shapes = [(3, 4), (2, 3, 5), (2, 3, 2, 3)]
    for suite in (nll, cross_entropy):
        for reduction in ("mean", "sum", "none"):
            for weighted in (False, True):
                loss_case(suite, shapes[1], 13, reduction, weighted, 1)
            loss_case(suite, shapes[0], 12, reduction, False, None)
        for dims in shapes:
            loss_case(suite, dims, 13, "mean", True, None)
        loss_case(suite, shapes[2], 12, "mean", False, -1)
    inputs = [var(cross_entropy.normal(2, 3, 4)), const(cross_entropy.rng.integers(0, 3, (2, 4)))]
    for upstream in ([True, True], [False, True]):
        cross_entropy.add(f"with log_prob {upstream}", inputs,
                          lambda x, t: (F.cross_entropy(x, t), torch.log_softmax(x, 1)),
                          "torch.nn.functional.cross_entropy", opset=13, upstream=upstream)
    cross_entropy.add("opset 11 would span all axes", [var(cross_entropy.normal(2, 3, 2, 2)),
                                                       const(cross_entropy.rng.integers(0, 3, (2, 2, 2)))],
                      F.cross_entropy, "torch.nn.functional.cross_entropy", opset=12)
    nll.add("opset 22 defaults", [var(nll.normal(2, 3)), const([0, 2])], F.nll_loss, "torch.nn.functional.nll_loss",
            opset=22)
    return [nll, cross_entropy]


def loss_case(suite, dims, opset, reduction, weighted, ignore):
    classes = dims[1]
    target = suite.rng.integers(0, classes, (dims[0], *dims[2:]))
    if ignore is not None:
        target.reshape(-1)[:2] = ignore
    inputs = [var(suite.normal(*dims)), const(target)]
    if weighted:
        inputs.append(const(suite.uniform(0.5, 2, classes)))
    fn, oracle = {"NegativeLogLikelihoodLoss": (F.nll_loss, "torch.nn.functional.nll_loss"),
                  "SoftmaxCrossEntropyLoss": (F.cross_entropy, "torch.nn.functional.cross_entropy")}[suite.op]
    name = f"opset {opset} rank {len(dims)} {reduction}{' weighted' if weighted else ''}" \
        + ("" if ignore is None else f" ignore {ignore}")
    suite.add(name, inputs, lambda x, t, w=None: fn(x, t, w, reduction=reduction,
                                                    ignore_index=-100 if ignore is None else ignore),
              oracle, opset=opset, reduction=reduction, **({} if ignore is None else {"ignore_index": ignore}))


def attention():
    suite = Suite("Attention")

    def stages(q, k, v, mask=None, past_k=None, past_v=None, lengths=None, *, heads, scale=None, causal=False,
               softcap=0.0, left=-1, right=-1):
        flat = q.ndim == 3
        if flat:
            q, k, v = (x.reshape(x.shape[0], x.shape[1], n, -1).transpose(1, 2)
                       for x, n in zip((q, k, v), (heads[0], heads[1], heads[1])))
        offset = 0
        if past_k is not None:
            offset = past_k.shape[2]
            k, v = torch.cat([past_k, k], 2), torch.cat([past_v, v], 2)
        present = (k, v)
        repeats = q.shape[1] // k.shape[1]
        k, v = (x.repeat_interleave(repeats, 1) for x in (k, v))
        scores = q @ k.transpose(2, 3) * (scale or 1 / math.sqrt(q.shape[3]))
        capped = softcap * torch.tanh(scores / softcap) if softcap else scores
        queries, keys = scores.shape[2:]
        allowed = torch.ones(1, 1, queries, keys, dtype=torch.bool)
        distance = torch.arange(keys) - torch.arange(queries)[:, None] - offset
        if lengths is not None:
            lengths = lengths.reshape(-1, 1, 1, 1)
            allowed = allowed & (torch.arange(keys) < lengths)
            distance = torch.arange(keys) - torch.arange(queries)[:, None] - (lengths - queries)
        if causal:
            allowed = allowed & (distance <= 0)
        if right >= 0:
            allowed = allowed & (distance <= right)
        if left >= 0:
            allowed = allowed & (distance >= -left)
        masked = capped
        if mask is not None:
            missing = keys - mask.shape[-1]
            if mask.dtype == torch.bool:
                allowed = allowed & F.pad(mask, (0, missing), value=False)
            else:
                masked = masked + F.pad(mask, (0, missing), value=-math.inf)
        masked = masked.masked_fill(~allowed, -math.inf)
        weights = torch.softmax(masked, 3)
        y = weights @ v
        if flat:
            y = y.transpose(1, 2).reshape(y.shape[0], queries, -1)
        return y, present, (scores, capped, masked, weights)

    def add(name, q, kv, v=None, mask=None, past=None, lengths=None, opset=23, outputs=1, mode=None, forward=True,
            upstream=None, mask_gradient=False, tie=False, **attributes):
        v = v or kv
        inputs = [var(suite.normal(*q)), var(suite.normal(*kv)), var(suite.normal(*v))]
        if mask is not None:
            inputs.append(var(mask) if mask_gradient else const(mask))
        if past is not None:
            inputs += [None] * (4 - len(inputs)) + [var(suite.normal(*past)), var(suite.normal(*past[:3], v[3]))]
        if lengths is not None:
            inputs += [None] * (6 - len(inputs)) + [const(lengths)]
        options = dict(heads=(attributes.get("q_num_heads"), attributes.get("kv_num_heads")),
                       scale=attributes.get("scale"), causal=bool(attributes.get("is_causal", 0)),
                       softcap=attributes.get("softcap", 0.0), left=attributes.get("left_window_size", -1),
                       right=attributes.get("right_window_size", -1))

        def fn(q, k, v, mask=None, past_k=None, past_v=None, lengths=None):
            y, present, shown = stages(q, k, v, mask, past_k, past_v, lengths, **options)
            return (y, *present, *([] if mode is None else [shown[mode]]))[:outputs]

        suite.add(name, inputs, fn, opset=opset, upstream=upstream, forward=forward, tie=tie,
                  **({} if mode is None else {"qk_matmul_output_mode": mode}), **attributes)

    four = (2, 2, 3, 4), (2, 2, 5, 4)
    add("4-D", *four)
    add("4-D values of another size, scale", *four, (2, 2, 5, 3), scale=0.3)
    add("3-D", (2, 3, 8), (2, 5, 8), q_num_heads=2, kv_num_heads=2)
    add("3-D values of another size", (2, 3, 8), (2, 5, 8), (2, 5, 6), q_num_heads=2, kv_num_heads=2)
    add("grouped queries 4-D", (1, 4, 3, 2), (1, 2, 5, 2))
    add("grouped queries 3-D", (2, 3, 8), (2, 5, 4), q_num_heads=4, kv_num_heads=2)
    add("one key head", (1, 3, 3, 2), (1, 1, 4, 2))
    add("causal", (1, 2, 4, 3), (1, 2, 4, 3), is_causal=1)
    add("causal, more keys", *four, is_causal=1)
    add("additive mask", *four, mask=suite.normal(3, 5), mask_gradient=True)
    add("additive mask per head", *four, mask=suite.normal(2, 2, 3, 5), mask_gradient=True)
    add("boolean mask", *four, mask=[[True, False, True, True, False], [True] * 5, [False, True, False, False, True]])
    add("boolean mask and causal", *four, mask=[[True, False, True, True, False], [True] * 5,
                                                [False, True, False, False, True]], is_causal=1)
    add("softcap", *four, softcap=1.5)
    add("softcap and mask", *four, mask=suite.normal(3, 5), softcap=1.5)
    add("past", (1, 2, 2, 3), (1, 2, 2, 3), past=(1, 2, 3, 3), outputs=3)
    add("past and causal", (1, 2, 2, 3), (1, 2, 2, 3), past=(1, 2, 3, 3), outputs=3, is_causal=1, opset=24)
    add("lengths", *four, lengths=[3, 5], opset=24)
    add("short additive mask", *four, mask=suite.normal(3, 4), opset=24, forward=False)
    add("short boolean mask", *four, mask=[[True, True, False], [True] * 3, [False, True, False]], opset=24,
        forward=False)
    for mode in (0, 1, 3):
        add(f"qk_matmul_output_mode {mode}", *four, outputs=4, mode=mode, softcap=2.0, mask=suite.normal(3, 6),
            past=(2, 2, 1, 4))
    add("qk_matmul_output_mode 2 without mask", *four, outputs=4, mode=2, softcap=2.0, past=(2, 2, 1, 4))
    add("sliding window", (1, 1, 4, 2), (1, 1, 6, 2), opset=25, left_window_size=1, right_window_size=2)
    add("sliding window and causal", (1, 1, 4, 2), (1, 1, 4, 2), opset=25, left_window_size=1, is_causal=1)
    add("lengths, causal and sliding window", (2, 1, 2, 2), (2, 1, 6, 2), opset=25, left_window_size=2, is_causal=1,
        lengths=[4, 6])
    add("qk_matmul_output_mode 2", *four, outputs=4, mode=2, softcap=2.0, mask=suite.normal(3, 6), mask_gradient=True,
        past=(2, 2, 1, 4))
    # ONNX shows −∞ where nothing may be seen, onnxruntime's own kernel the lowest float.
    add("qk_matmul_output_mode 2 and causal", *four, outputs=4, mode=2, mask=suite.normal(3, 5), is_causal=1, tie=True,
        forward=False)
    return suite


def rotary_embedding():
    suite = Suite("RotaryEmbedding")

    def add(name, dims, positions=None, interleaved=0, partial=0, **attributes):
        flat = len(dims) == 3
        heads = attributes.get("num_heads", 0)
        batch, length = dims[0], dims[1] if flat else dims[2]
        size = dims[2] // heads if flat else dims[3]
        half = (partial or size) // 2
        caches = (7, half) if positions is not None else (batch, length, half)
        inputs = [var(suite.normal(*dims)), var(suite.normal(*caches)), var(suite.normal(*caches))]
        if positions is not None:
            inputs.append(const(positions))
        suite.add(name, inputs, lambda x, cos, sin, ids=None: rotate(x, cos, sin, ids, heads, partial, interleaved),
                  opset=23, **attributes, **({"interleaved": 1} if interleaved else {}),
                  **({"rotary_embedding_dim": partial} if partial else {}))

    add("4-D", (2, 3, 2, 4))
    add("4-D positions", (2, 3, 2, 4), [[0, 3], [6, 3]])
    add("3-D", (2, 2, 12), num_heads=3)
    add("3-D positions", (1, 3, 8), [[1, 0, 5]], num_heads=2)
    add("interleaved", (1, 2, 3, 6), interleaved=1)
    add("partial", (1, 2, 3, 6), partial=4)
    add("partial interleaved positions 3-D", (1, 2, 12), [[4, 2]], 1, 4, num_heads=2)
    return suite


def rotate(x, cos, sin, ids, heads, partial, interleaved):
    flat = x.ndim == 3
    dims = x.shape
    if flat:
        x = x.reshape(dims[0], dims[1], heads, -1).transpose(1, 2)
    if ids is not None:
        cos, sin = cos[ids], sin[ids]
    cos, sin = cos[:, None], sin[:, None]
    width = partial or x.shape[3]
    turned, rest = x[..., :width], x[..., width:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    real, imaginary = cos * a - sin * b, sin * a + cos * b
    turned = torch.stack([real, imaginary], -1).flatten(-2) if interleaved else torch.cat([real, imaginary], -1)
    y = torch.cat([turned, rest], -1)
    return y.transpose(1, 2).reshape(dims) if flat else y


def cum_prod():
    suite = Suite("CumProd")

    def add(name, x, axis, **attributes):
        exclusive, reverse = attributes.get("exclusive", 0), attributes.get("reverse", 0)

        def fn(x, _):
            x = x.flip(axis) if reverse else x
            if exclusive:
                x = torch.cat([torch.ones_like(x.narrow(axis, 0, 1)), x.narrow(axis, 0, x.shape[axis] - 1)], axis)
            y = torch.cumprod(x, axis)
            return y.flip(axis) if reverse else y

        suite.add(name, [var(x), const(axis)], fn, "torch.cumprod", opset=26, forward=False, **attributes)

    for exclusive in (0, 1):
        for reverse in (0, 1):
            add(f"exclusive {exclusive} reverse {reverse}", suite.normal(2, 5), 1, exclusive=exclusive, reverse=reverse)
    add("1-D", suite.normal(8), 0)
    add("axis 0", suite.normal(3, 2), 0)
    add("axis -1", suite.normal(2, 2, 7), -1)
    add("one element", suite.normal(2, 1), 1)
    add("one element exclusive", suite.normal(2, 1, 3), 0, exclusive=1)
    zeros = np.asarray([[1.5, 0, -2, 0.5], [0, 1, 0, 2]], np.float32)
    add("zeros", zeros, 1)
    add("zeros exclusive reverse", zeros, 1, exclusive=1, reverse=1)
    return suite


def tensor_scatter():
    suite = Suite("TensorScatter")

    def add(name, cache, update, starts=None, axis=-2, **attributes):
        size = cache[axis]

        def fn(cache, update, starts=None):
            result = cache.clone()
            for sample in range(len(cache)):
                at = (0 if starts is None else int(starts[sample])) + torch.arange(update.shape[axis])
                at = at % size if attributes.get("mode") == "circular" else at
                result[sample] = result[sample].index_copy(axis % len(cache.shape) - 1, at, update[sample])
            return result

        inputs = [var(suite.normal(*cache)), var(suite.normal(*update))]
        if starts is not None:
            inputs.append(starts)
        suite.add(name, inputs, fn, opset=24, forward=False, **({} if axis == -2 else {"axis": axis}), **attributes)

    add("without indices", (2, 4, 3), (2, 2, 3))
    add("linear", (2, 2, 5, 3), (2, 2, 2, 3), const([1, 3]), mode="linear")
    add("computed indices", (2, 2, 5, 3), (2, 2, 2, 3), computed([3, 0]))
    add("circular", (3, 1, 4, 2), (3, 1, 3, 2), const([1, 3, 2]), mode="circular")
    add("circular computed", (2, 4, 2), (2, 4, 2), computed([3, 1]), mode="circular")
    add("axis 1", (2, 5, 2, 2), (2, 1, 2, 2), const([4, 0]), axis=1)
    add("axis -1", (2, 3, 4), (2, 3, 2), const([0, 2]), axis=-1)
    return suite


def stft():
    suite = Suite("STFT")

    def add(name, dims, step, length, window=False, opset=17, give_length=True, **attributes):
        onesided = bool(attributes.get("onesided", 1))

        def fn(signal, _, window=None, __=None):
            flat = signal[..., 0] if dims[2] == 1 else torch.view_as_complex(signal)
            window = torch.ones(length).double() if window is None else window
            frames = torch.stft(flat, length, step, window=window, center=False, onesided=onesided, return_complex=True)
            return torch.view_as_real(frames.transpose(1, 2).contiguous())

        inputs = [var(suite.normal(*dims)), const(step)]
        inputs.append(var(suite.uniform(0.2, 1, length)) if window else None)
        if give_length:
            inputs.append(const(length))
        suite.add(name, inputs, fn, "torch.stft", opset=opset, **attributes)

    add("default", (2, 14, 1), 3, 6)
    add("window", (2, 14, 1), 3, 6, window=True)
    add("window gives the length", (1, 12, 1), 4, 8, window=True, give_length=False)
    add("odd length", (1, 11, 1), 2, 5, window=True)
    add("two-sided", (1, 10, 1), 2, 4, window=True, onesided=0)
    add("complex", (2, 10, 2), 3, 4, onesided=0)
    add("complex window", (1, 9, 2), 2, 5, window=True, onesided=0)
    add("frames apart", (1, 20, 1), 7, 4)
    add("opset 20", (1, 12, 1), 4, 8, window=True, opset=20)
    return suite


SUITES = [group_normalization, rms_normalizations, swish, mean_variance_normalization, shrink, affine_grid, losses,
          attention, rotary_embedding, cum_prod, tensor_scatter, stft]
