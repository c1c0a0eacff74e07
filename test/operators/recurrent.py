"""LSTM, GRU, RNN: the equations of ONNX in torch, and torch's own modules where they say the same."""

import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, computed, const, var

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}

# How far values were from a kink since it was cleared.
DISTANCES = []


def off(x, *points):
    DISTANCES.extend(float((x - point).abs().min().detach()) for point in points)
    return x


# With the defaults of alpha and beta in onnxruntime, where the function takes them.
ACTIVATIONS = {
    "relu": (lambda x: torch.relu(off(x, 0)),),
    "tanh": (lambda x: torch.tanh(x),),
    "sigmoid": (lambda x: torch.sigmoid(x),),
    "softsign": (lambda x: F.softsign(x),),
    "softplus": (lambda x: F.softplus(x),),
    "leakyrelu": (lambda x, a: F.leaky_relu(off(x, 0), a), 0.01),
    "thresholdedrelu": (lambda x, a: torch.where(off(x, a) > a, x, 0), 0.0),
    "elu": (lambda x, a: F.elu(off(x, 0), a), 1.0),
    "affine": (lambda x, a, b: a * x + b, 0.0, 0.0),
    "scaledtanh": (lambda x, a, b: a * torch.tanh(b * x), 0.0, 0.0),
    "hardsigmoid": (lambda x, a, b: off(a * x + b, 0, 1).clamp(0, 1), 0.2, 0.5),
}


def activations(names, alphas, betas):
    """The functions of a node; those that take alpha or beta take the next one of the list while there is one."""
    alphas, betas = list(alphas), list(betas)
    found = []
    for name in names:
        fn, *defaults = ACTIVATIONS[name.lower()]
        given = [queue.pop(0) if queue else default for queue, default in zip((alphas, betas), defaults)]
        found.append(lambda x, fn=fn, given=given: fn(x, *given))
    return found


def lstm_step(x, h, c, r, rb, p, fns, clip, attributes):
    f, g, last = fns
    gates = x + h @ r.T + rb
    i, o, forget, cell = gates.chunk(4, -1)
    pi, po, pf = p.chunk(3)
    i = f(clip(i + pi * c))
    forget = 1 - i if attributes.get("input_forget") else f(clip(forget + pf * c))
    c = forget * c + i * g(clip(cell))
    o = f(clip(o + po * c))
    return o * last(c), c


def gru_step(x, h, c, r, rb, p, fns, clip, attributes):
    f, g = fns
    xz, xr, xh = x.chunk(3, -1)
    rz, rr, rh = r.chunk(3)
    bz, br, bh = rb.chunk(3)
    z = f(clip(xz + h @ rz.T + bz))
    reset = f(clip(xr + h @ rr.T + br))
    inner = reset * (h @ rh.T + bh) if attributes.get("linear_before_reset") else (reset * h) @ rh.T + bh
    n = g(clip(xh + inner))
    return (1 - z) * n + z * h, c


def rnn_step(x, h, c, r, rb, p, fns, clip, attributes):
    return fns[0](clip(x + h @ r.T + rb)), c


STEPS = {"LSTM": lstm_step, "GRU": gru_step, "RNN": rnn_step}


