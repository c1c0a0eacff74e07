"""Write two small networks with recurrent layers, exported by both exporters of PyTorch, and autograd's gradients.

    python make_models.py

Needs torch, onnx and onnxscript. `expected.json` holds image, logits and gradients (float32, from float64).
"""

import base64
import json
import pathlib
import warnings

import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent


class ReSeg(nn.Module):
    """ReSeg (Visin et al. 2016): GRUs sweep the columns of features, then the rows, each in both directions."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 2, 2)
        self.down = nn.GRU(6, 4, bidirectional=True)
        self.across = nn.GRU(8, 4, bidirectional=True)
        self.head = nn.ConvTranspose2d(8, 2, 2, 2)

    def forward(self, image):
        x = torch.tanh(self.patches(image))
        n, _, h, w = x.shape
        x = self.down(x.permute(2, 0, 3, 1).reshape(h, n * w, 6))[0].reshape(h, n, w, 8)
        x = self.across(x.permute(2, 1, 0, 3).reshape(w, n * h, 8))[0].reshape(w, n, h, 8)
        return self.head(x.permute(1, 3, 2, 0))


class TextLine(nn.Module):
    """A text line: a convolution, its columns as a sequence for two bidirectional LSTMs, a layer per column."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 4, 3, padding=1)
        self.lstm = nn.LSTM(4 * 8, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 3 * 8)

    def forward(self, image):
        x = nn.functional.silu(self.features(image))
        n, c, h, w = x.shape
        x = self.head(self.lstm(x.permute(0, 3, 1, 2).reshape(n, w, c * h))[0])
        return x.reshape(n, w, 3, h).permute(0, 2, 3, 1)


NETWORKS = {"reseg": (ReSeg, (1, 3, 12, 16)), "text-line": (TextLine, (1, 1, 8, 24))}


def encode(tensor):
    array = np.ascontiguousarray(tensor.detach().numpy().astype("<f4"))
    return {"dims": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def main():
    warnings.simplefilter("ignore")
    expected = {}
    for name, (make, dims) in NETWORKS.items():
        torch.manual_seed(11)
        model = make().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(2)
        image = torch.rand(dims)
        upstream = torch.randn(model(image).shape)
        torch.onnx.export(model, (image,), FOLDER / f"{name}-legacy.onnx", dynamo=False, opset_version=17,
                          input_names=["image"], output_names=["logits"])
        torch.onnx.export(model, (image,), FOLDER / f"{name}-dynamo.onnx", dynamo=True, external_data=False,
                          input_names=["image"], output_names=["logits"], verbose=False)
        model.double()
        x = image.double().requires_grad_()
        logits = model(x)
        (gradient,) = torch.autograd.grad((logits * upstream.double()).sum(), x)
        expected[name] = {"image": encode(image), "logits": encode(logits), "logits_grad": encode(upstream),
                          "image_grad": encode(gradient)}
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
