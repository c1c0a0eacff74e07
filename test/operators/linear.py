"""MatMul and Gemm."""

import torch

from common import COMPOSITION, Suite, const, var


def matmul():
    suite = Suite("MatMul")

    def add(name, a, b, kinds="vv", opset=17):
        make = {"v": var, "c": const}
        suite.add(name, [make[kinds[0]](suite.normal(*a)), make[kinds[1]](suite.normal(*b))], torch.matmul,
                  "torch.matmul", opset=opset)

    for name, a, b in [
        ("2-D", (3, 4), (4, 2)), ("batched", (2, 3, 4), (2, 4, 2)), ("batched rank 4", (1, 2, 3, 4), (1, 2, 4, 5)),
        ("right unbatched", (2, 3, 4), (4, 2)), ("left unbatched", (3, 4), (2, 4, 2)),
        ("broadcast batch 1 right", (2, 3, 4), (1, 4, 2)), ("broadcast batch 1 left", (1, 3, 4), (2, 4, 2)),
        ("broadcast batch both ways", (2, 1, 3, 4), (1, 3, 4, 2)),
        ("broadcast batch lower rank", (2, 3, 2, 4), (3, 4, 2)),
        ("1-D left", (4,), (4, 2)), ("1-D right", (3, 4), (4,)), ("1-D both", (4,), (4,)),
        ("1-D left batched", (4,), (2, 4, 3)), ("1-D right batched", (2, 3, 4), (4,)),
        ("1-D right rank 4", (2, 2, 3, 4), (4,)), ("row times column", (1, 4), (4, 1)),
        ("column times row", (3, 1), (1, 2)),
    ]:
        add(name, a, b)
    add("constant right", (2, 3, 4), (4, 2), "vc")
    add("constant left", (3, 4), (2, 4, 2), "cv")
    add("constant right batched", (2, 3, 4), (2, 4, 2), "vc")
    add("constant right 1-D", (2, 3, 4), (4,), "vc")
    add("constant left 1-D", (4,), (2, 4, 3), "cv")
    add("constant widens the batch", (3, 4), (2, 4, 2), "vc")
    value = var(suite.normal(3, 3))
    suite.add("same value twice", [value, value], torch.matmul, "torch.matmul")
    add("opset 11", (2, 3), (3, 2), "vv", 11)
    add("opset 13", (2, 3), (3, 2), "vv", 13)
    return suite


def gemm():
    suite = Suite("Gemm")

    def add(name, c=None, kinds="vcc", opset=17, **attributes):
        m, k, n = 3, 4, 2
        make = {"v": var, "c": const}
        a = (k, m) if attributes.get("transA") else (m, k)
        b = (n, k) if attributes.get("transB") else (k, n)
        inputs = [make[kinds[0]](suite.normal(*a)), make[kinds[1]](suite.normal(*b))]
        if c is not None:
            inputs.append(make[kinds[2]](suite.normal(*c)))

        def fn(a, b, c=None):
            a = a.T if attributes.get("transA") else a
            b = b.T if attributes.get("transB") else b
            y = attributes.get("alpha", 1.0) * (a @ b)
            return y if c is None else y + attributes.get("beta", 1.0) * c

        suite.add(name, inputs, fn, COMPOSITION, opset=opset, **attributes)

    for a in (0, 1):
        for b in (0, 1):
            add(f"transA {a} transB {b}", (2,), "vvv", transA=a, transB=b)
            add(f"transA {a} transB {b} alpha 0.5 beta 2 constant weight", (2,), transA=a, transB=b, alpha=0.5,
                beta=2.0)
            add(f"transA {a} transB {b} constant left", (2,), "cvc", transA=a, transB=b, alpha=1.5)
    add("no C", None, "vv")
    add("no C alpha -2", None, "vv", alpha=-2.0, transB=1)
    for name, c in [("row", (2,)), ("1 by n", (1, 2)), ("m by 1", (3, 1)), ("m by n", (3, 2)), ("scalar", ()),
                    ("one element", (1,)), ("1 by 1", (1, 1))]:
        add(f"C {name} variable beta 0.5", c, "vvv", beta=0.5)
    add("only C variable", (2,), "ccv", beta=3.0)
    add("beta 0", (2,), "vvv", beta=0.0)
    add("opset 11 transB", (2,), opset=11, transB=1)
    add("opset 11 no C", None, "vv", 11)
    add("opset 13 transB", (2,), opset=13, transB=1)
    return suite


SUITES = [matmul, gemm]
