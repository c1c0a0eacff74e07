"""Runs a derived gradient model by plain ONNX Runtime and compares its gradient with the expected one.

    python check_gradient.py MODEL.onnx DERIVED.onnx image.npy upstream.npy expected.npy

MODEL is the model that DERIVED was made from. DERIVED has the inputs of MODEL and `<output>_grad`; it gives the
outputs of MODEL and `<input>_grad`. Exits with 1 where the largest error is above 1e-4 of the largest gradient, or
where an output of DERIVED is not that of MODEL. Needs onnxruntime and numpy only.
"""

import sys

import numpy as np
import onnxruntime

LIMIT = 1e-4


def session(path: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def fail(message: str) -> None:
    print(message)
    raise SystemExit(1)


def relative_error(found: np.ndarray, expected: np.ndarray, what: str) -> float:
    if found.shape != expected.shape or found.dtype != expected.dtype:
        fail(f"{what}: expected {expected.dtype}{expected.shape}, received {found.dtype}{found.shape}")
    scale = np.abs(expected).max()
    return float(np.abs(found - expected).max() / (scale if scale > 0 else 1))


def main(arguments: list[str]) -> None:
    if len(arguments) != 5:
        raise SystemExit(__doc__)
    original, derived = session(arguments[0]), session(arguments[1])
    image, upstream, expected = (np.load(path) for path in arguments[2:])

    (input_name,) = [value.name for value in original.get_inputs()]
    outputs = [value.name for value in original.get_outputs()]
    inputs = {value.name for value in derived.get_inputs()}
    upstreams = [f"{name}_grad" for name in outputs if f"{name}_grad" in inputs]
    if inputs != {input_name, *upstreams} or len(upstreams) != 1:
        fail(f"inputs: expected {input_name} and one of {[f'{name}_grad' for name in outputs]}, received {sorted(inputs)}")
    gradient_name = f"{input_name}_grad"
    given = {value.name for value in derived.get_outputs()}
    if given != {*outputs, gradient_name}:
        fail(f"outputs: expected {[*outputs, gradient_name]}, received {sorted(given)}")

    *found, gradient = derived.run([*outputs, gradient_name], {input_name: image, upstreams[0]: upstream})
    errors = {name: relative_error(a, b, name) for name, a, b in zip(outputs, found, original.run(outputs, {input_name: image}))}
    errors[gradient_name] = relative_error(gradient, expected, gradient_name)
    for name, error in errors.items():
        print(f"{name}: max error over max {error:.3e}")
    if not all(error <= LIMIT for error in errors.values()):  # not NaN either
        fail(f"above {LIMIT}")


if __name__ == "__main__":
    main(sys.argv[1:])
