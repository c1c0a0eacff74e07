"""Writes small models of other element types and what PyTorch says their gradients are. See README.md."""

import base64
import copy
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16
from torch import Tensor, nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "golden"))
import scenes  # noqa: E402
from make_model import strip  # noqa: E402

torch.set_num_threads(1)


class Net(nn.Module):
    """One level of a U-Net with what differs between element types: normalisation, resizing, gates."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.deep = nn.Conv2d(8, 16, 3, padding=1)
        self.norm = nn.GroupNorm(4, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.side = nn.Conv2d(16, 8, 1)
        self.join = nn.Conv2d(24, 8, 3, padding=1)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        skip = torch.relu(self.down(image))
        deep = torch.nn.functional.hardswish(self.norm(self.deep(nn.functional.max_pool2d(skip, 2))))
        deep = deep * torch.sigmoid(deep.mean((2, 3), keepdim=True))
        side = nn.functional.interpolate(self.side(deep), scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(torch.relu(self.join(torch.cat([skip, self.up(deep), side], 1))))


class Plain(nn.Module):
    """One level of a U-Net with what quantizers know."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.deep = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.head = nn.Conv2d(16, 2, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        skip = torch.relu(self.down(image))
        deep = torch.relu(self.deep(nn.functional.max_pool2d(skip, 2)))
        return self.head(torch.cat([skip, self.up(deep)], 1))


def floats(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def export(net: nn.Module, image: Tensor, **options) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        torch.onnx.export(net, (image,), path, input_names=["image"], output_names=["logits"], **options)
        proto = onnx.load(path)
    strip(proto)
    return proto


def gradient(function, image: np.ndarray, upstream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = torch.from_numpy(image).requires_grad_()
    y = function(x)
    y.backward(torch.from_numpy(upstream))
    return y.detach().numpy(), x.grad.numpy()


class Samples(CalibrationDataReader):
    def __init__(self, images) -> None:
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"image": image}


def quantize(proto: onnx.ModelProto, images, **options) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(proto, f"{folder}/float.onnx")
        quantize_static(f"{folder}/float.onnx", f"{folder}/qdq.onnx", Samples(images), quant_format=QuantFormat.QDQ, **options)
        quantized = onnx.load(f"{folder}/qdq.onnx")
    strip(quantized)
    return quantized


def small_weights(rng) -> tuple[onnx.ModelProto, nn.Module]:
    """Weights in float8 and in blocks of 4 bits, behind DequantizeLinear."""
    float8 = onnx.helper.make_tensor("w8", onnx.TensorProto.FLOAT8E4M3FN, [8, 3, 3, 3], rng.standard_normal(216).tolist())
    integers = rng.integers(-8, 8, (2, 8, 1, 1))
    int4 = onnx.helper.make_tensor("w4", onnx.TensorProto.INT4, [2, 8, 1, 1], integers.ravel().tolist())
    scales = rng.random((2, 2, 1, 1), np.float32)
    nodes = [
        onnx.helper.make_node("DequantizeLinear", ["w8", "s8"], ["first"]),
        onnx.helper.make_node("Conv", ["image", "first"], ["hidden"], pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["hidden"], ["active"]),
        onnx.helper.make_node("DequantizeLinear", ["w4", "s4"], ["second"], axis=1, block_size=4),
        onnx.helper.make_node("Conv", ["active", "second"], ["logits"]),
    ]
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "small weights",
        [info("image", onnx.TensorProto.FLOAT, [1, 3, 16, 16])],
        [info("logits", onnx.TensorProto.FLOAT, [1, 2, 16, 16])],
        [float8, int4, numpy_helper.from_array(np.float32(0.5), "s8"), numpy_helper.from_array(scales, "s4")],
    )
    first, second = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Conv2d(8, 2, 1, bias=False)
    first.weight.data = torch.from_numpy(numpy_helper.to_array(float8).astype(np.float32) * 0.5)
    second.weight.data = torch.from_numpy((integers * scales.repeat(4, 1)).astype(np.float32))
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    return proto, nn.Sequential(first, nn.ReLU(), second)


RANGES = {np.dtype(t): (np.iinfo(t).min, np.iinfo(t).max) for t in ("uint8", "int8", "uint16", "int16")}


