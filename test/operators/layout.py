"""Operators that move values: Concat, Split, Slice, Pad, Reshape, Transpose, Expand, Tile, Gather, Cast and others."""

import numpy as np
import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, const, var
from indexing import gather_computed

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


def select(x, axis, index):
    return x.index_select(axis, torch.as_tensor(list(index), dtype=torch.int64))


def concat():
    suite = Suite("Concat")

    def add(name, axis, *shapes, constant=(), opset=17):
        inputs = [(const if i in constant else var)(suite.normal(*dims)) for i, dims in enumerate(shapes)]
        suite.add(name, inputs, lambda *x: torch.cat(x, axis), "torch.cat", opset=opset, axis=axis)

    add("axis 1", 1, (1, 2, 3, 2), (1, 3, 3, 2))
    add("axis -1", -1, (2, 3), (2, 1))
    add("axis 0", 0, (1, 3), (2, 3))
    add("axis -3", -3, (1, 2, 3, 2), (1, 1, 3, 2))
    add("3 inputs", 1, (2, 1, 3), (2, 2, 3), (2, 3, 3))
    add("3 inputs one initializer", 1, (2, 1, 3), (2, 2, 3), (2, 1, 3), constant=(1,))
    add("initializer first", 1, (2, 1, 3), (2, 2, 3), constant=(0,))
    add("1 input", 1, (2, 3))
    add("1-D", 0, (2,), (3,))
    value = var(suite.normal(2, 2, 3))
    suite.add("same value twice", [value, value], lambda *x: torch.cat(x, 1), "torch.cat", axis=1)
    value = var(suite.normal(2, 2))
    suite.add("same value twice and another", [value, var(suite.normal(2, 1)), value], lambda *x: torch.cat(x, -1),
              "torch.cat", axis=-1)
    add("opset 11", 1, (1, 2, 3), (1, 1, 3), opset=11)
    add("opset 13", 1, (1, 2, 3), (1, 1, 3), opset=13)
    return suite


def split():
    suite = Suite("Split")

    def add(name, dims, sizes, opset, *, given=True, upstream=None, **attributes):
        axis = attributes.get("axis", 0)
        inputs = [var(suite.normal(*dims))]
        if given and opset < 13:
            attributes["split"] = sizes
        elif given:
            inputs.append(const(sizes))
        suite.add(name, inputs, lambda x, *_: torch.split(x, sizes, axis), "torch.split", opset=opset,
                  upstream=upstream, **attributes)

    for opset in (11, 13, 18):
        add(f"opset {opset} axis 1", (2, 5, 3), [2, 3], opset, axis=1)
        add(f"opset {opset} axis -1", (2, 6), [1, 2, 3], opset, axis=-1)
        add(f"opset {opset} default axis", (4, 2), [1, 3], opset)
        add(f"opset {opset} upstream on one output", (2, 5, 3), [2, 1, 2], opset, axis=1,
            upstream=[False, True, False])
        add(f"opset {opset} upstream on the last output", (2, 4), [2, 2], opset, axis=1, upstream=[False, True])
        if opset < 18:
            add(f"opset {opset} equal parts", (2, 6), [3, 3], opset, given=False, axis=1)
    add("opset 18 num_outputs", (2, 6), [2, 2, 2], 18, given=False, axis=1, num_outputs=3)
    add("opset 18 num_outputs uneven last", (2, 7), [3, 3, 1], 18, given=False, axis=1, num_outputs=3)
    add("opset 18 num_outputs uneven upstream on one output", (7, 2), [2, 2, 2, 1], 18, given=False, num_outputs=4,
        upstream=[True, False, False, False])
    add("opset 13 one output", (2, 3), [3], 13, axis=1)
    return suite