def recurrent(op, attributes):
    size = attributes["hidden_size"]
    direction = attributes.get("direction", "forward")
    ways = {"forward": [1], "reverse": [-1], "bidirectional": [1, -1]}[direction]
    names = attributes.get("activations", DEFAULTS[op] * len(ways))
    fns = activations(names, attributes.get("activation_alpha", []), attributes.get("activation_beta", []))
    each = len(fns) // len(ways)
    bound = attributes.get("clip")
    batch_first = attributes.get("layout", 0) == 1

    def clip(x):
        return x if bound is None else off(x, -bound, bound).clamp(-bound, bound)

    def fn(x, w, r, b=None, lengths=None, h0=None, c0=None, p=None):
        if batch_first:
            x = x.transpose(0, 1)
            h0, c0 = (None if s is None else s.transpose(0, 1) for s in (h0, c0))
        steps, batch, _ = x.shape
        lengths = torch.full((batch,), steps) if lengths is None else lengths
        sequences, last_h, last_c = [], [], []
        for k, way in enumerate(ways):
            wb, rb = torch.zeros(2, GATES[op] * size, dtype=x.dtype) if b is None else b[k].chunk(2)
            pk = torch.zeros(3 * size, dtype=x.dtype) if p is None else p[k]
            rows, hs, cs = [], [], []
            for n in range(batch):
                h, c = (torch.zeros(size, dtype=x.dtype) if s is None else s[k, n] for s in (h0, c0))
                own = int(lengths[n])
                row = [torch.zeros(size, dtype=x.dtype)] * steps
                for t in range(own)[::way]:
                    h, c = STEPS[op](x[t, n] @ w[k].T + wb, h, c, r[k], rb, pk, fns[k * each:(k + 1) * each], clip,
                                     attributes)
                    row[t] = h
                # As onnxruntime, which does not hand back the initial state of an empty sequence.
                rows.append(torch.stack(row))
                hs.append(h if own else torch.zeros_like(h))
                cs.append(c if own else torch.zeros_like(c))
            sequences.append(torch.stack(rows, 1))
            last_h.append(torch.stack(hs))
            last_c.append(torch.stack(cs))
        y, y_h, y_c = torch.stack(sequences, 1), torch.stack(last_h), torch.stack(last_c)
        if batch_first:
            y, y_h, y_c = y.permute(2, 0, 1, 3), y_h.transpose(0, 1), y_c.transpose(0, 1)
        return [y, y_h, y_c] if op == "LSTM" else [y, y_h]

    return fn


def in_torch(op, attributes):
    """torch's own kernel: `torch._VF` is what the modules call."""
    size = attributes["hidden_size"]
    both = attributes.get("direction") == "bidirectional"
    # Ours to torch's order of gates: iofc to ifco, zrh to rzh.
    order = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2], "RNN": [0]}[op]

    def reorder(tensor):
        return torch.cat([tensor.chunk(GATES[op])[i] for i in order])

    def fn(x, w, r, b, lengths, h0, c0=None):
        weights = []
        for k in range(2 if both else 1):
            wb, rb = b[k].chunk(2)
            weights += [reorder(w[k]), reorder(r[k]), reorder(wb), reorder(rb)]
        state = (h0, c0) if op == "LSTM" else h0
        call = {"LSTM": torch._VF.lstm, "GRU": torch._VF.gru, "RNN": torch._VF.rnn_tanh}[op]
        if lengths is None:
            y, *last = call(x, state, weights, True, 1, 0.0, False, both, False)
        else:
            packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
            data, *last = call(packed.data, packed.batch_sizes, state, weights, True, 1, 0.0, False, both)
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(
                torch.nn.utils.rnn.PackedSequence(data, packed.batch_sizes), total_length=x.shape[0])
        directions = 2 if both else 1
        return [y.unflatten(-1, (directions, size)).transpose(1, 2), *last]

    return fn


