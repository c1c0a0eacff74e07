"""Makes `operators/<operator>.onnx`: one small training graph per operator that training builds add.

Most come from the gradient builder itself, from a forward graph x -> y with the loss sum(y * upstream).
Operators that it writes only for other devices and modes are written here by hand, after their schemas.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi._pybind_state import GradientGraphBuilder

from make_training_graph import add_loss, complete_outputs

FOLDER = Path(__file__).parent / "operators"
IMAGE = [1, 4, 6, 6]
rng = np.random.default_rng(0)


def floats(*dims):
    return rng.standard_normal(dims).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def node(op_type, inputs, outputs, **attributes):
    return helper.make_node(op_type, inputs, outputs, name=f"{op_type}_{outputs[0]}", **attributes)


def microsoft(op_type, inputs, outputs, **attributes):
    return node(op_type, inputs, outputs, domain="com.microsoft", **attributes)


def model(nodes, x, y, constants, opset, inputs=(), outputs=()):
    info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(
        nodes,
        "graph",
        [info("x", x), *[info(name, dims) for name, dims in inputs]],
        [info("y", y), *[info(name, dims) for name, dims in outputs]],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def build(name, nodes, x=IMAGE, y=IMAGE, opset=17, **constants):
    made = model(nodes, x, y, constants, opset)
    complete_outputs(made)
    root = add_loss(made, "y")
    builder = GradientGraphBuilder(made.SerializeToString(), {root}, {"x"}, root)
    builder.build()
    save(name, onnx.load_from_string(builder.get_model()))


def by_hand(name, nodes, x=IMAGE, y=IMAGE, opset=17, **constants):
    save(name, model(nodes, x, y, constants, opset, [("y_grad", y)], [("x_grad", x)]))


def save(name, made):
    del made.graph.value_info[:]
    made.doc_string = made.producer_name = ""
    onnx.save(made, FOLDER / f"{name}.onnx")


def from_the_builder():
    build("ConvGrad", [node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 0, 0], strides=[2, 2], group=2)], y=[1, 6, 3, 3], w=floats(6, 2, 2, 2), b=floats(6))
    build("ConvGrad-weights", [node("Conv", ["k", "x"], ["y"])], x=[3, 4, 2, 2], y=[1, 3, 5, 5], k=floats(*IMAGE))
    build("ConvTransposeGrad", [node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_padding=[1, 1])], y=[1, 5, 13, 13], w=floats(4, 5, 2, 2))
    build("ReluGrad", [node("Sub", ["x", "c"], ["d"]), node("Relu", ["d"], ["y"])], c=np.float32(0.5))
    build("LeakyReluGrad", [node("Sub", ["x", "c"], ["d"]), node("LeakyRelu", ["d"], ["y"], alpha=0.2)], c=np.float32(0.5))
    build("SigmoidGrad", [node("Sigmoid", ["x"], ["y"])])
    build("TanhGrad", [node("Tanh", ["x"], ["y"])])
    build("SoftmaxGrad_13", [node("Softmax", ["x"], ["y"], axis=1)])
    build("SoftmaxGrad", [node("Softmax", ["x"], ["y"], axis=2)], opset=12)
    build("LogSoftmaxGrad_13", [node("LogSoftmax", ["x"], ["y"], axis=1)])
    build("LogSoftmaxGrad", [node("LogSoftmax", ["x"], ["y"], axis=2)], opset=12)
    build("GeluGrad", [node("Gelu", ["x"], ["y"])], opset=20)
    build("FastGeluGrad", [microsoft("FastGelu", ["x"], ["y"])])
    build("BiasFastGeluGrad_dX", [microsoft("FastGelu", ["x", "b"], ["y"])], b=floats(6))
    build("BiasGeluGrad_dX", [microsoft("BiasGelu", ["x", "b"], ["y"])], b=floats(6))
    build("QuickGeluGrad", [microsoft("QuickGelu", ["x"], ["y"], alpha=1.5)])
    build("MaxPoolGrad", [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], y=[1, 4, 3, 3])
    build("MaxPoolGrad-apart", [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])], y=[1, 4, 3, 3])
    build("AveragePoolGrad", [node("Tanh", ["x"], ["t"]), node("AveragePool", ["t"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0])], y=[1, 4, 3, 3])
    build("Scale", [node("GlobalAveragePool", ["x"], ["y"])], y=[1, 4, 1, 1])
    build("Scale-mean", [node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)], y=[1, 6, 6])
    build("ResizeGrad", [node("Resize", ["x", "", "s"], ["y"], mode="linear")], y=[1, 4, 12, 12], s=np.array([1, 1, 2, 2], np.float32))
    build("ResizeGrad-nearest", [node("Resize", ["x", "", "s"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")], y=[1, 4, 12, 12], s=np.array([1, 1, 2, 2], np.float32))
    build("ResizeGrad-sizes", [node("Resize", ["x", "", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="align_corners")], y=[1, 4, 9, 13], s=ints(1, 4, 9, 13))
    build("SliceGrad", [node("Slice", ["x", "s", "e", "a", "st"], ["y"])], y=[1, 4, 3, 5], s=ints(1, -1), e=ints(6, -6), a=ints(2, 3), st=ints(2, -1))
    build("GatherGrad", [node("Gather", ["x", "i"], ["y"], axis=1)], y=[1, 3, 6, 6], i=ints(0, 2, 2))
    build("GatherElementsGrad", [node("GatherElements", ["x", "i"], ["y"], axis=1)], x=[2, 3], y=[2, 2], i=np.array([[0, 2], [1, 1]], np.int64))
    build("GatherElementsGrad-TopK", [node("TopK", ["x", "k"], ["y", "i"], axis=1)], y=[1, 2, 6, 6], k=ints(2))
    build("GatherNDGrad", [node("GatherND", ["x", "i"], ["y"])], x=[2, 3], y=[3], i=np.array([[0, 2], [1, 1], [0, 2]], np.int64))
    build("LayerNormalizationGrad", [node("LayerNormalization", ["x", "s", "b"], ["y"], axis=-1, epsilon=1e-3)], x=[2, 3, 8], y=[2, 3, 8], s=floats(8), b=floats(8))
    build("SimplifiedLayerNormalizationGrad", [node("SimplifiedLayerNormalization", ["x", "s"], ["y", "inv"], axis=-1, epsilon=1e-3)], x=[2, 3, 8], y=[2, 3, 8], s=floats(8))
    build("DivGrad", [node("Exp", ["x"], ["e"]), node("Div", ["x", "e"], ["y"])])
    build("DivGrad-broadcast", [node("ReduceSum", ["x", "a"], ["r"]), node("Div", ["x", "r"], ["y"])], a=ints(2, 3))
    build("DropoutGrad", [node("Dropout", ["x"], ["d"]), node("Tanh", ["d"], ["y"])])
    build("FusedMatMul", [node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), node("MatMul", ["x", "t"], ["m"]), node("MatMul", ["m", "w"], ["y"])], x=[2, 3, 4], y=[2, 3, 5], w=floats(3, 5))
    build("Sum", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["m"]), node("Concat", ["m", "x"], ["y"], axis=1)], y=[1, 8, 6, 6])


def with_own_nodes():
    by_hand("BatchScale", [
        node("Mul", ["x", "two"], ["a"]), node("Mul", ["x", "x"], ["b"]), node("Add", ["a", "b"], ["y"]),
        microsoft("BatchScale", ["y_grad"], ["a_grad", "b_grad"], scale_0=2.0, scale_1=1.0),
        node("Mul", ["b_grad", "x"], ["half"]), node("Add", ["half", "half"], ["b_x_grad"]),
        node("Sum", ["a_grad", "b_x_grad"], ["x_grad"]),
    ], two=np.float32(2))
    by_hand("FakeQuantGrad", [
        node("Clip", ["x", "low", "high"], ["y"]),
        node("Equal", ["x", "y"], ["mask"]),
        microsoft("FakeQuantGrad", ["y_grad", "mask"], ["x_grad"]),
    ], low=np.float32(0.2), high=np.float32(0.7))
    by_hand("InvertibleLayerNormalizationGrad", [
        node("LayerNormalization", ["x", "s", "b"], ["y", "mean", "inv"], axis=-1, epsilon=1e-3),
        microsoft("InvertibleLayerNormalizationGrad", ["y_grad", "y", "s", "b", "inv"], ["x_grad", "s_grad", "b_grad"], axis=-1),
    ], x=[2, 3, 8], y=[2, 3, 8], s=floats(8), b=floats(8))
    by_hand("ConcatTraining-SplitTraining", [
        node("Tanh", ["x"], ["t"]),
        microsoft("ConcatTraining", ["x", "t"], ["y", "lengths"], axis=1),
        microsoft("SplitTraining", ["y_grad", "lengths"], ["x_grad_0", "t_grad"], axis=1),
        microsoft("TanhGrad", ["t_grad", "t"], ["x_grad_1"]),
        node("Sum", ["x_grad_0", "x_grad_1"], ["x_grad"]),
    ], y=[1, 8, 6, 6])
    by_hand("ReduceSumTraining", [
        node("Add", ["x", "c"], ["y"]),
        microsoft("ReduceSumTraining", ["y_grad", "axes"], ["x_grad"], keepdims=1),
    ], x=[1, 4, 1, 1], y=IMAGE, c=floats(*IMAGE), axes=ints(2, 3))
    by_hand("BroadcastGradientArgs", [
        node("ReduceSum", ["x", "axes"], ["r"], keepdims=0), node("Mul", ["x", "r"], ["y"]),
        node("Shape", ["x"], ["x_shape"]), node("Shape", ["r"], ["r_shape"]),
        microsoft("BroadcastGradientArgs", ["x_shape", "r_shape"], ["x_axes", "r_axes"]),
        node("Mul", ["y_grad", "r"], ["x_part"]), node("Mul", ["y_grad", "x"], ["r_part"]),
        microsoft("ReduceSumTraining", ["x_part", "x_axes"], ["x_sum"], keepdims=1, noop_with_empty_axes=1),
        microsoft("ReduceSumTraining", ["r_part", "r_axes"], ["r_sum"], keepdims=1, noop_with_empty_axes=1),
        node("Reshape", ["x_sum", "x_shape"], ["x_grad_0"]), node("Reshape", ["r_sum", "r_shape"], ["r_grad"]),
        node("Expand", ["r_grad", "x_shape"], ["x_grad_1"]), node("Sum", ["x_grad_0", "x_grad_1"], ["x_grad"]),
    ], axes=ints(0))
    by_hand("FusedMatMul-alpha", [
        microsoft("FusedMatMul", ["x", "w"], ["y"], transA=1, alpha=0.5),
        microsoft("FusedMatMul", ["w", "y_grad"], ["x_grad"], transB=1, alpha=0.5),
    ], x=[2, 4, 3], y=[2, 3, 5], w=floats(2, 4, 5))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.onnx"):
        old.unlink()
    from_the_builder()
    with_own_nodes()
    print(sum(1 for _ in FOLDER.glob("*.onnx")), "graphs")
