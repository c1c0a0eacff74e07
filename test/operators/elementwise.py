"""Activations, unary functions, arithmetic with broadcasting, Min, Max, Where."""

import numpy as np
import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, const, var

SHAPE = (2, 3, 4)


def suite_of(op, *cases):
    """Cases as (name, inputs(suite), fn, oracle, options)."""
    suite = Suite(op)
    for name, inputs, fn, oracle, options in cases:
        values = inputs(suite)
        suite.add(name, values if isinstance(values, list) else [var(values)], fn, oracle, **options)
    return suite


def unary(op, fn, oracle, draw, *opsets):
    """A function without attributes: one case for every opset, on ranks 3, 4, 1 and 0 in turn."""
    ranks = [SHAPE, (1, 2, 3, 3), (5,), ()]
    return suite_of(op, *[(f"rank {len(ranks[i % 4])} opset {opset}", lambda s, i=i: draw(s, ranks[i % 4]), fn, oracle,
                           {"opset": opset}) for i, opset in enumerate(opsets)])


def activations():
    def ranged(*points, low=-2.0, high=2.0):
        return lambda s: s.away(SHAPE, points, low, high)

    relu = unary("Relu", torch.relu, "torch.relu", lambda s, d: s.away(d, [0]), 13, 14, 17, 22)
    relu.add("tie at 0", [var([[-1, 0, 1], [0, 2, -0.0]])], torch.relu, "torch.relu", tie=True)

    def leaky(alpha):
        return lambda x: F.leaky_relu(x, alpha)

    def leaky_case(name, alpha, opset=17):
        return (name, ranged(0), leaky(0.01 if alpha is None else alpha), "torch.nn.functional.leaky_relu",
                {"opset": opset, **({} if alpha is None else {"alpha": alpha})})

    leaky_relu = suite_of("LeakyRelu", leaky_case("default", None), leaky_case("alpha 0.1", 0.1),
                          leaky_case("alpha 0", 0.0), leaky_case("alpha negative", -0.5),
                          leaky_case("alpha 2 opset 13", 2.0, 13))

    def prelu_case(name, x, slope, opset=17):
        return (name, lambda s: [var(s.away(x, [0])), const(s.normal(*slope))],
                lambda x, slope: torch.where(x < 0, slope * x, x), COMPOSITION, {"opset": opset})

    prelu = suite_of("PRelu", prelu_case("one slope per channel", (2, 3, 4, 2), (3, 1, 1)),
                     prelu_case("one slope", (2, 3, 4), (1,)), prelu_case("same shape", (3, 4), (3, 4)),
                     prelu_case("along the last axis", (2, 3, 4), (4,)),
                     prelu_case("batched slope", (1, 3, 2, 2), (1, 3, 1, 1)),
                     prelu_case("scalar slope", (2, 3), ()), prelu_case("opset 11", (2, 3, 2, 2), (3, 1, 1), 11),
                     prelu_case("opset 13 1-D signal", (2, 3, 5), (3, 1), 13))

    def clip_case(name, low, high, opset=17, dims=SHAPE):
        bounds = [None if b is None else const(np.float32(b)) for b in (low, high)]
        while bounds and bounds[-1] is None:
            bounds.pop()

        def fn(x, low=None, high=None):
            return x * 1 if low is None and high is None else torch.clamp(x, low, high)

        kinks = [b for b in (low, high) if b is not None]
        return (name, lambda s: [var(s.away(dims, kinks, -4, 8)), *bounds], fn, "torch.clamp", {"opset": opset})

    clip = suite_of("Clip", clip_case("both", -1, 1), clip_case("Relu6", 0, 6), clip_case("min only", 0.5, None),
                    clip_case("max only", None, 0.5), clip_case("none", None, None),
                    clip_case("opset 11 both", -1, 2, 11), clip_case("opset 11 min only", 0, None, 11),
                    clip_case("opset 11 max only", None, 3, 11), clip_case("opset 11 none", None, None, 11),
                    clip_case("opset 13 Relu6 2-D image", 0, 6, 13, (1, 2, 3, 3)),
                    clip_case("opset 12 both", 1, 5, 12), clip_case("scalar", -1, 1, 17, ()))
    edges = [var([-2, -1, 0, 1, 3, -1, 1]), const(np.float32(-1)), const(np.float32(1))]
    clip.add("boundary both", edges, torch.clamp, "torch.clamp", tie=True)
    clip.add("boundary Relu6", [var([0, 6, 3, -1, 7, 0]), const(np.float32(0)), const(np.float32(6))], torch.clamp,
             "torch.clamp", tie=True)
    clip.add("boundary min only", [var([0, 6, -1]), const(np.float32(0))], torch.clamp, "torch.clamp", tie=True)
    for opset in (11, 13, 17):
        clip.add(f"variable bounds opset {opset}", [var(clip.away(SHAPE, [-1, 1.5])), var(-1), var(1.5)], torch.clamp,
                 "torch.clamp", opset=opset)
    clip.add("variable min", [var(clip.away((2, 3), [0.5])), var(0.5)], torch.clamp, "torch.clamp")
    clip.add("variable max", [var(clip.away((2, 3), [0.5])), None, var(0.5)], torch.clamp, "torch.clamp")
    clip.add("variable bounds crossed", [var(clip.away((2, 3), [1, -1])), var(1), var(-1)], torch.clamp, "torch.clamp")

    def hard_sigmoid_case(name, opset=17, **attributes):
        alpha, beta = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
        return (name, ranged(-beta / alpha, (1 - beta) / alpha, low=-5, high=5),
                lambda x: torch.clamp(alpha * x + beta, 0, 1), COMPOSITION, {"opset": opset, **attributes})

    hard_sigmoid = suite_of("HardSigmoid", hard_sigmoid_case("default"),
                            hard_sigmoid_case("alpha 1/6", alpha=1 / 6),
                            hard_sigmoid_case("alpha 0.5 beta 0.25", alpha=0.5, beta=0.25),
                            hard_sigmoid_case("alpha negative", alpha=-0.5),
                            hard_sigmoid_case("opset 13", 13), hard_sigmoid_case("opset 22", 22, alpha=1 / 6))

    hard_swish = unary("HardSwish", F.hardswish, "torch.nn.functional.hardswish",
                       lambda s, d: s.away(d, [-3, 3], -5, 5), 14, 17, 22)

    def gelu_case(name, opset=20, **attributes):
        kind = attributes.get("approximate", "none")
        return (name, lambda s: s.uniform(-4, 4, *SHAPE), lambda x: F.gelu(x, approximate=kind),
                "torch.nn.functional.gelu", {"opset": opset, **attributes})

    gelu = suite_of("Gelu", gelu_case("default"), gelu_case("none", approximate="none"),
                    gelu_case("tanh", approximate="tanh"), gelu_case("opset 21 tanh", 21, approximate="tanh"))

    def elu_case(name, opset=17, **attributes):
        return (name, ranged(0), lambda x: F.elu(x, attributes.get("alpha", 1.0)), "torch.nn.functional.elu",
                {"opset": opset, **attributes})

    elu = suite_of("Elu", elu_case("default"), elu_case("alpha 0.5", alpha=0.5), elu_case("alpha 2", alpha=2.0),
                   elu_case("opset 22", 22))
    return [relu, leaky_relu, prelu, clip, hard_sigmoid, hard_swish, gelu, elu]


