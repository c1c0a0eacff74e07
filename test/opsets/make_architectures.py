"""Twelve small segmentation networks in each opset from 7 to 22, and their gradients from autograd in float64.

    pip install -r ../operators/requirements.txt onnxscript
    python make_architectures.py

Opsets 7 to 20 come from the legacy exporter, 18 to 22 from the dynamo exporter. The legacy one has no upsampling for opsets
7 and 8: there the export for opset 9 is rewritten, whose Upsample has its scales as an input. A network with
MaxUnpool, which neither exports, is written with onnx.helper (opset 9 on). Before opset 11 the exporter writes bilinear
upsampling with other coordinates than PyTorch's (it warns): there the gradient is that of PyTorch with a matrix
of those coordinates. All files and tensors go into architectures.bin.gz: four bytes with the length of a
JSON header, the header, and the bytes that it points into.
"""

import gzip
import io
import json
import pathlib
import struct
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent
OPSETS = range(7, 23)
SIZE = 16


class Bilinear(nn.Module):
    """Twice the size; with `asymmetric` as Upsample of ONNX computes it."""

    asymmetric = False

    def forward(self, x):
        if not Bilinear.asymmetric:
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        for axis in (2, 3):
            n = x.shape[axis]
            matrix = x.new_zeros(2 * n, n)
            for i in range(2 * n):
                low, part = i // 2, (i % 2) / 2
                matrix[i, low] += 1 - part
                matrix[i, min(low + 1, n - 1)] += part
            x = torch.movedim(torch.movedim(x, axis, -1) @ matrix.T, -1, axis)
        return x


def nearest():
    return nn.Upsample(scale_factor=2, mode="nearest")


def block(a, b, act=nn.ReLU, norm=nn.BatchNorm2d, **conv):
    return nn.Sequential(nn.Conv2d(a, b, 3, **{"padding": 1, **conv}), norm(b), act())


class UNet(nn.Module):
    def __init__(self, up):
        super().__init__()
        self.first, self.deep, self.join = block(3, 4), block(4, 4), block(8, 4)
        self.up, self.head = up(), nn.Conv2d(4, 3, 1)

    def forward(self, image):
        skip = self.first(image)
        deep = self.up(self.deep(F.max_pool2d(skip, 2)))
        return self.head(self.join(torch.cat([deep, skip], 1)))


class FCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = block(3, 4), block(4, 5)
        self.score_a, self.score_b = nn.Conv2d(4, 2, 1), nn.Conv2d(5, 2, 1)
        self.up, self.last = (nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False) for _ in range(2))
        self.drop = nn.Dropout2d()

    def forward(self, image):
        half = F.max_pool2d(self.a(image), 2, ceil_mode=True)
        quarter = F.max_pool2d(self.b(half), 3, 2, 1)
        return self.last(self.up(self.score_b(self.drop(quarter))) + self.score_a(half))


