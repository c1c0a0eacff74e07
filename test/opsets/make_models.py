"""One small U-Net as PyTorch exports it for each opset, and its gradient from autograd.

    pip install -r ../operators/requirements.txt onnxscript
    python make_models.py

Opsets 11 to 17 come from the legacy exporter, 18 to 23 from the dynamo exporter. Operators whose
signature changed between them: Split, Pad, Slice, Clip, Resize, ReduceMean, Squeeze, Softmax, and
LayerNormalization, which is an operator from 17 on.
"""

import base64
import io
import json
import pathlib

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

FOLDER = pathlib.Path(__file__).parent
LEGACY = (11, 13, 15, 17)
DYNAMO = (18, 20, 21, 22, 23)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
        self.layer_norm = nn.LayerNorm(6)
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.join = nn.Conv2d(8, 4, 3)
        self.head = nn.Conv2d(2, 2, 1)

    def forward(self, image):
        skip = functional.leaky_relu(self.norm(self.first(image)), 0.1)
        deep = self.second(functional.max_pool2d(skip, 2))
        deep = self.layer_norm(deep.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        deep = functional.interpolate(deep.clamp(-1.5, 1.5), scale_factor=2, mode="bilinear")
        gate = torch.softmax(deep.mean((2, 3)), dim=1)[:, :, None, None]
        x = torch.cat([self.up(deep * gate), skip], dim=1)
        x = self.join(functional.pad(x, (1, 1, 1, 1), mode="reflect"))
        left, right = torch.chunk(x, 2, dim=1)
        return self.head(torch.sigmoid(left[:, :, 1:-1, ::2]) * torch.tanh(right[:, :, 1:-1, ::2]))


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    model = UNet().eval().requires_grad_(False)
    model.norm.running_var.uniform_(0.5, 2)
    image = torch.rand(1, 3, 16, 16)
    for opset in LEGACY + DYNAMO:
        export(model, image, opset)
    double = UNet().double().eval().requires_grad_(False)
    double.load_state_dict(model.state_dict())
    leaf = image.double().requires_grad_()
    logits = double(leaf)
    upstream = torch.randn(logits.shape, dtype=torch.float32)
    logits.backward(upstream.double())
    tensors = {"image": image, "logits": logits.detach(), "logits_grad": upstream, "image_grad": leaf.grad}
    record = {
        name: {"dims": list(t.shape), "data": base64.b64encode(t.numpy().astype(np.float32).tobytes()).decode()}
        for name, t in tensors.items()
    }
    (FOLDER / "expected.json").write_text(json.dumps({"opsets": LEGACY + DYNAMO, "tensors": record}, indent=1) + "\n")


def export(model, image, opset):
    names = {"input_names": ["image"], "output_names": ["logits"]}
    if opset in LEGACY:
        buffer = io.BytesIO()
        torch.onnx.export(model, (image,), buffer, opset_version=opset, dynamo=False, **names)
        proto = onnx.load_from_string(buffer.getvalue())
    else:
        proto = torch.onnx.export(model, (image,), opset_version=opset, dynamo=True, **names).model_proto
    for node in proto.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        value.ClearField("metadata_props")
    assert proto.opset_import[0].version == opset, proto.opset_import
    onnx.checker.check_model(proto)
    onnx.save(proto, FOLDER / f"unet-{opset}.onnx")
    print(opset, len(proto.graph.node), sorted({node.op_type for node in proto.graph.node}))


if __name__ == "__main__":
    main()
