"""Operators that read or write at indices: GatherElements, GatherND, ScatterElements, ScatterND, TopK and others."""

import numpy as np
import torch

from common import COMPOSITION, Suite, computed, const, var

REDUCTIONS = {"mul": "prod", "max": "amax", "min": "amin"}


def both_kinds(suite, indices):
    """The indices as an initializer and as an input."""
    return [("", const(indices)), (" computed", computed(indices))]


def gather_computed(gather):
    """Gather by indices that are an input."""

    def add(name, dims, indices, axis, opset):
        indices = np.asarray(indices, np.int64)
        along = axis % len(dims)

        def fn(x, index):
            taken = x.index_select(along, (index % dims[along]).reshape(-1))
            return taken.reshape([*dims[:along], *indices.shape, *dims[along + 1:]])

        gather.add(name, [var(gather.normal(*dims)), computed(indices)], fn, "torch.index_select", opset=opset,
                   axis=axis)

    for opset in (11, 13, 15, 16, 18, 21):
        add(f"computed opset {opset}", (2, 5, 3), [[3, 1], [0, 4], [1, 1]], 1, opset)
        add(f"computed negative axis 0 opset {opset}", (4, 2), [-1, 0, 3, -4, -1, 2, 3], 0, opset)
    add("computed scalar opset 11", (3, 4), 2, -1, 11)
    add("computed one index opset 13", (3, 4), [1], 1, 13)
    add("computed scalar opset 17", (3, 4), -1, 0, 17)


def gather_elements():
    suite = Suite("GatherElements")

    def add(name, dims, indices, axis, opset):
        indices = np.asarray(indices, np.int64)

        def fn(x, index):
            along = axis % x.ndim
            return torch.gather(x, along, torch.where(index < 0, index + x.shape[along], index))

        for kind, value in both_kinds(suite, indices):
            suite.add(f"{name}{kind} opset {opset}", [var(suite.normal(*dims)), value], fn, "torch.gather",
                      opset=opset, axis=axis)

    for opset in (11, 13, 16, 18):
        add("axis 1", (3, 4), [[3, 0], [1, 2], [0, 3]], 1, opset)
        add("duplicates and negative axis 0", (3, 2), [[-1, 0], [2, 0], [0, 0], [1, -3]], 0, opset)
        add("fewer rows axis -1", (3, 2, 4), [[[0, 0, 3]], [[1, -1, 1]]], -1, opset)
    add("1-D", (5,), [4, 4, 0], 0, 17)
    add("axis of size 1", (2, 1), [[0, 0, 0], [0, -1, 0]], 1, 13)
    return suite


def gather_nd():
    suite = Suite("GatherND")

    def add(name, dims, indices, opset, batch_dims=None):
        indices = np.asarray(indices, np.int64)
        batch = batch_dims or 0
        depth = indices.shape[-1]

        def fn(x, index):
            flat = x.reshape(-1, *dims[batch:])
            lists = index.reshape(flat.shape[0], -1, depth)
            taken = [flat[i][tuple(lists[i].T)] for i in range(flat.shape[0])]
            return torch.stack(taken).reshape([*indices.shape[:-1], *dims[batch + depth:]])

        for kind, value in both_kinds(suite, indices):
            suite.add(f"{name}{kind} opset {opset}", [var(suite.normal(*dims)), value], fn, COMPOSITION, opset=opset,
                      **({} if batch_dims is None else {"batch_dims": batch_dims}))

    for opset in (11, 13, 16, 18):
        add("elements", (3, 4), [[0, 1], [2, 3], [0, 1], [-1, -4]], opset)
        add("slices", (3, 2, 2), [[[2], [0]], [[2], [-1]]], opset)
    for opset in (12, 13, 17):
        add("batch of 1", (2, 3, 2), [[[1], [1]], [[0], [-1]]], opset, 1)
        add("batch of 1 elements", (2, 3, 2), [[2, 1], [0, -1]], opset, 1)
        add("batches of 2", (2, 2, 3, 2), [[[[2], [2]], [[0], [1]]], [[[-1], [0]], [[1], [1]]]], opset, 2)
    add("one element", (4,), [3], 17)
    return suite