def slices():
    suite = Suite("Slice")

    def add(name, dims, starts, ends, axes=None, steps=None, opset=17):
        def fn(x, *_):
            for i, (start, end) in enumerate(zip(starts, ends)):
                axis = i if axes is None else axes[i]
                step = 1 if steps is None else steps[i]
                x = select(x, axis, range(*slice(start, end, step).indices(x.shape[axis])))
            return x

        inputs = [var(suite.normal(*dims)), const(starts), const(ends)]
        if axes is not None or steps is not None:
            inputs.append(None if axes is None else const(axes))
        if steps is not None:
            inputs.append(const(steps))
        suite.add(name, inputs, fn, COMPOSITION, opset=opset)

    add("one axis", (2, 5, 3), [1], [4], [1])
    add("axes omitted", (4, 5, 2), [1, 0], [3, 4])
    add("axes omitted with steps", (4, 5), [0, 1], [4, 5], None, [2, 2])
    add("negative starts and ends", (2, 6), [-4], [-1], [1])
    add("negative axis", (2, 3, 5), [1], [4], [-1])
    add("axes out of order", (3, 4, 5), [1, 0, 2], [4, 2, 4], [2, 0, 1])
    add("end out of range", (2, 5), [2], [1000], [1])
    add("end largest int64", (2, 5), [2], [LARGEST], [1])
    add("start out of range", (2, 5), [-100], [3], [1])
    add("whole", (2, 3), [0, 0], [2, 3], [0, 1])
    add("step 2", (2, 6), [0], [6], [1], [2])
    add("step 2 odd size from 1", (2, 7), [1], [LARGEST], [1], [2])
    add("step 2 on two axes", (1, 2, 5, 6), [0, 1], [5, 6], [2, 3], [2, 2])
    add("step 3 remainder", (8, 2), [1], [8], [0], [3])
    add("step larger than the axis", (2, 3), [1], [3], [1], [7])
    add("negative step", (2, 5), [4], [0], [1], [-1])
    add("reversed", (2, 5), [-1], [SMALLEST], [1], [-1])
    add("reversed from beyond the end", (2, 5), [LARGEST], [-100], [1], [-1])
    add("step -2", (2, 6), [5], [0], [1], [-2])
    add("step -3 with remainder", (2, 8), [6], [SMALLEST], [1], [-3])
    add("mixed steps", (4, 5, 6), [0, 4, 1], [4, 0, 6], [0, 1, 2], [1, -2, 2])
    add("opset 10", (2, 5), [1], [4], [1], [2], 10)
    add("opset 11", (2, 5), [1], [4], [1], [1], 11)
    add("opset 13", (2, 5), [0], [3], [1], None, 13)
    return suite