def functions():
    def normal(s, d):
        return s.normal(*d)

    def between(low, high):
        return lambda s, d: s.uniform(low, high, *d)

    def both_signs(s, d):
        return s.away(d, [0], gap=0.4)

    softplus = unary("Softplus", F.softplus, "torch.nn.functional.softplus", between(-4, 4), 13, 17, 22)
    softplus.add("large values", [var([-60, -20, 15, 60])], lambda x: torch.logaddexp(x, torch.zeros_like(x)),
                 COMPOSITION)
    absolute = unary("Abs", torch.abs, "torch.abs", both_signs, 11, 13, 17)
    absolute.add("tie at 0", [var([-1, 0, 2, -0.0])], torch.abs, "torch.abs", tie=True)
    return [
        unary("Sigmoid", torch.sigmoid, "torch.sigmoid", between(-4, 4), 11, 13, 17, 22),
        unary("Tanh", torch.tanh, "torch.tanh", between(-3, 3), 11, 13, 17, 22),
        unary("Erf", torch.erf, "torch.erf", between(-2, 2), 11, 13, 17),
        softplus,
        unary("Neg", torch.neg, "torch.neg", normal, 11, 13, 17),
        unary("Sqrt", torch.sqrt, "torch.sqrt", between(0.3, 4), 11, 13, 17),
        unary("Exp", torch.exp, "torch.exp", between(-2, 2), 11, 13, 17),
        unary("Log", torch.log, "torch.log", between(0.3, 4), 11, 13, 17),
        absolute,
    ]