def scatter_elements():
    suite = Suite("ScatterElements")

    def add(name, data, indices, updates, axis, opset, reduction=None, tie=False):
        indices = np.asarray(indices, np.int64)

        def fn(x, index, updates):
            along = axis % x.ndim
            index = torch.where(index < 0, index + x.shape[along], index)
            if reduction in REDUCTIONS:
                return torch.scatter_reduce(x, along, index, updates, REDUCTIONS[reduction])
            return (torch.scatter_add if reduction == "add" else torch.scatter)(x, along, index, updates)

        for kind, value in both_kinds(suite, indices):
            suite.add(f"{name}{kind} opset {opset}", [var(data), value, var(updates)], fn,
                      "torch.scatter_reduce" if reduction in REDUCTIONS else "torch.scatter", opset=opset, tie=tie,
                      axis=axis, **({} if reduction is None else {"reduction": reduction}))

    for opset in (11, 13, 16, 18):
        add("axis 1", suite.normal(3, 4), [[3, 0], [1, 2], [0, -1]], suite.normal(3, 2), 1, opset)
        add("fewer rows axis 0", suite.normal(3, 3), [[2, 0], [0, -2]], suite.normal(2, 2), 0, opset)
    add("reduction none", suite.normal(2, 3), [[1], [0]], suite.normal(2, 1), -1, 18, "none")
    repeated = [[0, 0, -1], [1, 1, 1]]
    for opset in (16, 18):
        add("add", suite.normal(2, 4), repeated, suite.normal(2, 3), 1, opset, "add")
        add("mul", suite.away((2, 4), [0], gap=0.4), repeated, suite.away((2, 3), [0], gap=0.4), 1, opset, "mul")
    add("add axis 0", suite.normal(3, 2, 2), [[[0, 0]], [[0, 2]], [[-1, 0]]], suite.normal(3, 1, 2), 0, 18, "add")
    zeros = np.asarray([[0, 0, 2], [0, 3, 2]], np.float32)
    add("mul with zeros", suite.away((2, 4), [0], gap=0.4), repeated, zeros, 1, 18, "mul")
    add("mul of zero data", np.zeros((2, 4), np.float32), repeated, suite.away((2, 3), [0], gap=0.4), 1, 18, "mul")
    for reduction in ("max", "min"):
        values = suite.distinct(14)
        add(reduction, values[:8].reshape(2, 4), repeated, values[8:].reshape(2, 3), 1, 18, reduction)
        add(f"{reduction} ties", np.ones((2, 4), np.float32), repeated, [[1, 2, 1], [1, 1, 0]], 1, 18, reduction, True)
    return suite


def scatter():
    suite = Suite("Scatter")

    def add(name, data, indices, updates, opset, **attributes):
        axis = attributes.get("axis", 0)

        def fn(x, index, updates):
            along = axis % x.ndim
            return torch.scatter(x, along, torch.where(index < 0, index + x.shape[along], index), updates)

        for kind, value in both_kinds(suite, np.asarray(indices, np.int64)):
            suite.add(f"{name}{kind} opset {opset}", [var(data), value, var(updates)], fn, "torch.scatter", opset=opset,
                      **attributes)

    for opset in (9, 10):
        add("default axis", suite.normal(3, 3), [[2, 0], [0, 1]], suite.normal(2, 2), opset)
        add("axis 1", suite.normal(3, 4), [[3, 0], [1, 2], [0, 2]], suite.normal(3, 2), opset, axis=1)
        add("axis 2 of three", suite.normal(2, 3, 4), [[[3], [0]]], suite.normal(1, 2, 1), opset, axis=2)
    return suite


