"""A suite of cases for one operator: random inputs, float64 oracle, check against onnxruntime."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
ort.set_default_logger_severity(4)

CASES = Path(__file__).parent / "cases"
COMPOSITION = "composition in torch of the ONNX definition"
DTYPES = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
OUTPUTS = {torch.float64: TensorProto.FLOAT, torch.int64: TensorProto.INT64, torch.bool: TensorProto.BOOL}


@dataclass(eq=False)
class Value:
    array: np.ndarray
    variable: bool
    computed: bool = False

    @property
    def fed(self) -> bool:
        return self.variable or self.computed


def var(array) -> Value:
    """A graph input, whose gradient is expected. Passed twice, it is one value used twice."""
    return Value(np.asarray(array, np.float32), True)


def computed(array, dtype=None) -> Value:
    """A graph input without gradient: integers or booleans that are not known beforehand."""
    return Value(const(array, dtype).array, False, True)


def const(array, dtype=None) -> Value:
    """An initializer. Python ints become int64, floats float32."""
    array = np.asarray(array)
    if dtype is None:
        dtype = {"i": np.int64, "u": np.int64, "b": np.bool_}.get(array.dtype.kind, np.float32)
    return Value(np.asarray(array, dtype), False)


def encode(array: np.ndarray) -> str:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode()


def attribute(value):
    if isinstance(value, float):
        return {"float": value}
    if isinstance(value, (list, tuple)):
        return [attribute(item) for item in value]
    return value


class Suite:
    def __init__(self, op: str, domain: str = ""):
        self.op = op
        self.domain = domain
        # Not for what ONNX deprecated or never had.
        self.checked = True
        self.key = f"{domain}.{op}" if domain else op
        self.cases: list[dict] = []
        self._reseed()

    def _reseed(self) -> None:
        seed = zlib.crc32(f"{self.key} {len(self.cases)}".encode())
        self.rng = np.random.default_rng(seed)

    # Random tensors

    def normal(self, *dims) -> np.ndarray:
        return self.rng.standard_normal(dims).astype(np.float32)

    def uniform(self, low, high, *dims) -> np.ndarray:
        return self.rng.uniform(low, high, dims).astype(np.float32)

    def distinct(self, *dims, gap=0.1) -> np.ndarray:
        """Values at least `gap` apart, centred on zero, in random order."""
        count = int(np.prod(dims))
        order = self.rng.permutation(count) - (count - 1) / 2
        return (order * gap).astype(np.float32).reshape(dims)

    def away(self, dims, points, low=-2.0, high=2.0, gap=0.1) -> np.ndarray:
        """Uniform values at least `gap` away from every one of `points`."""
        x = self.rng.uniform(low, high, dims)
        while True:
            near = np.zeros(x.shape, bool)
            for point in points:
                near |= np.abs(x - point) < gap
            if not near.any():
                return np.asarray(x, np.float32)
            x = np.where(near, self.rng.uniform(low, high, dims), x)

    # Cases

    def add(self, name, inputs, fn, oracle=COMPOSITION, *, opset=17, tie=False, upstream=None,
            forward=True, **attributes) -> None:
        """Appends a case. `fn` takes torch tensors (float64, int64, bool; None for an omitted input).

        `upstream` says which outputs have an upstream gradient (default: all). `tie` marks a kink or an infinite
        output, where finite differences mean nothing. `forward=False` is for operators that this onnxruntime does not
        have, or computes otherwise: the outputs are compared in the tests alone, with those of the expansion.
        """
        label = f"{self.key} '{name}' (opset {opset})"
        if any(case["name"] == name for case in self.cases):
            raise AssertionError(f"{label}: the name is taken")
        tensors: dict[int, torch.Tensor] = {}
        for value in inputs:
            if value is not None and id(value) not in tensors:
                tensor = torch.from_numpy(value.array.copy())
                if value.array.dtype == np.float32:
                    tensor = tensor.double()
                tensors[id(value)] = tensor.requires_grad_() if value.variable else tensor
        arguments = [None if value is None else tensors[id(value)] for value in inputs]
        outputs = fn(*arguments)
        outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        used = [y.is_floating_point() for y in outputs] if upstream is None else list(upstream)
        seeds = [np.asarray(self.rng.standard_normal(tuple(y.shape)), np.float32) if use else None
                 for y, use in zip(outputs, used, strict=True)]

        if forward:
            self._check_forward(label, inputs, outputs, opset, attributes)
        loss = sum((y * torch.from_numpy(seed).double()).sum() for y, seed in zip(outputs, seeds) if seed is not None)
        variables = {id(value): value for value in inputs if value is not None and value.variable}
        if loss.requires_grad:
            found = torch.autograd.grad(loss, [tensors[key] for key in variables], allow_unused=True)
        else:
            found = [None] * len(variables)
        gradients = {key: torch.zeros_like(tensors[key]) if gradient is None else gradient
                     for key, gradient in zip(variables, found)}
        if not tie:
            self._check_gradient(label, fn, inputs, tensors, seeds, gradients)

        names = self._input_names(inputs, opset)
        entries = []
        for value in inputs:
            if value is None:
                entries.append(None)
                continue
            entry = {"name": names[id(value)], "dtype": str(value.array.dtype), "dims": list(value.array.shape),
                     "data": encode(value.array)}
            if value.variable:
                entry["gradient"] = encode(gradients[id(value)].detach().numpy().astype(np.float32))
            if value.computed:
                entry["computed"] = True
            entries.append(entry)
        case = {"name": name, "opType": self.op, **({"domain": self.domain} if self.domain else {}), "opset": opset,
                "attributes": {key: attribute(value) for key, value in attributes.items()},
                "inputs": entries, "outputs": [], "oracle": oracle}
        for y, seed in zip(outputs, seeds):
            array = y.detach().numpy()
            entry = {"dims": list(y.shape)}
            if y.is_floating_point():
                array = array.astype(np.float32)
            else:
                entry["dtype"] = str(array.dtype)
            entry["data"] = encode(array)
            if seed is not None:
                entry["upstream"] = encode(seed)
            case["outputs"].append(entry)
        if tie:
            case["tie"] = True
        self.cases.append(case)
        self._reseed()

    def _input_names(self, inputs, opset) -> dict[int, str]:
        if self.domain:
            return {id(value): f"x{index}" for index, value in enumerate(inputs) if value is not None}
        formal = onnx.defs.get_schema(self.op, opset).inputs
        names: dict[int, str] = {}
        for index, value in enumerate(inputs):
            if value is not None and id(value) not in names:
                parameter = formal[min(index, len(formal) - 1)]
                variadic = parameter.option == onnx.defs.OpSchema.FormalParameterOption.Variadic
                names[id(value)] = f"{parameter.name}_{index}" if variadic else parameter.name
        return names

    def _check_forward(self, label, inputs, outputs, opset, attributes) -> None:
        names = self._input_names(inputs, opset)
        values = {names[id(value)]: value for value in inputs if value is not None}
        results = [f"output_{index}" for index in range(len(outputs))]
        node = helper.make_node(self.op, ["" if value is None else names[id(value)] for value in inputs], results,
                                name="node", domain=self.domain, **attributes)
        graph = helper.make_graph(
            [node], "case",
            [helper.make_tensor_value_info(key, DTYPES[str(value.array.dtype)], value.array.shape)
             for key, value in values.items() if value.fed],
            [helper.make_tensor_value_info(key, OUTPUTS[y.dtype], tuple(y.shape)) for key, y in zip(results, outputs)],
            [numpy_helper.from_array(value.array, key) for key, value in values.items() if not value.fed])
        imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(self.domain, 1)] if self.domain else [])
        model = helper.make_model(graph, ir_version=10, opset_imports=imports)
        if self.checked:
            onnx.checker.check_model(model)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        feeds = {key: value.array for key, value in values.items() if value.fed}
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        actual = session.run(None, feeds)
        for index, (expected, result) in enumerate(zip(outputs, actual, strict=True)):
            expected = expected.detach().numpy()
            if expected.shape != result.shape:
                raise AssertionError(f"{label}: output {index} is {result.shape} in onnxruntime, {expected.shape} here")
            error = np.abs(expected - result).max(initial=0)
            if not error <= 1e-4:
                raise AssertionError(f"{label}: output {index} is {error} away from onnxruntime's")

    def _check_gradient(self, label, fn, inputs, tensors, seeds, gradients) -> None:
        """One central difference in float64, along a random direction of all variables together."""
        if not gradients:
            raise AssertionError(f"{label}: no variable")
        rng = np.random.default_rng(1)
        steps = {key: torch.from_numpy(rng.standard_normal(tuple(tensors[key].shape))) for key in gradients}

        def loss(h):
            moved = {key: tensor.detach() + h * steps[key] if key in steps else tensor
                     for key, tensor in tensors.items()}
            outputs = fn(*[None if value is None else moved[id(value)] for value in inputs])
            outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            return sum(float((y * torch.from_numpy(s).double()).sum()) for y, s in zip(outputs, seeds) if s is not None)

        h = 1e-5
        slope = (loss(h) - loss(-h)) / (2 * h)
        expected = sum(float((gradients[key] * steps[key]).sum()) for key in gradients)
        if not abs(slope - expected) <= 1e-6 * max(1, abs(slope)):
            raise AssertionError(f"{label}: the slope is {slope}, the gradient says {expected}")

    def write(self) -> int:
        CASES.mkdir(exist_ok=True)
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        return (CASES / f"{self.key}.json").write_text(f"[\n{lines}\n]\n")
