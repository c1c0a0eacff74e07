"""Write ONNX's own backend node cases as JSON: models, inputs and expected outputs.

    python make_cases.py

`cases/<Operator>.json` gets every case with a float input and a float output (git-ignored);
`selection.json` the smallest of each operator (committed, so that tests run without Python).
"""

import base64
import json
import pathlib
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

FOLDER = pathlib.Path(__file__).parent
FLOATS = {
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
}
LARGEST_SELECTED = 4000  # bytes


def main():
    warnings.simplefilter("ignore")
    cases = {case.name: case for case in collect_testcases()}
    by_operator = {}
    for name, case in sorted(cases.items()):
        base = cases.get(name.split("_expanded")[0], case)
        node = base.model.graph.node[-1]
        if node.domain == "" and has_float(case.model.graph.input) and has_float(case.model.graph.output):
            inputs, outputs = case.data_sets[0]
            if all(isinstance(value, (np.ndarray, np.generic)) for value in [*inputs, *outputs]):
                by_operator.setdefault(node.op_type, []).append(
                    {
                        "name": name.removeprefix("test_"),
                        "operator": node.op_type,
                        "model": encode(case.model),
                        "inputs": [encode(numpy_helper.from_array(np.asarray(v))) for v in inputs],
                        "outputs": [encode(numpy_helper.from_array(np.asarray(v))) for v in outputs],
                        "rtol": case.rtol,
                        "atol": case.atol,
                    }
                )
    (FOLDER / "cases").mkdir(exist_ok=True)
    selection = []
    for operator, group in sorted(by_operator.items()):
        write(FOLDER / "cases" / f"{operator}.json", group)
        smallest = min(group, key=lambda case: len(json.dumps(case)))
        if len(json.dumps(smallest)) <= LARGEST_SELECTED:
            selection.append(smallest)
    write(FOLDER / "selection.json", selection)
    print(f"{sum(map(len, by_operator.values()))} cases of {len(by_operator)} operators")


def has_float(values):
    return any(value.type.tensor_type.elem_type in FLOATS for value in values)


def encode(message):
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def write(path, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
