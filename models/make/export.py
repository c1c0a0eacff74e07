"""Exports trained weights as one self-contained ONNX file and checks it.

    python export.py optic-disc.pt ../optic-disc.onnx --description "U-Net ..."
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from unet import UNet

OPSET = 18
INPUT = (1, 3, 572, 572)
CLASSES = {
    2: ["background", "optic disc"],
    4: ["background", "optic disc", "optic cup", "vessel"],
}


def clean(model: onnx.ModelProto) -> None:
    """Drops what the exporter notes about the machine and the source code it ran on."""
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name = "unet"
    graph.doc_string = ""
    del graph.metadata_props[:]
    del graph.value_info[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    if model.functions:
        raise ValueError("The exporter left functions in the model; expected plain nodes.")


def export(weights: Path, output: Path, description: str) -> None:
    torch.set_num_threads(1)
    stored = torch.load(weights, weights_only=True)
    network = UNet(stored["classes"]).eval()
    network.load_state_dict(stored["weights"])
    network = network.to(memory_format=torch.contiguous_format)

    image = torch.from_numpy(np.random.default_rng(0).random(INPUT, np.float32))
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (image,),
            raw,
            input_names=["image"],
            output_names=["logits"],
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
        )
        model = onnx.load(raw)
    clean(model)
    meaning = {
        "classes": CLASSES[stored["classes"]],
        "range": [0, 1],
        "padding": {"pixels": 82, "mode": "edge"},
        "description": description,
    }
    model.metadata_props.add(key="onnx-asma", value=json.dumps(meaning))
    if model.ir_version > 10:
        raise ValueError(f"Expected IR version 10 or older but the exporter wrote {model.ir_version}.")
    onnx.checker.check_model(model, full_check=True)
    output.write_bytes(model.SerializeToString())

    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    (actual,) = session.run(["logits"], {"image": image.numpy()})
    with torch.no_grad():
        expected = network(image).numpy()
    error = np.abs(actual - expected).max()
    content = output.read_bytes()
    operators = sorted({node.op_type for node in model.graph.node})
    print(f"{output.name}: {len(content)} bytes, opset {model.opset_import[0].version}, IR {model.ir_version}")
    print(f"logits {list(actual.shape)}, operators {', '.join(operators)}")
    print(f"largest error against PyTorch {error:.2e} where the largest logit is {np.abs(expected).max():.1f}")
    print(f"SHA-256 {hashlib.sha256(content).hexdigest()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help=".pt file of train.py")
    parser.add_argument("output", type=Path, help="ONNX file to write")
    parser.add_argument("--description", required=True)
    options = parser.parse_args()
    export(options.weights, options.output, options.description)


if __name__ == "__main__":
    main()