# name, left dims, right dims
BROADCASTS = [
    ("same shape", (2, 3, 4), (2, 3, 4)),
    ("size-1 axis right", (2, 3, 4), (2, 1, 4)),
    ("size-1 axis left", (2, 1, 4), (2, 3, 4)),
    ("size-1 axes both ways", (2, 1, 4), (1, 3, 1)),
    ("lower rank right", (2, 3, 4), (4,)),
    ("lower rank left", (3, 1), (2, 3, 4)),
    ("lower rank both ways", (3, 4), (2, 1, 4)),
    ("per channel", (2, 3, 2, 2), (3, 1, 1)),
    ("scalar right", (2, 3), ()),
    ("scalar left", (), (2, 3)),
    ("one element right", (2, 3), (1,)),
    ("one element of higher rank", (3,), (1, 1, 1)),
    ("scalars", (), ()),
]


def arithmetic():
    suites = []
    for op, fn in [("Add", torch.add), ("Sub", torch.sub), ("Mul", torch.mul), ("Div", torch.div)]:
        suite = Suite(op)
        oracle = f"torch.{op.lower()}"

        def right(dims):
            return suite.away(dims, [0], gap=0.5) if op == "Div" else suite.normal(*dims)

        for name, a, b in BROADCASTS:
            suite.add(name, [var(suite.normal(*a)), var(right(b))], fn, oracle)
        suite.add("constant right", [var(suite.normal(2, 3, 4)), const(right((3, 1)))], fn, oracle)
        suite.add("constant left", [const(suite.normal(2, 3, 4)), var(right((2, 3, 4)))], fn, oracle)
        suite.add("constant widens", [var(suite.normal(3, 1)), const(right((2, 3, 4)))], fn, oracle)
        suite.add("scalar constant", [var(suite.normal(2, 3)), const(right(()))], fn, oracle)
        value = var(right((2, 3)))
        suite.add("same value twice", [value, value], fn, oracle)
        suite.add("opset 13", [var(suite.normal(2, 3)), var(right((3,)))], fn, oracle, opset=13)
        suite.add("opset 11", [var(suite.normal(2, 3)), var(right((3,)))], fn, oracle, opset=11)
        suites.append(suite)
    return suites


def power():
    suite = Suite("Pow")

    def add(name, base, exponent, opset=17):
        suite.add(name, [base, exponent], torch.pow, "torch.pow", opset=opset)

    for exponent in (2, 3, 4, 0.5, 1.5, -1, -0.5, 1, 0):
        add(f"exponent {exponent}", var(suite.uniform(0.4, 2, 2, 3)), const(np.float32(exponent)))
    add("exponent 2 one element", var(suite.normal(2, 3)), const([2.0]))
    add("exponent 2 of rank 3", var(suite.normal(3)), const([[[2.0]]]))
    for exponent in (2, 3, 1, -1, -2):
        add(f"negative base exponent {exponent}", var(-suite.uniform(0.5, 2, 2, 3)), const(np.float32(exponent)))
    for exponent in (2, 3, 1):
        add(f"base 0 exponent {exponent}", var([-1, 0, 1, 2]), const(np.float32(exponent)))
    add("int64 exponent", var(suite.away((2, 3), [0])), const(2))
    add("int64 exponents", var(suite.away((2, 3), [0], gap=0.4)), const([2, 3, -1]))
    add("tensor exponent", var(suite.uniform(0.4, 2, 2, 3, 4)), const(suite.normal(3, 1)))
    add("tensor exponent widens", var(suite.uniform(0.4, 2, 3)), const(suite.normal(2, 3)))
    add("tensor of integer exponents", var(suite.away((2, 3), [0], gap=0.4)), const([2.0, 3.0, -1.0]))
    add("variable exponent", var(suite.uniform(0.4, 2, 2, 3)), var(suite.normal(2, 3)))
    add("variable exponent broadcast", var(suite.uniform(0.4, 2, 2, 1)), var(suite.normal(3)))
    add("variable exponent constant base", const(np.float32(2)), var(suite.normal(2, 3)))
    add("opset 12 exponent 2", var(suite.normal(2, 3)), const(np.float32(2)), 12)
    add("opset 13 exponent 0.5", var(suite.uniform(0.4, 2, 2, 3)), const(np.float32(0.5)), 13)
    return suite