def pad():
    suite = Suite("Pad")

    def add(name, dims, pads, opset, value=None, axes=None, **attributes):
        mode = attributes.get("mode", "constant")

        def fn(x, *_):
            rank = len(pads) // 2
            for i in range(rank):
                axis = (i if axes is None else axes[i]) % x.ndim
                begin, end, n = pads[i], pads[i + rank], x.shape[axis]
                if mode == "constant":
                    last_first = [0] * 2 * (x.ndim - 1 - axis) + [begin, end]
                    x = F.pad(x, last_first, value=0.0 if value is None else value)
                    continue
                index = np.arange(-begin, n + end)
                if mode == "edge":
                    index = np.clip(index, 0, n - 1)
                elif mode == "wrap":
                    index = index % n
                else:
                    index = np.abs(index)
                    index = np.where(index > n - 1, 2 * (n - 1) - index, index)
                x = select(x, axis, index)
            return x

        inputs = [var(suite.normal(*dims)), const(pads)]
        if value is not None or axes is not None:
            inputs.append(None if value is None else const(np.float32(value)))
        if axes is not None:
            inputs.append(const(axes))
        suite.add(name, inputs, fn, COMPOSITION, opset=opset, **attributes)

    image = (1, 2, 3, 4)
    for opset in (11, 13, 18):
        add(f"constant opset {opset}", image, [0, 0, 1, 2, 0, 0, 3, 0], opset)
        add(f"constant value opset {opset}", image, [0, 0, 1, 1, 0, 0, 1, 1], opset, 2.5, mode="constant")
        add(f"constant negative opset {opset}", image, [0, 0, -1, 1, 0, 0, 0, -2], opset)
        add(f"reflect opset {opset}", image, [0, 0, 1, 2, 0, 0, 2, 3], opset, mode="reflect")
        add(f"edge opset {opset}", image, [0, 0, 1, 2, 0, 0, 2, 0], opset, mode="edge")
    add("constant on every axis", (2, 3), [1, 2, 3, 1], 17, -1.0)
    add("constant no pads", (2, 3), [0, 0, 0, 0], 17)
    add("constant all negative", (4, 5), [-1, -2, -1, -1], 17)
    add("constant channels", (1, 2, 2, 2), [0, 1, 0, 0, 0, 2, 0, 0], 17)
    add("reflect 1-D signal", (1, 2, 5), [0, 0, 4, 0, 0, 1], 17, mode="reflect")
    add("reflect on one side", (1, 1, 4, 4), [0, 0, 0, 3, 0, 0, 0, 0], 17, mode="reflect")
    add("edge wide", (1, 1, 2, 3), [0, 0, 3, 4, 0, 0, 2, 5], 17, mode="edge")
    add("edge one pixel", (1, 2, 1, 1), [0, 0, 1, 1, 0, 0, 1, 1], 17, mode="edge")
    add("axes opset 18", image, [1, 2, 0, 1], 18, axes=[2, 3])
    add("axes out of order with a value opset 18", image, [1, 2, 0, 1], 18, 0.5, [3, 1])
    add("axes negative reflect opset 18", image, [1, 2, 2, 1], 18, None, [-2, -1], mode="reflect")
    add("axes edge opset 19", image, [1, 2], 19, None, [3], mode="edge")
    for opset in (19, 21):
        add(f"wrap opset {opset}", image, [0, 0, 1, 2, 0, 0, 2, 3], opset, mode="wrap")
        add(f"constant opset {opset}", image, [0, 0, 1, 0, 0, 0, 0, 2], opset, 1.0)
    add("wrap axes opset 19", image, [2, 1], 19, None, [2], mode="wrap")
    volume = (1, 2, 3, 4, 3)
    add("3-D constant value", volume, [0, 0, 1, 0, 2, 0, 0, 0, 3, 1], 17, 1.5)
    add("3-D constant negative", volume, [0, 0, -1, 1, 0, 0, 0, 0, -2, -1], 17)
    add("3-D reflect", volume, [0, 0, 2, 1, 1, 0, 0, 1, 3, 2], 17, mode="reflect")
    add("3-D edge", volume, [0, 0, 1, 2, 1, 0, 0, 0, 3, 2], 17, mode="edge")
    add("3-D wrap axes opset 19", volume, [1, 2, 3, 0, 1, 2], 19, None, [2, 3, 4], mode="wrap")
    add("wrap by the whole axis opset 19", (1, 1, 3, 2), [0, 0, 0, 2, 0, 0, 3, 0], 19, mode="wrap")
    return suite


