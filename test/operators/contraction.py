"""Einsum, Det and DFT."""

import numpy as np
import torch

from common import COMPOSITION, Suite, const, var


def einsum():
    suite = Suite("Einsum")

    def add(name, equation, *shapes, opset=17, constant=(), oracle=None):
        inputs = [(const if i in constant else var)(suite.normal(*dims)) for i, dims in enumerate(shapes)]
        suite.add(f"{name} {equation}", inputs, lambda *x: (oracle or torch.einsum)(*([] if oracle else [equation]), *x),
                  COMPOSITION if oracle else "torch.einsum", opset=opset, equation=equation)

    for opset in (12, 13, 18, 21):
        add(f"matrix product opset {opset}", "ij,jk->ik", (2, 3), (3, 4), opset=opset)
    add("attention scores", "bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 2, 4))
    add("attention context", "bhqk,bhkd->bqhd", (2, 2, 3, 2), (2, 2, 2, 4))
    add("relative positions", "bhwc,hkc->bhwk", (2, 3, 2, 4), (3, 5, 4))
    add("masks", "bqc,bchw->bqhw", (2, 3, 4), (2, 4, 2, 3))
    add("per channel", "nchw,c->nchw", (2, 3, 2, 2), (3,))
    add("transposed output", "ij,kj->ki", (2, 3), (4, 3))
    add("outer", "i,j->ij", (2,), (3,))
    add("outer batched", "bi,bj->bij", (2, 2), (2, 3))
    add("inner", "i,i->", (3,), (3,))
    add("elementwise", "ij,ij->ij", (2, 3), (2, 3))
    add("sum of products", "ij,ij->", (2, 3), (2, 3))
    add("one operand sum", "ij->i", (2, 3))
    add("one operand all", "ij->", (2, 3))
    add("transpose", "ijk->kij", (2, 3, 4))
    add("summed in one operand", "ij,k->k", (2, 3), (4,))
    add("summed in one operand only", "ijl,jk->ik", (2, 3, 2), (3, 4))
    add("summed in both", "ai,bi->i", (2, 3), (4, 3))
    add("scalar operand", ",ij->ij", (), (2, 3))
    add("diagonal", "ii->i", (3, 3))
    add("trace", "ii->", (3, 3))
    add("diagonal of a batch", "bii->bi", (2, 3, 3))
    add("diagonal times", "bii,ij->bj", (2, 3, 3), (3, 2))
    add("diagonal apart", "iji->ji", (2, 3, 2))
    add("three equal", "iii->i", (2, 2, 2))
    add("two diagonals", "iijj->ij", (2, 2, 3, 3))
    add("three operands", "bi,ij,bj->b", (2, 3), (3, 4), (2, 4))
    add("three operands chain", "ij,jk,kl->il", (2, 3), (3, 2), (2, 4))
    add("four operands", "i,ij,j,k->k", (2,), (2, 3), (3,), (2,))
    add("implicit", "ij,jk", (2, 3), (3, 4))
    add("implicit order", "ba", (2, 3))
    add("implicit trace", "ii", (3, 3))
    add("upper case", "bA,Bb->BA", (2, 3), (4, 2))
    add("spaces", " i j , j k -> i k ", (2, 3), (3, 4))
    add("ellipsis", "...ij,...jk->...ik", (2, 2, 3), (2, 3, 4))
    add("ellipsis of two axes", "...ij,...jk->...ik", (2, 3, 2, 3), (2, 3, 3, 2))
    add("ellipsis broadcast ones", "...ij,...jk->...ik", (2, 1, 2, 3), (1, 3, 3, 2))
    add("ellipsis in one operand", "...i,ij->...j", (2, 2, 3), (3, 4))
    add("ellipsis empty", "...ij,...jk->...ik", (2, 3), (3, 4))
    add("ellipsis behind", "ij...,jk...->ik...", (2, 3, 2), (3, 4, 2))
    add("ellipsis inside", "i...j->j...i", (2, 3, 2, 4))
    add("ellipsis implicit", "...ij,...jk", (2, 2, 3), (2, 3, 4))
    add("ellipsis diagonal", "...ii->...i", (2, 3, 3))
    add("axes of size 1", "ij,jk->ik", (1, 3), (3, 1))
    add("inner of size 1", "ij,jk->ik", (2, 1), (1, 3))
    add("constant right", "bij,jk->bik", (2, 2, 3), (3, 4), constant=(1,))
    value = var(suite.normal(3, 3))
    suite.add("same value twice", [value, value], lambda a, b: torch.einsum("ij,jk->ik", a, b), "torch.einsum",
              equation="ij,jk->ik")
    return suite


def determinants():
    suite = Suite("Det")
    for name, dims, opset in [("one", (1, 1), 17), ("2 by 2", (2, 2), 11), ("3 by 3", (3, 3), 17),
                              ("batch", (2, 2, 3, 3), 17), ("5 by 5", (5, 5), 22)]:
        suite.add(name, [var(suite.normal(*dims))], torch.linalg.det, "torch.linalg.det", opset=opset)
    rows = np.asarray([[1, 2, 3], [2, 4, 6], [1, 0, 1]], np.float32)

    def by_cofactors(x):
        a, b, c = x
        return torch.dot(a, torch.linalg.cross(b, c))

    suite.add("singular", [var(rows)], by_cofactors, COMPOSITION)
    return suite


def fourier():
    suite = Suite("DFT")

    def add(name, dims, opset, axis=None, length=None, **attributes):
        along = (1 if opset < 20 else -2) if axis is None else axis
        along = along % len(dims)

        def fn(x, *_):
            x = torch.view_as_complex(x) if dims[-1] == 2 else torch.complex(x[..., 0], 0 * x[..., 0])
            if attributes.get("inverse", 0):
                y = torch.fft.ifft(x, length, along)
            else:
                y = torch.fft.fft(x, length, along)
            n = y.shape[along]
            if attributes.get("onesided", 0):
                y = y.narrow(along, 0, n // 2 + 1)
            return torch.view_as_real(y)

        inputs = [var(suite.normal(*dims))]
        if length is not None or (axis is not None and opset >= 20):
            inputs.append(None if length is None else const(np.int64(length)))
        if axis is not None and opset >= 20:
            inputs.append(const(np.int64(axis)))
        elif axis is not None:
            attributes["axis"] = axis
        suite.add(name, inputs, fn, "torch.fft.fft", opset=opset, **attributes)

    for opset in (17, 20):
        for channels, kind in [(1, "real"), (2, "complex")]:
            add(f"{kind} opset {opset}", (2, 5, channels), opset)
            add(f"{kind} inverse opset {opset}", (2, 4, channels), opset, inverse=1)
            add(f"{kind} axis 1 opset {opset}", (1, 4, 3, channels), opset, 1)
            add(f"{kind} longer opset {opset}", (2, 3, channels), opset, 1, 5)
            add(f"{kind} shorter opset {opset}", (2, 5, channels), opset, 1, 4)
        for n in (4, 5):
            add(f"one-sided of {n} opset {opset}", (2, n, 3, 1), opset, 1, onesided=1)
        add(f"one-sided longer opset {opset}", (2, 4, 1), opset, 1, 7, onesided=1)
    return suite


SUITES = [einsum, determinants, fourier]