def extrema():
    suites = []
    for op, pick in [("Max", torch.maximum), ("Min", torch.minimum)]:
        suite = Suite(op)
        oracle = f"torch.{pick.__name__}"

        def fn(*inputs):
            if len(inputs) == 1:
                return inputs[0] * 1
            result = inputs[0]
            for value in inputs[1:]:
                result = pick(result, value)
            return result

        def drawn(*shapes):
            """Tensors in which no two numbers are nearer than 0.1."""
            sizes = [int(np.prod(dims)) for dims in shapes]
            parts = np.split(suite.distinct(sum(sizes)), np.cumsum(sizes)[:-1])
            return [part.reshape(dims) for part, dims in zip(parts, shapes)]

        for name, a, b in BROADCASTS:
            suite.add(name, [var(x) for x in drawn(a, b)], fn, oracle)
        suite.add("1 input", [var(x) for x in drawn((2, 3))], fn, oracle)
        suite.add("3 inputs", [var(x) for x in drawn((2, 3), (2, 3), (2, 3))], fn, oracle)
        suite.add("3 inputs broadcast", [var(x) for x in drawn((2, 1, 4), (3, 1), ())], fn, oracle)
        a, b = drawn((2, 3), (3,))
        suite.add("constant right", [var(a), const(b)], fn, oracle)
        a, b, c = drawn((2, 3), (2, 3), (2, 3))
        suite.add("3 inputs one constant", [var(a), const(b), var(c)], fn, oracle)
        a, b = drawn((2, 3), (3,))
        suite.add("opset 11", [var(a), var(b)], fn, oracle, opset=11)
        a, b = drawn((2, 3), (2, 1))
        suite.add("opset 13", [var(a), var(b)], fn, oracle, opset=13)
        suite.add("tie 2 inputs", [var([1, 2, 3, 0]), var([1, 3, 2, 0])], fn, oracle, tie=True)
        suite.add("tie with a constant", [var([-1, 0, 1, 0]), const(np.float32(0))], fn, oracle, tie=True)
        suite.add("tie broadcast", [var([[1, 2, 3], [3, 2, 1]]), var([2, 2, 2])], fn, oracle, tie=True)
        suites.append(suite)
    return suites


def where():
    suite = Suite("Where")

    def add(name, condition, a, b, opset=17):
        suite.add(name, [const(suite.rng.random(condition) < 0.5), a, b], torch.where, "torch.where", opset=opset)

    def v(*dims):
        return var(suite.normal(*dims))

    add("same shape", (2, 3, 4), v(2, 3, 4), v(2, 3, 4))
    add("broadcast condition", (3, 1), v(2, 3, 4), v(2, 3, 4))
    add("broadcast left", (2, 3, 4), v(3, 1), v(2, 3, 4))
    add("broadcast right", (2, 3, 4), v(2, 3, 4), v(4))
    add("broadcast all", (2, 1, 1), v(1, 3, 1), v(4))
    add("condition widens", (2, 3, 4), v(4), v(3, 1))
    add("scalars", (2, 3), v(), v())
    add("constant left", (2, 3), const(np.float32(-1e4)), v(2, 3))
    add("constant right", (2, 3), v(2, 3), const(np.float32(0)))
    value = v(2, 3)
    add("same value twice", (2, 3), value, value)
    add("opset 11", (2, 3), v(2, 3), v(3), 11)
    return suite