def scatter_nd():
    suite = Suite("ScatterND")

    def add(name, data, indices, updates, opset, reduction=None, tie=False):
        indices = np.asarray(indices, np.int64)
        depth = indices.shape[-1]

        def fn(x, index, updates):
            sizes = torch.as_tensor(x.shape[:depth])
            index = torch.where(index < 0, index + sizes, index).reshape(-1, depth)
            strides = [int(np.prod(x.shape[k + 1:depth])) for k in range(depth)]
            rows = (index * torch.as_tensor(strides)).sum(1)
            lines = x.reshape(int(sizes.prod()), -1)
            updates = updates.reshape(len(rows), -1)
            places = rows[:, None].expand_as(updates)
            if reduction in REDUCTIONS:
                y = torch.scatter_reduce(lines, 0, places, updates, REDUCTIONS[reduction])
            else:
                y = (torch.scatter_add if reduction == "add" else torch.scatter)(lines, 0, places, updates)
            return y.reshape(x.shape)

        for kind, value in both_kinds(suite, indices):
            suite.add(f"{name}{kind} opset {opset}", [var(data), value, var(updates)], fn, COMPOSITION, opset=opset,
                      tie=tie, **({} if reduction is None else {"reduction": reduction}))

    for opset in (11, 13, 16, 18):
        add("elements", suite.normal(3, 4), [[0, 1], [2, -1], [-2, 0]], suite.normal(3), opset)
        add("slices", suite.normal(4, 2), [[2], [-4]], suite.normal(2, 2), opset)
        add("grid of slices", suite.normal(3, 2, 2), [[[0, 1], [2, 0]], [[1, 1], [0, 0]]], suite.normal(2, 2, 2), opset)
    repeated = [[1], [1], [-1]]
    for opset in (16, 18):
        add("add", suite.normal(3, 2), repeated, suite.normal(3, 2), opset, "add")
        add("mul", suite.away((3, 2), [0], gap=0.4), repeated, suite.away((3, 2), [0], gap=0.4), opset, "mul")
    add("mul with zeros", suite.away((3, 2), [0], gap=0.4), repeated, [[0, 0], [0, 2], [0, 3]], 18, "mul")
    for reduction in ("max", "min"):
        values = suite.distinct(12)
        add(reduction, values[:6].reshape(3, 2), repeated, values[6:].reshape(3, 2), 18, reduction)
        add(f"{reduction} ties", np.ones((3, 2), np.float32), repeated, [[1, 2], [1, 2], [0, 1]], 18, reduction, True)
    return suite


def top_k():
    suite = Suite("TopK")

    def add(name, dims, k, opset, axis=None, **attributes):
        along = -1 if axis is None else axis
        largest = attributes.get("largest", 1) != 0

        def fn(x, _):
            values, indices = torch.topk(x, k, along, largest)
            return values, indices

        suite.add(name, [var(suite.distinct(*dims)), const([k])], fn, "torch.topk", opset=opset, **attributes,
                  **({} if axis is None else {"axis": axis}))

    for opset in (11, 13, 17, 21):
        add(f"opset {opset}", (2, 5), 3, opset)
        add(f"axis 1 smallest opset {opset}", (2, 6, 3), 2, opset, 1, largest=0)
    add("axis 0", (4, 3), 4, 17, 0)
    add("k 1", (3, 5), 1, 17, -1)
    add("axis -2 largest", (2, 4, 2), 3, 17, -2, largest=1, sorted=1)

    def first(x, _):
        indices = torch.sort(x, dim=-1, descending=True, stable=True).indices[..., :2]
        return torch.gather(x, -1, indices), indices

    # The runtime takes the lower index first.
    suite.add("ties", [var([[1, 3, 3, 3], [2, 2, 0, 2]]), const([2])], first, COMPOSITION, tie=True)
    return suite


