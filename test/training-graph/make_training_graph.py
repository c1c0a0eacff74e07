"""Builds the training graph of a model with ONNX Runtime's training build.

    python make_training_graph.py model.onnx -o model.training.onnx

The graph computes the scores and, from an upstream gradient of them, the gradient of the image:
`onnx-asma attack model.onnx image.png --training-graph model.training.onnx`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi._pybind_state import GradientGraphBuilder


def complete_outputs(model: onnx.ModelProto) -> None:
    """Declares the optional outputs that the gradients of these operators read."""
    wanted = {"LayerNormalization": 3, "Dropout": 2}
    for node in model.graph.node:
        for i in range(len(node.output), wanted.get(node.op_type, 0)):
            node.output.append(f"{node.output[0]}_training_{i}")


def unshare_normalizations(model: onnx.ModelProto) -> None:
    """Gives every LayerNormalization its own weights: the builder names their gradients after them."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for i, node in enumerate(model.graph.node):
        for k in range(1, len(node.input)) if node.op_type == "LayerNormalization" else ():
            if node.input[k] in tensors:
                copy = model.graph.initializer.add()
                copy.CopyFrom(tensors[node.input[k]])
                copy.name = node.input[k] = f"{node.input[k]}_{i}"


def fold_batch_normalizations(model: onnx.ModelProto) -> None:
    """Writes BatchNormalization at inference, whose gradient the builder lacks, as x * factor + offset."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        weights = [tensors.get(name) for name in node.input[1:]]
        if node.op_type != "BatchNormalization" or None in weights:
            nodes.append(node)
            continue
        scale, bias, mean, variance = [numpy_helper.to_array(tensor).astype(np.float64) for tensor in weights]
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        y = node.output[0]
        for name, values in (("factor", factor), ("offset", bias - mean * factor)):
            array = values.astype(np.float32).reshape(-1, 1, 1)
            model.graph.initializer.append(numpy_helper.from_array(array, f"{y}_{name}"))
        nodes.append(helper.make_node("Mul", [node.input[0], f"{y}_factor"], [f"{y}_scaled"]))
        nodes.append(helper.make_node("Add", [f"{y}_scaled", f"{y}_offset"], [y]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def name_nodes(model: onnx.ModelProto) -> None:
    """The builder wants every node to have a name of its own."""
    names = set()
    for i, node in enumerate(model.graph.node):
        if node.name in names or not node.name:
            node.name = f"{node.op_type}_{i}"
        names.add(node.name)


def add_loss(model: onnx.ModelProto, scores: str) -> str:
    """Appends the loss sum(scores * upstream): its gradient of the scores is the upstream gradient."""
    inferred = onnx.shape_inference.infer_shapes(model)
    values = [*inferred.graph.output, *inferred.graph.value_info]
    found = next(value for value in values if value.name == scores)
    upstream = onnx.ValueInfoProto()
    upstream.CopyFrom(found)
    upstream.name = "upstream"
    model.graph.input.append(upstream)
    model.graph.node.extend(
        [
            helper.make_node("Mul", [scores, "upstream"], ["weighted"], name="weighted"),
            helper.make_node("ReduceSum", ["weighted"], ["loss"], name="loss", keepdims=0),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("loss", TensorProto.FLOAT, []))
    return "loss"


def refer_to(model: onnx.ModelProto, path: Path) -> None:
    """Replaces weights by references into the model's own file, which has the same bytes."""
    data = path.read_bytes()
    for tensor in model.graph.initializer:
        raw = tensor.raw_data
        offset = data.find(raw) if len(raw) >= 1024 else -1
        if offset < 0:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", path.name), ("offset", offset), ("length", len(raw))):
            tensor.external_data.add(key=key, value=str(value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--image", help="the image input (default: the first)")
    parser.add_argument("--scores", help="the logits (default: the first output)")
    parser.add_argument(
        "--seed",
        choices=["loss", "initializer"],
        default="loss",
        help="begin at sum(scores * upstream), or at the scores themselves with a constant (fewer models)",
    )
    parser.add_argument("--weights", choices=["embed", "reference"], default="embed")
    options = parser.parse_args()
    model = onnx.load(options.model)
    image = options.image or model.graph.input[0].name
    scores = options.scores or model.graph.output[0].name
    fold_batch_normalizations(model)
    unshare_normalizations(model)
    name_nodes(model)
    complete_outputs(model)
    root = add_loss(model, scores) if options.seed == "loss" else scores
    builder = GradientGraphBuilder(model.SerializeToString(), {root}, {image}, root)
    builder.build()
    graph = onnx.load_from_string(builder.get_model())
    if options.weights == "reference":
        refer_to(graph, options.model)
    onnx.save(graph, options.out)
    foreign = sorted({node.op_type for node in graph.graph.node if node.domain or node.op_type.endswith("Grad")})
    print(f"{options.out}: {options.out.stat().st_size} bytes; training operators: {', '.join(foreign) or 'none'}")


if __name__ == "__main__":
    main()