def center_crop_pad():
    suite = Suite("CenterCropPad")

    def add(name, dims, shape, opset=18, **attributes):
        axes = [axis % len(dims) for axis in attributes.get("axes", range(len(dims)))]

        def fn(x, _):
            for axis, n in zip(axes, shape):
                extra = n - x.shape[axis]
                begin = -(-extra // 2) if extra < 0 else extra // 2
                x = F.pad(x, [0] * 2 * (x.ndim - 1 - axis) + [begin, extra - begin])
            return x

        suite.add(name, [var(suite.normal(*dims)), const(shape)], fn, "torch.nn.functional.pad", opset=opset,
                  **attributes)

    add("crop", (1, 2, 5, 6), [3, 4], axes=[2, 3])
    add("crop odd", (1, 2, 6, 5), [3, 2], axes=[2, 3])
    add("pad", (1, 2, 3, 4), [5, 8], axes=[2, 3])
    add("pad odd", (1, 2, 3, 4), [6, 5], axes=[2, 3])
    add("pad and crop", (2, 5, 3), [2, 2, 6])
    add("axes negative", (1, 2, 4, 3), [7, 6], axes=[-1, -2])
    add("3-D", (1, 2, 3, 4, 5), [4, 3, 5], axes=[2, 3, 4])
    add("unchanged", (2, 3), [2, 3])
    add("opset 21", (3, 4), [4, 3], 21)
    return suite


def col_2_im():
    suite = Suite("Col2Im")

    def add(name, dims, image, block, opset=18, **attributes):
        rank = len(block)
        strides, dilations = attributes.get("strides", [1] * rank), attributes.get("dilations", [1] * rank)
        pads = attributes.get("pads", [0] * 2 * rank)
        extents = [n + pads[i] + pads[i + rank] for i, n in enumerate(image)]
        counts = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(extents, dilations, block, strides)]
        places = torch.zeros([1] * 2 * rank, dtype=torch.int64)
        for i, n in enumerate(extents):
            tap, step = torch.arange(block[i]) * dilations[i], torch.arange(counts[i]) * strides[i]
            places = places * n + tap.reshape([-1 if j == i else 1 for j in range(2 * rank)]) + step.reshape(
                [-1 if j == rank + i else 1 for j in range(2 * rank)])
        places = places.reshape(-1)

        def fn(x, *_):
            batch, channels = dims
            columns = x.reshape(batch * channels, -1)
            flat = torch.zeros(batch * channels, int(np.prod(extents)), dtype=x.dtype)
            y = flat.index_add(1, places, columns).reshape(batch, channels, *extents)
            for i, n in enumerate(image):
                y = y.narrow(i + 2, pads[i], n)
            return y

        x = suite.normal(dims[0], dims[1] * int(np.prod(block)), int(np.prod(counts)))
        suite.add(name, [var(x), const(image), const(block)], fn, "torch.Tensor.index_add", opset=opset, **attributes)

    add("patches", (1, 2), [4, 6], [2, 2], strides=[2, 2])
    add("overlap", (2, 2), [4, 5], [3, 2])
    add("pads", (1, 2), [4, 5], [3, 3], pads=[1, 0, 1, 2])
    add("dilations and strides", (1, 2), [7, 6], [2, 3], dilations=[2, 1], strides=[2, 1])
    add("remainder", (1, 1), [5, 6], [2, 2], strides=[2, 3])
    add("1-D", (1, 2), [6], [3], strides=[2], pads=[1, 0])
    add("3-D", (1, 2), [3, 4, 3], [2, 2, 2], strides=[1, 2, 1])
    add("opset 21", (1, 1), [3, 3], [2, 2], 21)
    return suite