def triangles():
    suite = Suite("Trilu")

    def add(name, dims, opset, k=None, computed_k=False, **attributes):
        def fn(x, k=None):
            part = torch.triu if attributes.get("upper", 1) else torch.tril
            return part(x, 0 if k is None else int(k))

        inputs = [var(suite.normal(*dims))]
        if k is not None:
            inputs.append((computed if computed_k else const)(np.int64(k)))
        suite.add(name, inputs, fn, "torch.triu" if attributes.get("upper", 1) else "torch.tril", opset=opset,
                  **attributes)

    for upper in (0, 1):
        add(f"upper {upper}", (3, 4), 17, upper=upper)
        for k in (-1, 2):
            add(f"upper {upper} k {k}", (2, 4, 3), 17, k, upper=upper)
    add("default opset 14", (3, 3), 14)
    add("computed k", (3, 3), 14, 1, True)
    return suite


def one_hot():
    suite = Suite("OneHot")

    def add(name, indices, depth, opset, axis=None, kind=const):
        indices = np.asarray(indices, np.int64)

        def fn(index, depth, values):
            depth = int(depth)
            index = torch.where(index < 0, index + depth, index)
            along = index.ndim if axis is None else axis % (index.ndim + 1)
            on = index.unsqueeze(along) == torch.arange(depth).reshape([-1] + [1] * (index.ndim - along))
            return torch.where(on, values[1], values[0])

        suite.add(name, [kind(indices), const(np.int64(depth)), var(suite.normal(2))], fn, COMPOSITION, opset=opset,
                  **({} if axis is None else {"axis": axis}))

    for opset in (9, 11, 17):
        add(f"opset {opset}", [0, 2, 2], 3, opset)
        add(f"axis 0 opset {opset}", [[0, 1], [3, 0]], 4, opset, 0)
    add("negative and out of range", [-1, 5, -3, -9], 3, 17)
    add("computed axis -2", [[0, 1, 2], [-1, 0, 1]], 3, 13, -2, computed)
    return suite


def compress():
    suite = Suite("Compress")

    def add(name, dims, condition, opset, axis=None):
        kept = torch.as_tensor(np.flatnonzero(condition))

        def fn(x, _):
            return (x.reshape(-1) if axis is None else x).index_select(0 if axis is None else axis, kept)

        suite.add(name, [var(suite.normal(*dims)), const(np.asarray(condition, bool))], fn, "torch.index_select",
                  opset=opset, **({} if axis is None else {"axis": axis}))

    for opset in (11, 13, 17):
        add(f"axis 1 opset {opset}", (2, 4, 2), [1, 0, 0, 1], opset, 1)
        add(f"flat opset {opset}", (2, 3), [0, 1, 1, 0, 0, 1], opset)
    add("shorter condition", (5, 2), [0, 1, 1], 17, 0)
    add("axis -1", (2, 3), [1, 0, 1], 17, -1)
    return suite


def reverse_sequence():
    suite = Suite("ReverseSequence")

    def add(name, dims, lengths, opset, kind=const, **attributes):
        time, batch = attributes.get("time_axis", 0), attributes.get("batch_axis", 1)

        def fn(x, lengths):
            moved = x.movedim((batch, time), (0, 1))
            rows = [torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(moved, lengths.tolist())]
            return torch.stack(rows).movedim((0, 1), (batch, time))

        suite.add(name, [var(suite.normal(*dims)), kind(lengths)], fn, COMPOSITION, opset=opset, **attributes)

    for opset in (10, 13, 17):
        add(f"default axes opset {opset}", (4, 3), [1, 4, 2], opset)
        add(f"batch first opset {opset}", (2, 3, 2), [3, 2], opset, batch_axis=0, time_axis=1)
    add("computed lengths", (4, 2), [4, 3], 17, computed)
    return suite


SUITES = [gather_elements, gather_nd, scatter_elements, scatter, scatter_nd, top_k, triangles, one_hot, compress,
          reverse_sequence]