class DeepLab(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = block(3, 4, stride=2)
        self.rates = nn.ModuleList(block(4, 2, padding=r, dilation=r) for r in (1, 2, 3))
        self.pooled, self.head, self.up = nn.Conv2d(4, 2, 1), nn.Conv2d(8, 2, 1), Bilinear()

    def forward(self, image):
        x = self.stem(image)
        pooled = F.interpolate(F.relu(self.pooled(F.adaptive_avg_pool2d(x, 1))), scale_factor=8, mode="nearest")
        return self.up(self.head(torch.cat([*(rate(x) for rate in self.rates), pooled], 1)))


class PSP(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 4, stride=2), nn.Conv2d(10, 2, 1)
        self.reduce = nn.ModuleList(nn.Conv2d(4, 2, 1) for _ in (1, 2, 4))

    def forward(self, image):
        x = self.stem(image)
        parts = [x]
        for conv, bins in zip(self.reduce, (1, 2, 4)):
            part = F.relu(conv(F.avg_pool2d(x, 8 // bins)))
            parts.append(F.interpolate(part, scale_factor=8 // bins, mode="nearest"))
        return nn.functional.pixel_shuffle(torch.cat([self.head(torch.cat(parts, 1))] * 4, 1), 2)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = block(3, 4), block(4, 4), block(4, 4, act=nn.Identity)
        self.head = nn.Conv2d(4, 2, 3)

    def forward(self, image):
        x = self.stem(F.pad(image, (1, 1, 1, 1), mode="reflect"))[:, :, 1:-1, 1:-1]
        x = F.relu(x + self.b(self.a(x)))
        x = x - x.mean(dim=(2, 3), keepdim=True)
        return self.head(F.pad(x, (1, 1, 1, 1), value=0.25))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = block(3, 4), block(4, 4)
        self.gate, self.squeeze, self.excite = nn.Conv2d(4, 1, 1), nn.Linear(4, 3), nn.Linear(3, 4)
        self.up, self.head = nearest(), nn.Conv2d(8, 2, 1)

    def forward(self, image):
        skip = self.a(image)
        deep = self.b(F.avg_pool2d(skip, 3, 2, 1, count_include_pad=False))
        weights = torch.softmax(self.excite(torch.tanh(self.squeeze(deep.mean((2, 3))))), 1)
        deep = self.up(deep * weights[:, :, None, None])
        left, right = torch.chunk(torch.cat([skip * torch.sigmoid(self.gate(deep)), deep], 1), 2, 1)
        return F.log_softmax(self.head(torch.cat([left, right], 1)), 1)


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = block(3, 6, act=nn.Hardswish, stride=2)
        self.depthwise = block(6, 6, act=nn.ReLU6, groups=6)
        self.project, self.head, self.up = nn.Conv2d(6, 4, 1), nn.Conv2d(4, 2, 1), Bilinear()

    def forward(self, image):
        x = self.project(self.depthwise(self.stem(image)))
        return self.up(self.head(x.clamp(-0.4, 0.5) + 0.1 * x.clamp(min=-0.2)))


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = block(3, 4, norm=lambda c: nn.InstanceNorm2d(c, affine=True))
        self.b = block(4, 4, norm=lambda c: nn.GroupNorm(2, c), act=nn.Softplus, stride=2)
        self.up, self.head = nearest(), nn.Conv2d(4, 2, 1)

    def forward(self, image):
        return self.head(self.up(self.b(self.a(image))))


class Slopes(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = block(3, 4, act=lambda: nn.PReLU(4))
        self.b = block(4, 4, act=lambda: nn.LeakyReLU(0.1))
        self.c = block(4, 4, act=nn.ELU)
        self.d = block(4, 4, act=nn.SELU)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, image):
        x = self.c(self.b(self.a(image)))
        return self.head(self.d(x) * torch.exp(-x.abs()))


class SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.c, self.d = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, image):
        x, first = F.max_pool2d(F.relu(self.a(image)), 2, return_indices=True)
        x, second = F.max_pool2d(F.relu(self.b(x)), 2, return_indices=True)
        x = F.relu(self.c(F.max_unpool2d(x, second, 2)))
        return self.d(F.max_unpool2d(x, first, 2))


NETWORKS = {
    "unet-bilinear": lambda: UNet(Bilinear),
    "unet-nearest": lambda: UNet(nearest),
    "unet-transposed": lambda: UNet(lambda: nn.ConvTranspose2d(4, 4, 2, 2)),
    "fcn": FCN,
    "deeplab": DeepLab,
    "segnet": SegNet,
    "psp": PSP,
    "residual": Residual,
    "attention": Attention,
    "mobile": Mobile,
    "norms": Norms,
    "slopes": Slopes,
}


def segnet(model, opset):
    """MaxUnpool reads the indices of ONNX's MaxPool, which count through the whole tensor."""
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    initializers = [numpy_helper.from_array(v, k) for k, v in weights.items()]
    nodes = []

    def conv(name, x):
        nodes.append(helper.make_node("Conv", [x, f"{name}.weight", f"{name}.bias"], [name], pads=[1] * 4))
        return name

    def relu(x):
        nodes.append(helper.make_node("Relu", [x], [f"{x}_relu"]))
        return f"{x}_relu"

    def pool(x):
        nodes.append(helper.make_node("MaxPool", [x], [f"{x}_max", f"{x}_at"], kernel_shape=[2, 2], strides=[2, 2]))
        return f"{x}_max", f"{x}_at"

    def unpool(x, at):
        nodes.append(helper.make_node("MaxUnpool", [x, at], [f"{x}_up"], kernel_shape=[2, 2], strides=[2, 2]))
        return f"{x}_up"

    x, first = pool(relu(conv("a", "image")))
    x, second = pool(relu(conv("b", x)))
    conv("d", unpool(relu(conv("c", unpool(x, second))), first))
    x = nodes[-1].output[0] = "logits"
    info = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIZE, SIZE])
    graph = helper.make_graph(nodes, "segnet", [info("image", 3)], [info(x, 2)], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4 if opset < 11 else 8)


def export(model, image, opset, dynamo):
    names = {"input_names": ["image"], "output_names": ["logits"]}
    if dynamo:
        return torch.onnx.export(model, (image,), opset_version=opset, dynamo=True, verbose=False, **names).model_proto
    buffer = io.BytesIO()
    torch.onnx.export(model, (image,), buffer, opset_version=opset, dynamo=False, **names)
    return onnx.load_from_string(buffer.getvalue())


def rewrite(proto, opset):
    """A model of opset 9 for opset 7 or 8: scales of Upsample are an attribute, constants of integers initializers."""
    for node in [node for node in proto.graph.node if node.op_type == "Constant"]:
        value = node.attribute[0].t
        value.name = node.output[0]
        proto.graph.initializer.append(value)
        proto.graph.node.remove(node)
    known = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Upsample":
            node.attribute.append(helper.make_attribute("scales", known[node.input[1]].tolist()))
            del node.input[1:]
    read = {name for node in proto.graph.node for name in node.input}
    for tensor in [tensor for tensor in proto.graph.initializer if tensor.name not in read]:
        proto.graph.initializer.remove(tensor)
    proto.opset_import[0].version = opset
    onnx.checker.check_model(proto, full_check=True)
    return proto


def strip(proto):
    proto.ClearField("metadata_props")
    proto.graph.ClearField("metadata_props")
    proto.graph.ClearField("value_info")
    for node in proto.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        value.ClearField("metadata_props")
        value.ClearField("doc_string")
    return proto


def gradient(network, state, image, upstream, asymmetric):
    Bilinear.asymmetric = asymmetric
    double = network().double().eval()
    double.load_state_dict(state)
    leaf = image.double().requires_grad_()
    logits = double(leaf)
    logits.backward(upstream.double())
    Bilinear.asymmetric = False
    return {"logits": logits.detach(), "image_grad": leaf.grad}


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    blob, cases, tensors = bytearray(), [], {}

    def put(data):
        start = len(blob)
        blob.extend(data)
        return [start, len(data)]

    def put_tensor(t):
        return {"dims": list(t.shape), "at": put(t.detach().numpy().astype("<f4").tobytes())}

    for number, (name, network) in enumerate(NETWORKS.items()):
        torch.manual_seed(100 + number)
        model = network().eval().requires_grad_(False)
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm2d,)):
                module.running_var.uniform_(0.5, 2)
                module.running_mean.normal_(0, 0.2)
        image = torch.rand(1, 3, SIZE, SIZE)
        upstream = torch.randn(model(image).shape)
        kinds = ["symmetric", "asymmetric"] if any(isinstance(m, Bilinear) for m in model.modules()) else ["symmetric"]
        tensors[name] = {"image": put_tensor(image), "logits_grad": put_tensor(upstream)}
        for kind in kinds:
            expected = gradient(network, model.state_dict(), image, upstream, kind == "asymmetric")
            tensors[name][kind] = {key: put_tensor(value) for key, value in expected.items()}
        for opset in OPSETS:
            for exporter in ["onnx.helper"] if name == "segnet" else ["legacy", "dynamo"]:
                if exporter != "onnx.helper" and not (opset <= 20 if exporter == "legacy" else opset >= 18):
                    continue
                if name == "segnet" and opset < 9:
                    continue
                try:
                    if name == "segnet":
                        proto = segnet(model, opset)
                    elif opset < 9:
                        proto = rewrite(export(model, image, 9, False), opset)
                    else:
                        proto = export(model, image, opset, exporter == "dynamo")
                except Exception as error:  # What an exporter does not offer is listed, not hidden.
                    print("NOT EXPORTED", name, opset, exporter, repr(error)[:200])
                    continue
                version = proto.opset_import[0].version
                if version != opset:
                    print("OTHER OPSET", name, opset, exporter, version)
                    continue
                data = strip(proto).SerializeToString()
                kind = "asymmetric" if len(kinds) == 2 and opset < 11 else "symmetric"
                cases.append({"name": name, "opset": opset, "exporter": exporter, "expected": kind, "at": put(data)})
                print(name, opset, exporter, len(data), sorted({node.op_type for node in proto.graph.node}), flush=True)
    header = json.dumps({"cases": cases, "tensors": tensors}).encode()
    packed = gzip.compress(struct.pack("<I", len(header)) + header + bytes(blob), 9, mtime=0)
    (FOLDER / "architectures.bin.gz").write_bytes(packed)
    print(len(cases), "models,", len(blob), "bytes,", len(packed), "packed")


if __name__ == "__main__":
    main()