def fake_quantized(proto: onnx.ModelProto):
    """A QDQ model in PyTorch: every QuantizeLinear of an activation is torch.fake_quantize, DequantizeLinear takes it as it is."""
    stored = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}

    def channels(array: np.ndarray, rank: int, axis: int) -> np.ndarray:
        return array.reshape([-1 if i == axis else 1 for i in range(rank)]) if array.size > 1 else array.reshape([])

    def run(image: Tensor) -> Tensor:
        values = {"image": image}

        def value(name: str) -> Tensor:
            return values[name] if name in values else torch.from_numpy(np.array(stored[name]))

        for node in proto.graph.node:
            a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
            i = list(node.input)
            match node.op_type:
                case "QuantizeLinear":
                    zero = stored[i[2]]
                    y = torch.fake_quantize_per_tensor_affine(value(i[0]), float(stored[i[1]]), int(zero), *RANGES[zero.dtype])
                case "DequantizeLinear" if i[0] in stored:
                    q = stored[i[0]]
                    axis = a.get("axis", 1)
                    zero = channels(stored[i[2]].astype(np.int64), q.ndim, axis) if len(i) > 2 else 0
                    y = torch.from_numpy((q.astype(np.int64) - zero).astype(np.float32) * channels(stored[i[1]], q.ndim, axis))
                case "DequantizeLinear":
                    y = values[i[0]]
                case "Conv":
                    y = nn.functional.conv2d(value(i[0]), value(i[1]), value(i[2]), a["strides"], a["pads"][:2])
                case "ConvTranspose":
                    y = nn.functional.conv_transpose2d(value(i[0]), value(i[1]), value(i[2]), a["strides"])
                case "Relu":
                    y = torch.relu(value(i[0]))
                case "MaxPool":
                    y = nn.functional.max_pool2d(value(i[0]), a["kernel_shape"], a["strides"])
                case "Concat":
                    y = torch.cat([value(name) for name in i], a["axis"])
                case other:
                    raise NotImplementedError(other)
            values[node.output[0]] = y
        return values["logits"]

    return run


def main() -> None:
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    image = rng.random((1, 3, 16, 16), np.float32)
    upstream = rng.standard_normal((1, 2, 16, 16)).astype(np.float32)
    cases = {"image": floats(image), "upstream": floats(upstream), "models": {}}

    def write(name: str, proto: onnx.ModelProto, function) -> None:
        onnx.save(proto, HERE / f"{name}.onnx")
        logits, image_grad = gradient(function, image, upstream)
        cases["models"][name] = {"logits": floats(logits), "gradient": floats(image_grad)}
        print(name, (HERE / f"{name}.onnx").stat().st_size, "bytes")

    net = Net().eval()
    half = copy.deepcopy(net).half()
    write("float16-legacy", export(half, torch.from_numpy(image).half(), dynamo=False, opset_version=17), copy.deepcopy(half).float())
    mixed = convert_float_to_float16(
        export(net, torch.from_numpy(image), dynamo=False, opset_version=17), keep_io_types=True, op_block_list=["Resize", "Sigmoid"]
    )
    write("float16-mixed", mixed, copy.deepcopy(half).float())
    brain = copy.deepcopy(net).bfloat16()
    write("bfloat16", export(brain, torch.from_numpy(image).bfloat16(), dynamo=False, opset_version=17), copy.deepcopy(brain).float())
    write("float64", export(copy.deepcopy(net).double(), torch.from_numpy(image).double(), dynamo=False, opset_version=17), net)

    torch.manual_seed(6)
    plain = export(Plain().eval(), torch.from_numpy(image), dynamo=False, opset_version=13)
    # Seen images are darker than the tested one, which then saturates here and there.
    images = [0.8 * rng.random((1, 3, 16, 16), np.float32) for _ in range(4)]
    variants = {
        "qdq-uint8": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8},
        "qdq-per-channel": {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8, "per_channel": True},
        "qdq-int16": {"activation_type": QuantType.QInt16, "weight_type": QuantType.QInt8},
    }
    for name, options in variants.items():
        proto = quantize(plain, images, **options)
        write(name, proto, fake_quantized(proto))

    write("small-weights", *small_weights(np.random.default_rng(7)))

    (HERE / "cases.json").write_text(json.dumps(cases) + "\n")

    # The trained U-Net of three classes, for attacks.
    unet = onnx.load(HERE.parent / "golden/unet3.onnx")
    draws = [scenes.paint(scenes.random_ellipses(3, 76, rng), 76, rng)[None].astype(np.float32) for _ in range(8)]
    trained = quantize(unet, draws, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True)
    onnx.save(trained, HERE / "unet3-qdq.onnx")
    onnxruntime.InferenceSession(trained.SerializeToString())


if __name__ == "__main__":
    main()