def more():
    """Operators of the second rank."""
    def between(low, high):
        return lambda s, d: s.uniform(low, high, *d)

    def normal(s, d):
        return s.normal(*d)

    def off_integers(s, d):
        return s.away(d, np.arange(-3, 3.5, 0.5), gap=0.1)

    def with_alpha(op, fn, oracle, default, *alphas):
        return suite_of(op, *[
            ("default" if alpha is None else f"alpha {alpha}",
             lambda s, a=alpha: s.away(SHAPE, [0 if op != "ThresholdedRelu" else default if a is None else a], -3, 3),
             lambda x, a=alpha: fn(x, default if a is None else a), oracle,
             {} if alpha is None else {"alpha": alpha}) for alpha in (None, *alphas)])

    suites = []
    for op, scale in [("Sum", False), ("Mean", True)]:
        suite = Suite(op)

        def fn(*inputs):
            total = sum(inputs[1:], inputs[0])
            return total / len(inputs) if scale else total * 1

        for name, shapes in [("1 input", [(2, 3)]), ("2 inputs", [(2, 3), (2, 3)]),
                             ("3 inputs broadcast", [(2, 1, 4), (3, 1), ()]), ("scalar first", [(), (2, 3)]),
                             ("4 inputs", [(2, 3), (3,), (2, 1), (1, 1)])]:
            suite.add(name, [var(suite.normal(*dims)) for dims in shapes], fn)
        suite.add("one constant", [var(suite.normal(2, 3)), const(suite.normal(3)), var(suite.normal(2, 1))], fn)
        value = var(suite.normal(2, 3))
        suite.add("same value twice", [value, value, var(suite.normal(2, 3))], fn)
        suite.add("opset 11", [var(suite.normal(2, 3)), var(suite.normal(3))], fn, opset=11)
        suites.append(suite)

    selu = suite_of("Selu", ("default", lambda s: s.away(SHAPE, [0], -3, 3), torch.selu, "torch.selu", {}), (
        "alpha 2 gamma 1.5", lambda s: s.away(SHAPE, [0], -3, 3),
        lambda x: 1.5 * torch.where(x > 0, x, 2 * (torch.exp(x) - 1)), COMPOSITION, {"alpha": 2.0, "gamma": 1.5}))
    return suites + [
        unary("Reciprocal", torch.reciprocal, "torch.reciprocal", lambda s, d: s.away(d, [0], gap=0.5), 11, 13, 17),
        unary("Floor", torch.floor, "torch.floor", off_integers, 11, 13, 17),
        unary("Ceil", torch.ceil, "torch.ceil", off_integers, 11, 13, 17),
        unary("Round", torch.round, "torch.round", off_integers, 11, 17, 22),
        unary("Sign", torch.sign, "torch.sign", off_integers, 11, 13, 17),
        unary("Sin", torch.sin, "torch.sin", between(-3, 3), 11, 17, 22),
        unary("Cos", torch.cos, "torch.cos", between(-3, 3), 11, 17, 22),
        unary("Tan", torch.tan, "torch.tan", between(-1.2, 1.2), 11, 17, 22),
        unary("Asin", torch.asin, "torch.asin", between(-0.9, 0.9), 11, 17, 22),
        unary("Acos", torch.acos, "torch.acos", between(-0.9, 0.9), 11, 17, 22),
        unary("Atan", torch.atan, "torch.atan", between(-3, 3), 11, 17, 22),
        unary("Sinh", torch.sinh, "torch.sinh", between(-2, 2), 11, 17, 22),
        unary("Cosh", torch.cosh, "torch.cosh", between(-2, 2), 11, 17, 22),
        unary("Asinh", torch.asinh, "torch.asinh", between(-3, 3), 11, 17, 22),
        unary("Acosh", torch.acosh, "torch.acosh", between(1.2, 4), 11, 17, 22),
        unary("Atanh", torch.atanh, "torch.atanh", between(-0.9, 0.9), 11, 17, 22),
        unary("Softsign", F.softsign, "torch.nn.functional.softsign", lambda s, d: s.away(d, [0]), 11, 17, 22),
        selu,
        with_alpha("Celu", lambda x, a: F.celu(x, a), "torch.nn.functional.celu", 1.0, 0.5, 2.0),
        unary("Mish", F.mish, "torch.nn.functional.mish", normal, 18, 20, 22),
        with_alpha("ThresholdedRelu", lambda x, a: torch.where(x > a, x, torch.zeros_like(x)), COMPOSITION, 1.0, 0.5,
                   0.0, -0.5),
    ]


def remainder():
    suite = Suite("Mod")

    def add(name, a, b, opset, constant=False):
        quotients = suite.away(np.broadcast_shapes(a, b), [0, 1, 2, 3], -3.5, 3.5)
        quotients = np.where(np.abs(quotients - np.round(quotients)) < 0.1, 0.5, quotients)
        divisor = suite.uniform(0.7, 1.5, *b) * np.where(suite.rng.random(b) < 0.5, -1, 1).astype(np.float32)
        dividend = np.asarray(quotients * divisor, np.float32)
        suite.add(name, [var(dividend), (const if constant else var)(divisor)], torch.fmod, "torch.fmod", opset=opset,
                  fmod=1)

    add("same shape", (2, 3, 4), (2, 3, 4), 17)
    add("broadcast", (2, 3, 4), (3, 1), 17)
    add("constant divisor", (2, 3), (), 17, True)
    add("opset 10", (2, 3), (3,), 10)
    add("opset 13", (2, 3), (2, 1), 13)
    return suite


SUITES = [activations, functions, arithmetic, power, extrema, where, more, remainder]