def suite_of(op):
    suite = Suite(op)

    def add(name, steps=4, batch=2, inputs=3, size=2, opset=14, bias=True, lengths=None, initial=True, peephole=False,
            make=recurrent, variables=True, forward=True, upstream=None, spread=1.0, scale=1.0, **attributes):
        """`lengths` as a list is a constant, as a tuple computed."""
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        rows = GATES[op] * size
        is_batch_first = attributes.get("layout", 0) == 1
        state = (batch, directions, size) if is_batch_first else (directions, batch, size)
        weight = var if variables else const
        attributes["hidden_size"] = size

        def draw():
            given = [var(suite.normal(*((batch, steps) if is_batch_first else (steps, batch)), inputs) * spread),
                     weight(suite.normal(directions, rows, inputs) * scale),
                     weight(suite.normal(directions, rows, size) * scale),
                     weight(suite.normal(directions, 2 * rows) * scale) if bias else None,
                     None if lengths is None else (const if isinstance(lengths, list) else computed)(lengths, "int32"),
                     var(suite.normal(*state)) if initial else None]
            if op == "LSTM":
                given += [var(suite.normal(*state)) if initial else None,
                          weight(suite.normal(directions, 3 * size)) if peephole else None]
            while given[-1] is None:
                given.pop()
            return given

        def distance(given):
            DISTANCES.clear()
            make(op, attributes)(*[None if value is None else torch.from_numpy(value.array) for value in given])
            return min(DISTANCES, default=1)

        given = draw()
        while distance(given) < 0.02:
            given = draw()
        suite.add(name, given, make(op, attributes), COMPOSITION if make is recurrent else f"torch.nn.{op}",
                  opset=opset, forward=forward, upstream=upstream, **attributes)

    def named(**attributes):
        return attributes | ({"linear_before_reset": 1} if op == "GRU" else {})

    for direction in ("forward", "bidirectional"):
        add(f"torch {direction}", make=in_torch, **named(direction=direction))
        add(f"torch {direction}, packed", make=in_torch, steps=5, batch=3, lengths=[5, 3, 1], **named(direction=direction))
    add("defaults", bias=False, initial=False)
    add("opset 11", opset=11)
    add("opset 22", opset=22, direction="reverse")
    add("weights constant", variables=False, direction="bidirectional", inputs=5, size=3)
    add("one step", steps=1, batch=1, direction="bidirectional")
    add("twelve steps, one sample", steps=12, batch=1, size=1, direction="bidirectional", variables=False)
    for direction in ("forward", "reverse", "bidirectional"):
        add(f"{direction}, no bias, no states", direction=direction, bias=False, initial=False)
        add(f"{direction}, lengths", direction=direction, steps=5, batch=4, lengths=[2, 5, 0, 4])
        add(f"{direction}, computed lengths", direction=direction, steps=4, batch=3, lengths=(3, 1, 4))
    add("lengths all full", lengths=[4, 4])
    add("lengths all short", lengths=[3, 2], direction="bidirectional")
    add("batch first", layout=1, forward=False)
    add("batch first, bidirectional, lengths", layout=1, forward=False, direction="bidirectional", batch=3, lengths=[3, 1, 4])
    add("gradient of the sequence alone", upstream=[True] + [False] * (2 if op == "LSTM" else 1))
    add("gradient of the last state alone", upstream=[False, True] + [False] * (op == "LSTM"), direction="bidirectional")
    add("clip", clip=0.7, spread=2.0)
    add("clip, bidirectional, lengths", clip=1.3, direction="bidirectional", lengths=[2, 4])
    count = len(DEFAULTS[op])
    for name, alpha, beta in [("Relu", None, None), ("Tanh", None, None), ("Sigmoid", None, None),
                              ("Softsign", None, None), ("Softplus", None, None), ("LeakyRelu", None, None),
                              ("LeakyRelu", 0.3, None), ("ThresholdedRelu", None, None), ("ThresholdedRelu", 0.2, None),
                              ("Elu", None, None), ("Elu", 0.5, None), ("HardSigmoid", None, None),
                              ("HardSigmoid", 0.3, 0.4), ("Affine", 0.5, 0.1), ("ScaledTanh", 1.5, 0.6)]:
        given = {key: [value] * count for key, value in (("activation_alpha", alpha), ("activation_beta", beta))
                 if value is not None}
        suffix = "" if alpha is None else " with parameters"
        add(f"{name}{suffix}", steps=3, batch=1, spread=0.5, scale=0.4, initial=False, activations=[name] * count, **given)
    mixed = {"LSTM": ["HardSigmoid", "LeakyRelu", "Tanh", "Sigmoid", "ScaledTanh", "Elu"],
             "GRU": ["HardSigmoid", "LeakyRelu", "ScaledTanh", "Elu"], "RNN": ["HardSigmoid", "Elu"]}[op]
    alphas = {"LSTM": [0.3, 0.2, 0.9, 0.7], "GRU": [0.3, 0.2, 0.9, 0.7], "RNN": [0.3, 0.7]}[op]
    betas = {"LSTM": [0.45, 0.8], "GRU": [0.45, 0.8], "RNN": [0.45]}[op]
    add("activations of each direction", direction="bidirectional", activations=mixed, activation_alpha=alphas,
        activation_beta=betas)
    if op == "LSTM":
        add("peepholes", peephole=True)
        add("peepholes, bidirectional, lengths", peephole=True, direction="bidirectional", batch=3, lengths=[2, 4, 1])
        add("peepholes, clip", peephole=True, clip=0.9)
        add("input_forget", input_forget=1)
        add("input_forget, peepholes, reverse", input_forget=1, peephole=True, direction="reverse")
        add("peepholes without states", peephole=True, initial=False, bias=False)
    if op == "GRU":
        for direction in ("forward", "reverse", "bidirectional"):
            add(f"linear_before_reset, {direction}, lengths", linear_before_reset=1, direction=direction, batch=3,
                lengths=[2, 4, 1])
        add("linear_before_reset without bias", linear_before_reset=1, bias=False)
        add("linear_before_reset, clip", linear_before_reset=1, clip=0.8)
    return suite


SUITES = [lambda op=op: suite_of(op) for op in GATES]