def reshapes():
    suites = [Suite(op) for op in ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile")]
    reshape, flatten, squeeze, unsqueeze, transpose, expand, tile = suites

    for name, dims, shape, target, opset, attributes in [
        ("plain", (2, 3, 4), (4, 6), [4, 6], 17, {}), ("minus one", (2, 3, 4), (2, 12), [2, -1], 17, {}),
        ("zero", (2, 3, 4), (2, 12), [0, 12], 17, {}),
        ("zero and minus one", (2, 3, 4), (2, 3, 2, 2), [0, 0, -1, 2], 17, {}),
        ("flat", (2, 3), (6,), [-1], 17, {}), ("to a scalar", (1, 1), (), [], 17, {}),
        ("from a scalar", (), (1, 1), [1, 1], 17, {}), ("allowzero", (2, 3), (3, 2), [3, 2], 17, {"allowzero": 1}),
        ("opset 11", (2, 4), (2, 2, 2), [0, 2, -1], 11, {}),
        ("opset 13", (2, 4), (8, 1), [-1, 1], 13, {}), ("opset 21", (2, 4), (4, 2), [4, 2], 21, {}),
    ]:
        reshape.add(name, [var(reshape.normal(*dims)), const(target, np.int64)], lambda x, _: x.reshape(shape),
                    "torch.reshape", opset=opset, **attributes)

    for name, dims, axis, opset in [("default", (2, 3, 4), None, 17), ("axis 0", (2, 3, 4), 0, 17),
                                    ("axis 1", (2, 3, 2, 2), 1, 17), ("axis 2", (2, 3, 4), 2, 17),
                                    ("axis 3 the rank", (2, 3, 4), 3, 17), ("axis -1", (2, 3, 4), -1, 17),
                                    ("1-D", (4,), 1, 17), ("opset 11", (2, 3, 4), 1, 11),
                                    ("opset 21", (2, 3, 4), 2, 21)]:
        rows = int(np.prod(dims[:1 if axis is None else axis], dtype=int))
        flatten.add(name, [var(flatten.normal(*dims))], lambda x: x.reshape(rows, -1), "torch.reshape", opset=opset,
                    **({} if axis is None else {"axis": axis}))

    for opset in (11, 13, 21):
        for name, dims, axes in [("axis 0", (1, 2, 3), [0]), ("axes 1 3", (2, 1, 3, 1), [1, 3]),
                                 ("axis -1", (2, 3, 1), [-1]), ("all", (1, 2, 1, 3), None)]:
            gone = [i for i, d in enumerate(dims) if d == 1] if axes is None else [a % len(dims) for a in axes]
            shape = [d for i, d in enumerate(dims) if i not in gone]
            inputs = [var(squeeze.normal(*dims))] + ([const(axes)] if axes and opset >= 13 else [])
            squeeze.add(f"{name} opset {opset}", inputs, lambda x, *_: x.reshape(shape), "torch.reshape", opset=opset,
                        **({"axes": axes} if axes and opset < 13 else {}))
        for name, dims, axes in [("axis 0", (2, 3), [0]), ("axes 0 3", (2, 3), [0, 3]), ("axis -1", (2, 3), [-1]),
                                 ("axes out of order", (2, 3), [2, 0, 3]), ("scalar", (), [0])]:
            rank = len(dims) + len(axes)
            rest = iter(dims)
            shape = [1 if i in [a % rank for a in axes] else next(rest) for i in range(rank)]
            inputs = [var(unsqueeze.normal(*dims))] + ([const(axes)] if opset >= 13 else [])
            unsqueeze.add(f"{name} opset {opset}", inputs, lambda x, *_: x.reshape(shape), "torch.reshape",
                          opset=opset, **({"axes": axes} if opset < 13 else {}))

    for name, dims, perm, opset in [("default", (2, 3, 4), None, 17), ("NCHW to NHWC", (2, 3, 4, 2), [0, 2, 3, 1], 17),
                                    ("NHWC to NCHW", (2, 3, 4, 2), [0, 3, 1, 2], 17), ("2-D", (2, 3), [1, 0], 17),
                                    ("identity", (2, 3), [0, 1], 17),
                                    ("rank 6", (1, 2, 2, 2, 3, 2), [0, 4, 1, 5, 2, 3], 17),
                                    ("default 1-D", (3,), None, 17), ("opset 11", (2, 3, 4), [2, 0, 1], 11),
                                    ("opset 21", (2, 3, 4), [1, 2, 0], 21)]:
        order = perm or list(range(len(dims)))[::-1]
        transpose.add(name, [var(transpose.normal(*dims))], lambda x: x.permute(order), "torch.permute", opset=opset,
                      **({} if perm is None else {"perm": perm}))

    for name, dims, shape, opset in [("one axis", (2, 1, 3), [2, 4, 3], 17),
                                     ("ones keep the axis", (2, 3, 1), [1, 1, 4], 17),
                                     ("higher rank", (3, 1), [2, 3, 4], 17), ("lower rank", (2, 3, 4), [1, 4], 17),
                                     ("scalar", (), [2, 3], 17), ("nothing", (2, 3), [2, 3], 17),
                                     ("opset 11", (1, 3), [2, 3], 11), ("opset 13", (1, 3), [2, 2, 3], 13)]:
        expand.add(name, [var(expand.normal(*dims)), const(shape)],
                   lambda x, _: x.expand(torch.broadcast_shapes(tuple(dims), tuple(shape))), "torch.Tensor.expand",
                   opset=opset)

    for name, dims, repeats, opset in [("one axis", (2, 3), [1, 2], 17), ("two axes", (2, 3), [3, 2], 17),
                                       ("nothing", (2, 3), [1, 1], 17), ("rank 4", (1, 2, 1, 3), [2, 1, 3, 2], 17),
                                       ("1-D", (3,), [4], 17), ("opset 11", (2, 2), [2, 1], 11),
                                       ("opset 13", (2, 2), [2, 2], 13)]:
        tile.add(name, [var(tile.normal(*dims)), const(repeats)], lambda x, _: x.repeat(repeats),
                 "torch.Tensor.repeat", opset=opset)
    return suites


def gather():
    suite = Suite("Gather")

    def add(name, dims, indices, axis=None, opset=17):
        indices = np.asarray(indices, np.int64)
        along = 0 if axis is None else axis % len(dims)

        def fn(x, index):
            taken = x.index_select(along, (index % dims[along]).reshape(-1))
            return taken.reshape([*dims[:along], *indices.shape, *dims[along + 1:]])

        suite.add(name, [var(suite.normal(*dims)), const(indices)], fn, "torch.index_select", opset=opset,
                  **({} if axis is None else {"axis": axis}))

    add("default axis", (4, 3), [0, 2])
    for axis, dims in [(0, (5, 2, 3)), (1, (2, 5, 3)), (-1, (2, 3, 5))]:
        add(f"scalar axis {axis}", dims, 2, axis)
        add(f"1-D axis {axis}", dims, [3, 1], axis)
        add(f"2-D axis {axis}", dims, [[0, 4], [1, 2], [3, 1]], axis)
        add(f"duplicates axis {axis}", dims, [1, 1, 4, 1], axis)
        add(f"negative axis {axis}", dims, [-1, 0, -5, -1], axis)
        add(f"negative scalar axis {axis}", dims, -1, axis)
    add("contiguous", (2, 6), [2, 3, 4], 1)
    add("reversed", (2, 4), [3, 2, 1, 0], 1)
    add("one index as 1-D", (2, 4), [1], 1)
    add("scalar of 1-D", (4,), 1, 0)
    add("opset 11", (4, 2), [1, 3], 0, 11)
    add("opset 13", (4, 2), [1, 3], 0, 13)
    gather_computed(suite)
    return suite


def copies():
    cast, identity, dropout = Suite("Cast"), Suite("Identity"), Suite("Dropout")
    cast_like = Suite("CastLike")

    def copy(x, *_):
        return x * 1

    for opset in (11, 13, 19, 21):
        cast.add(f"float to float opset {opset}", [var(cast.normal(2, 3))], copy, opset=opset, to=1)
    for opset in (15, 19, 21):
        cast_like.add(f"float to float opset {opset}", [var(cast_like.normal(2, 3)), const(np.float32(0.5))], copy, opset=opset)
    for opset in (11, 13, 17, 21):
        identity.add(f"opset {opset}", [var(identity.normal(2, 3))], copy, opset=opset)
    dropout.add("opset 11", [var(dropout.normal(2, 3))], copy, opset=11)
    dropout.add("opset 11 ratio", [var(dropout.normal(2, 3))], copy, opset=11, ratio=0.25)
    for opset in (12, 13, 22):
        ratio = const(np.float32(0.25))
        dropout.add(f"opset {opset}", [var(dropout.normal(2, 3))], copy, opset=opset)
        dropout.add(f"opset {opset} ratio", [var(dropout.normal(2, 3)), ratio], copy, opset=opset)
        dropout.add(f"opset {opset} ratio training_mode false", [var(dropout.normal(2, 3)), ratio, const(False)], copy,
                    opset=opset)
    dropout.add("training_mode without ratio", [var(dropout.normal(2, 3)), None, const(False)], copy, opset=17, seed=1)
    element = Suite("OptionalGetElement")
    for opset in (18, 21, 28):
        element.add(f"of a tensor opset {opset}", [var(element.normal(2, 3))], copy, opset=opset, forward=opset < 28)
    return [cast, cast_like, identity, dropout, element]


SUITES = [center_crop_pad, col_2_im, concat, split, slices, pad, reshapes, gather, copies]
