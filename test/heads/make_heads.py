"""Writes models/*.onnx, picture.png and heads.json: segmentation heads whose meaning is known by how they were made.

Each has the labels that it stands for on the picture, worked out here from the scores before the head, and where the
graph alone cannot tell them, the options that do.

    python test/heads/make_heads.py [NAME …]
"""

import base64
import json
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
here = Path(__file__).parent
size = 32


def make_picture():
    """uint8 [H, W, 3]: a few large blobs and some noise."""
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=True)
    noisy = smooth + 0.06 * torch.randn(1, 3, size, size, generator=generator)
    return (noisy.clamp(0, 1)[0] * 255).round().byte().permute(1, 2, 0).numpy()


picture = make_picture()
image = torch.tensor(picture).permute(2, 0, 1)[None].float() / 255


def write_png(path, pixels):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


class Net(nn.Module):
    """Two convolutions; each channel of scores has mean 0 and a given deviation over the picture."""

    def __init__(self, classes, seed=0, stride=1, deviation=2.0, hidden=5):
        super().__init__()
        torch.manual_seed(100 + seed)
        self.first = nn.Conv2d(3, hidden, 3, padding=1, stride=stride)
        self.last = nn.Conv2d(hidden, classes, 1)
        with torch.no_grad():
            z = self(image)
            factor = deviation / z.std((0, 2, 3))
            self.last.weight *= factor[:, None, None, None]
            self.last.bias.copy_((self.last.bias - z.mean((0, 2, 3))) * factor)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


class Model(nn.Module):
    def __init__(self, nets, head):
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.head = head

    def forward(self, x):
        return self.head(*(net(x) for net in self.nets), x)


def up(x, scale=2, mode="bilinear", **more):
    return F.interpolate(x, scale_factor=scale, mode=mode, **more)


def flipped(net_of):
    """Mean over the picture and its mirror image."""
    return lambda x: (net_of(x) + net_of(x.flip(3)).flip(3)) / 2


heads = []


def head(name, classes, make, labels, *, output=None, outputs=("out",), stride=1, members=1, **more):
    """
    make: scores of each member and the image → outputs; labels: the same → [1, H, W].
    more: `exporter` (legacy, dynamo), `opset`, `options` that the graph cannot tell, `refused` (an error code),
    `metadata`, `channels` of the scores.
    """
    channels, seed = more.pop("channels", classes), more.pop("seed", len(name))
    deviation, hidden, apart = more.pop("deviation", 2.0), more.pop("hidden", 5), more.pop("apart", None)
    nets = more.pop("nets", None) or [Net(channels, seed + i, stride, deviation, hidden) for i in range(members)]
    if apart is not None:
        # As members of an ensemble are: trained for the same.
        for net in nets[1:]:
            for mine, first in zip(net.parameters(), nets[0].parameters()):
                mine.data = first.data * (1 + apart * torch.randn(first.shape))
    heads.append(
        {
            "name": name,
            "classes": max(2, classes),
            "channels": classes,
            "model": Model(nets, make),
            "labels": labels,
            "output": output or outputs[0],
            "outputs": list(outputs),
            **more,
        }
    )


above = lambda border: lambda value: (value > border)[:, 0].long()
largest = lambda value: value.argmax(1)
sigmoid_labels = lambda z, x: above(0)(z)
argmax_labels = lambda z, x: largest(z)


def minmax(p):
    low, high = p.min(), p.max()
    return (p - low) / (high - low)


def softmax_by_hand(z, axis=1, shifted=True):
    e = torch.exp(z - z.amax(axis, keepdim=True) if shifted else z)
    return e / e.sum(axis, keepdim=True)


# One channel.
logit = {"options": {"outputKind": "logit"}}
head("logit", 1, lambda z, x: z, sigmoid_labels, **logit)
head("logit-resized", 1, lambda z, x: up(z), lambda z, x: above(0)(up(z)), stride=2, **logit)
head("sigmoid", 1, lambda z, x: z.sigmoid(), sigmoid_labels)
head("sigmoid-dynamo", 1, lambda z, x: z.sigmoid(), sigmoid_labels, exporter="dynamo")
for mode, more in [("bilinear", {}), ("bilinear", {"align_corners": True}), ("nearest", {}), ("bicubic", {})]:
    head(
        f"sigmoid-resize-{mode}{'-corners' if more else ''}",
        1,
        lambda z, x, mode=mode, more=more: up(z.sigmoid(), 2, mode, **more),
        lambda z, x, mode=mode, more=more: above(0.5)(up(z.sigmoid(), 2, mode, **more)),
        stride=2,
    )
head("sigmoid-resize-dynamo", 1, lambda z, x: up(z.sigmoid()), lambda z, x: above(0.5)(up(z.sigmoid())), stride=2, exporter="dynamo")
head("sigmoid-255", 1, lambda z, x: z.sigmoid() * 255, sigmoid_labels)
head("sigmoid-resize-255", 1, lambda z, x: up(z.sigmoid()) * 255, lambda z, x: above(0.5)(up(z.sigmoid())), stride=2)
head("sigmoid-255-uint8", 1, lambda z, x: (z.sigmoid() * 255).to(torch.uint8), lambda z, x: above(127.5)(torch.floor(z.sigmoid() * 255)))
head("sigmoid-255-rounded-uint8", 1, lambda z, x: (z.sigmoid() * 255).round().to(torch.uint8), lambda z, x: above(127.5)(torch.round(z.sigmoid() * 255)))
head("minmax", 1, lambda z, x: minmax(z.sigmoid()), lambda z, x: above(0.5)(minmax(z.sigmoid())))
head("minmax-resize", 1, lambda z, x: minmax(up(z.sigmoid())), lambda z, x: above(0.5)(minmax(up(z.sigmoid()))), stride=2)
head("minmax-255", 1, lambda z, x: minmax(z.sigmoid()) * 255, lambda z, x: above(0.5)(minmax(z.sigmoid())))
head("sigmoid-spelled", 1, lambda z, x: 1 / (1 + torch.exp(-z)), sigmoid_labels)
head("sigmoid-spelled-other", 1, lambda z, x: torch.exp(z) / (torch.exp(z) + 1), sigmoid_labels)
head("sigmoid-spelled-resize", 1, lambda z, x: up(1 / (1 + torch.exp(-z))), lambda z, x: above(0.5)(up(z.sigmoid())), stride=2, exporter="dynamo")
head("sigmoid-tanh", 1, lambda z, x: (torch.tanh(z / 2) + 1) / 2, sigmoid_labels)
head("tanh", 1, lambda z, x: torch.tanh(z), sigmoid_labels)
head("one-minus-sigmoid", 1, lambda z, x: 1 - z.sigmoid(), lambda z, x: above(0.5)(1 - z.sigmoid()))
head("sigmoid-mean-of-two", 1, lambda a, b, x: (a.sigmoid() + b.sigmoid()) / 2, lambda a, b, x: above(0.5)((a.sigmoid() + b.sigmoid()) / 2), members=2)
head("sigmoid-sum-of-two", 1, lambda a, b, x: a.sigmoid() + b.sigmoid(), lambda a, b, x: above(1)(a.sigmoid() + b.sigmoid()), members=2)
head("sigmoid-clipped", 1, lambda z, x: up(z.sigmoid()).clamp(0, 1), lambda z, x: above(0.5)(up(z.sigmoid())), stride=2)
head("hard-sigmoid", 1, lambda z, x: F.hardsigmoid(z), sigmoid_labels)
head("hard-sigmoid-spelled", 1, lambda z, x: F.relu6(z + 3) / 6, sigmoid_labels)
head("threshold-sigmoid", 1, lambda z, x: (z.sigmoid() > 0.5).float(), sigmoid_labels)
head("threshold-255", 1, lambda z, x: (z > 0).to(torch.uint8) * 255, sigmoid_labels)
head("threshold-other", 1, lambda z, x: (z.sigmoid() > 0.3).long(), lambda z, x: above(0.3)(z.sigmoid()))
head("log-sigmoid", 1, lambda z, x: torch.log(z.sigmoid()), sigmoid_labels)
head("clamped", 1, lambda z, x: (z * 0.2 + 0.5).clamp(0, 1), sigmoid_labels)
head("sigmoid-last", 1, lambda z, x: z.sigmoid().permute(0, 2, 3, 1), sigmoid_labels)
head("sigmoid-squeezed", 1, lambda z, x: z.sigmoid()[:, 0], sigmoid_labels)
head("sigmoid-in-row", 1, lambda z, x: z.sigmoid().flatten(1), sigmoid_labels)
head("matting-sigmoid", 1, lambda z, x: (x * z.sigmoid(), z.sigmoid()), sigmoid_labels, outputs=("fgr", "pha"), output="pha")
head("matting-clamped", 1, lambda z, x: ((x + z).clamp(0, 1), (z * 0.2 + 0.5).clamp(0, 1)), sigmoid_labels, outputs=("fgr", "pha"), output="pha")
head("matting-others", 1, lambda z, x: (x * z.sigmoid(), z.sigmoid()), sigmoid_labels, outputs=("rgb", "matte"), output="matte", exporter="dynamo")
head("deep-supervision", 1, lambda a, b, x: (a.sigmoid(), b.sigmoid()), lambda a, b, x: above(0)(a), outputs=("d0", "d1"), members=2, options={"output": "d0"})
head("confidence-and-mask", 1, lambda z, x: (z.sigmoid(), (z.sigmoid() > 0.5).long()), sigmoid_labels, outputs=("p", "mask"), output="mask")
head("regression", 1, lambda z, x: torch.relu(z), sigmoid_labels, **logit)
head("probability-times-gate", 1, lambda a, b, x: a.sigmoid() * b.sigmoid(), lambda a, b, x: above(0.5)(a.sigmoid() * b.sigmoid()), members=2)

# Two channels.
logits = {"options": {"outputKind": "logits"}}
head("logits-2", 2, lambda z, x: z, argmax_labels, **logits)
head("softmax-2", 2, lambda z, x: z.softmax(1), argmax_labels)
head("softmax-2-resize", 2, lambda z, x: up(z.softmax(1)), lambda z, x: largest(up(z.softmax(1))), stride=2)
head("softmax-2-spelled", 2, lambda z, x: softmax_by_hand(z), argmax_labels)
head("softmax-2-spelled-resize", 2, lambda z, x: up(softmax_by_hand(z)), lambda z, x: largest(up(z.softmax(1))), stride=2)
head("softmax-2-unshifted", 2, lambda z, x: softmax_by_hand(z, shifted=False), argmax_labels, exporter="dynamo")
head("softmax-2-foreground", 2, lambda z, x: z.softmax(1)[:, 1:2], argmax_labels)
head("softmax-2-255", 2, lambda z, x: z.softmax(1) * 255, argmax_labels)
head("sigmoid-and-opposite", 2, lambda z, x: torch.cat([1 - z.sigmoid(), z.sigmoid()], 1), lambda z, x: above(0)(z), channels=1)
head("log-softmax-2", 2, lambda z, x: z.log_softmax(1), argmax_labels)
head("sigmoid-2-independent", 2, lambda z, x: z.sigmoid(), lambda z, x: (z[:, 1] > 0).long(), options={"class": 1})

# Three classes.
head("logits-3", 3, lambda z, x: z, argmax_labels, **logits)
head("logits-3-last", 3, lambda z, x: z.permute(0, 2, 3, 1), argmax_labels, **logits)
head("logits-3-dynamo", 3, lambda z, x: up(z), lambda z, x: largest(up(z)), stride=2, exporter="dynamo", **logits)
head("softmax-3-last", 3, lambda z, x: z.permute(0, 2, 3, 1).softmax(-1), argmax_labels)
head("softmax-3-in-row-last", 3, lambda z, x: z.flatten(2).transpose(1, 2).softmax(-1), argmax_labels)
head("softmax-3-in-row", 3, lambda z, x: z.flatten(2).softmax(1), argmax_labels, exporter="dynamo")
head("logits-3-in-row", 3, lambda z, x: z.flatten(2).transpose(1, 2), argmax_labels, **logits)
head("argmax-3-in-row", 3, lambda z, x: z.flatten(2).transpose(1, 2).argmax(-1), argmax_labels)
head("argmax-3", 3, lambda z, x: z.argmax(1), argmax_labels)
head("argmax-3-int32", 3, lambda z, x: z.argmax(1, keepdim=True).int(), argmax_labels, exporter="dynamo")
head("argmax-3-softmax-resize", 3, lambda z, x: up(z.softmax(1)).argmax(1), lambda z, x: largest(up(z.softmax(1))), stride=2)
head("argmax-3-aspect", 3, lambda z, x: F.interpolate(z, (77, 50), mode="bilinear").argmax(1), lambda z, x: largest(F.interpolate(z, (77, 50), mode="bilinear")))
head("argmax-3-aspect-softmax", 3, lambda z, x: F.interpolate(z.softmax(1), (20, 61), mode="bilinear").argmax(1), lambda z, x: largest(F.interpolate(z.softmax(1), (20, 61), mode="bilinear")))
head("scores-and-labels", 3, lambda z, x: (z, z.argmax(1)), argmax_labels, outputs=("scores", "labels"), output="labels")
head("labels-and-scores", 3, lambda z, x: (z.argmax(1), z.softmax(1)), argmax_labels, outputs=("labels", "scores"))
head("max", 3, lambda z, x: tuple(torch.max(z.softmax(1), 1)), argmax_labels, outputs=("conf", "labels"), output="labels")
head("max-dynamo", 3, lambda z, x: tuple(torch.max(z.softmax(1), 1)), argmax_labels, outputs=("conf", "labels"), output="labels", exporter="dynamo")
head("topk", 3, lambda z, x: tuple(torch.topk(z.softmax(1), 1, dim=1)), argmax_labels, outputs=("v", "i"), output="i")
head("confidence", 3, lambda z, x: z.softmax(1).amax(1), argmax_labels, refused="meaningless")
head("palette", 3, lambda z, x: torch.tensor([[0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=torch.uint8)[z.argmax(1)], argmax_labels)
head("one-hot", 3, lambda z, x: F.one_hot(z.argmax(1), 3), argmax_labels)
head("ensemble", 3, lambda a, b, x: (a.softmax(1) + b.softmax(1)) / 2, lambda a, b, x: largest(a.softmax(1) + b.softmax(1)), members=2)
head("ensemble-stacked", 3, lambda a, b, x: torch.stack([a.softmax(1), b.softmax(1)]).mean(0), lambda a, b, x: largest(a.softmax(1) + b.softmax(1)), members=2)
head("ensemble-of-three", 3, lambda a, b, c, x: (0.5 * a.softmax(1) + 0.3 * b.softmax(1) + 0.2 * softmax_by_hand(c)).argmax(1), lambda a, b, c, x: largest(0.5 * a.softmax(1) + 0.3 * b.softmax(1) + 0.2 * c.softmax(1)), members=3)
head("ensemble-log", 3, lambda a, b, x: torch.log((a.softmax(1) + b.softmax(1)) / 2), lambda a, b, x: largest(a.softmax(1) + b.softmax(1)), members=2, exporter="dynamo")
head("log-softmax-3-resize", 3, lambda z, x: up(z.log_softmax(1)), lambda z, x: largest(up(z.log_softmax(1))), stride=2)
head("exp-log-softmax", 3, lambda z, x: torch.exp(z.log_softmax(1)), argmax_labels)
head("log-of-softmax", 3, lambda z, x: torch.log(z.softmax(1)), argmax_labels)
head("softmax-3-minmax", 3, lambda z, x: minmax(z.softmax(1)), argmax_labels, **logits)
head("softplus-normalized", 3, lambda z, x: F.softplus(z) / (F.softplus(z).sum(1, keepdim=True) + 1e-6), argmax_labels)
head("ensemble-summed", 3, lambda a, b, x: torch.cat([a.softmax(1), b.softmax(1)]).sum(0, keepdim=True), lambda a, b, x: largest(a.softmax(1) + b.softmax(1)), members=2, exporter="dynamo")
head("sigmoid-255-floor", 1, lambda z, x: torch.floor(z.sigmoid() * 255 + 0.5), lambda z, x: above(127.5)(torch.floor(z.sigmoid() * 255 + 0.5)))
head("rotated-sum", 1, lambda z, x: (z.sigmoid() + z.sigmoid().transpose(2, 3).flip(2)) * 0.5, lambda z, x: above(0.5)((z.sigmoid() + z.sigmoid().transpose(2, 3).flip(2)) * 0.5))
head("argmin", 3, lambda z, x: (-z).argmin(1), argmax_labels, refused="ERR_OUTPUT")
head("heatmaps", 3, lambda z, x: z.flatten(2).softmax(2).view(1, 3, size, size), argmax_labels, refused="meaningless")
head("translated-image", 3, lambda z, x: torch.tanh(z), argmax_labels, refused="meaningless")
head("enhanced-image", 3, lambda z, x: (x + 0.1 * z).clamp(0, 1), argmax_labels, refused="meaningless")

# Functions of probabilities: logarithms, odds, sums over classes, ranges cut off.
p_labels = lambda z, x: above(0.5)(z.softmax(1)[:, 1:2])
rest = lambda z: z.softmax(1)[:, 1:].sum(1, keepdim=True)
rest_labels = lambda z, x: above(0.5)(rest(z))
mean_of = lambda a, b: (a.sigmoid() + b.sigmoid()) / 2
mean_labels = lambda a, b, x: above(0.5)(mean_of(a, b))
head("log-clamped-sigmoid", 1, lambda z, x: torch.log(z.sigmoid().clamp(1e-6, 1 - 1e-6)), sigmoid_labels)
head("log-one-minus-sigmoid", 1, lambda z, x: torch.log(1 - z.sigmoid()), lambda z, x: above(0)(-z))
head("log-mean-of-two", 1, lambda a, b, x: torch.log(mean_of(a, b)), mean_labels, members=2)
head("log-blurred-sigmoid", 1, lambda z, x: torch.log(F.avg_pool2d(z.sigmoid(), 3, 1, 1)), lambda z, x: above(0.5)(F.avg_pool2d(z.sigmoid(), 3, 1, 1)))
head("log-foreground", 1, lambda z, x: torch.log(z.softmax(1)[:, 1:2].clamp(min=1e-7)), p_labels, channels=3)
head("log-foreground-sum", 1, lambda z, x: torch.log(rest(z)), rest_labels, channels=4)
head("log-sigmoid-scaled", 1, lambda z, x: 2 * torch.log(z.sigmoid()), sigmoid_labels, options={"border": 2 * float(np.log(0.5))})
head("logit-of-sigmoid", 1, lambda z, x: torch.logit(z.sigmoid()), sigmoid_labels)
head("logit-of-clamped-sigmoid", 1, lambda z, x: torch.logit(z.sigmoid().clamp(1e-6, 1 - 1e-6)), sigmoid_labels)
head("logit-of-mean", 1, lambda a, b, x: torch.logit(mean_of(a, b)), mean_labels, members=2)
head("odds", 1, lambda z, x: z.sigmoid() / (1 - z.sigmoid()), sigmoid_labels)
head("odds-resize", 1, lambda z, x: up(z.sigmoid() / (1 - z.sigmoid())), lambda z, x: above(1)(up(torch.exp(z))), stride=2)
head("odds-padded", 1, lambda z, x: z.sigmoid() / (1 - z.sigmoid() + 1e-6), sigmoid_labels, options={"border": 1})
head("ratio", 1, lambda z, x: z.softmax(1)[:, 1:] / z.softmax(1)[:, :1], p_labels, channels=2, options={"border": 1})
head("foreground-sum", 1, lambda z, x: rest(z), rest_labels, channels=4)
head("foreground-sum-dropped", 1, lambda z, x: z.softmax(1)[:, 1:].sum(1), rest_labels, channels=4, exporter="dynamo")
head("foreground-sum-255", 1, lambda z, x: rest(z) * 255, rest_labels, channels=4)
head("foreground-sum-last", 1, lambda z, x: z.permute(0, 2, 3, 1).softmax(-1)[..., 1:].sum(-1), rest_labels, channels=3)
head("foreground-sum-resize", 1, lambda z, x: up(rest(z)), lambda z, x: above(0.5)(up(rest(z))), channels=4, stride=2)
head("foreground-sum-ensemble", 1, lambda a, b, x: (rest(a) + rest(b)) / 2, lambda a, b, x: above(0.5)((rest(a) + rest(b)) / 2), channels=3, members=2)
head("foreground-mean", 1, lambda z, x: z.softmax(1)[:, 1:].mean(1, keepdim=True), rest_labels, channels=4)
added = lambda z, i, j: (lambda p: p[:, i : i + 1] + p[:, j : j + 1])(z.softmax(1))
head("classes-added", 1, lambda z, x: added(z, 1, 2), lambda z, x: above(0.5)(added(z, 1, 2)), channels=4)
head("classes-added-gathered", 1, lambda z, x: z.softmax(1)[:, 1] + z.softmax(1)[:, 3], lambda z, x: above(0.5)(added(z, 1, 3)), channels=4, exporter="dynamo")
head("classes-added-split", 1, lambda z, x: (lambda p: p[1] + p[2])(z.softmax(1).split(1, 1)), lambda z, x: above(0.5)(added(z, 1, 2)), channels=4)
head("class-doubled", 1, lambda z, x: (lambda p: (p[:, 1:] + p[:, :3])[:, :1])(z.softmax(1)), lambda z, x: above(0.4)(added(z, 0, 1)), channels=4, options={"border": 0.4})
head("classes-weighted", 1, lambda z, x: (lambda p: 0.3 * p[:, 1:2] + p[:, 2:3])(z.softmax(1)), lambda z, x: above(0.4)(0.3 * z.softmax(1)[:, 1:2] + z.softmax(1)[:, 2:3]), channels=3, options={"border": 0.4})
pairs = lambda z: z.view(1, 2, 2, size, size).softmax(1)[:, 1]
head("softmax-per-structure", 2, lambda z, x: pairs(z), lambda z, x: (pairs(z)[:, 1] > 0.5).long(), channels=4, options={"class": 1})
head("sigmoids-summed", 1, lambda z, x: z.sigmoid().sum(1, keepdim=True), lambda z, x: above(1.5)(z.sigmoid().sum(1, keepdim=True)), channels=3, options={"border": 1.5})
head("sigmoid-doubled-clamped", 1, lambda z, x: (2 * z.sigmoid()).clamp(0, 1), lambda z, x: above(0.5)(2 * z.sigmoid()))
head("sigmoid-stretched-clamped", 1, lambda z, x: ((z.sigmoid() - 0.3) * 5).clamp(0, 1), lambda z, x: above(0.4)(z.sigmoid()))
head("sigmoid-twice", 1, lambda z, x: z.sigmoid().sigmoid(), sigmoid_labels, options={"border": float(torch.tensor(0.5).sigmoid())})
head("softmax-of-one", 1, lambda z, x: z.softmax(1), sigmoid_labels, refused="meaningless")
head("gated-softmax", 3, lambda a, b, x: a.softmax(1) * b.sigmoid()[:, :1], lambda a, b, x: largest(a), members=2, **logits)

# Queries.
def queries(z, x):
    masks = z[:, :6]
    classes = z[:, 6:].mean((2, 3)).view(1, 6, 4) + 3 * torch.eye(4)[[0, 1, 2, 3, 0, 1]]
    return classes, masks


def semantic(z, x):
    classes, masks = queries(z, x)
    return torch.einsum("bqc,bqhw->bchw", classes.softmax(-1)[..., :-1], masks.sigmoid())


head("queries", 3, queries, lambda z, x: largest(semantic(z, x)), channels=30, outputs=("class_queries_logits", "masks_queries_logits"), output="masks_queries_logits")
head("queries-combined", 3, semantic, lambda z, x: largest(semantic(z, x)), channels=30)
head("queries-argmax", 3, lambda z, x: semantic(z, x).argmax(1), lambda z, x: largest(semantic(z, x)), channels=30, exporter="dynamo")

# Many classes.
head("softmax-21-aux", 21, lambda a, b, x: (up(b), up(a.softmax(1))), lambda a, b, x: largest(up(a.softmax(1))), stride=2, members=2, outputs=("aux", "out"), output="out")
head("softmax-21-last", 21, lambda z, x: z.permute(0, 2, 3, 1).softmax(-1), argmax_labels, exporter="dynamo")
head("logits-150", 150, lambda z, x: z, argmax_labels, stride=4, **logits)
head("argmax-150", 150, lambda z, x: up(z, 4).argmax(1), lambda z, x: largest(up(z, 4)), stride=4, exporter="dynamo")
head("argmax-150-softmax", 150, lambda z, x: up(z.softmax(1), 4).argmax(1), lambda z, x: largest(up(z.softmax(1), 4)), stride=4)


# Sure of almost every pixel: float32 rounds their probabilities to 0 and 1. Each has a twin that gives logits.
def sure(name, classes, make, twin, **more):
    for suffix, body in [("", make), ("-logits", twin)]:
        head(f"sure-{name}{suffix}", classes, body, None, deviation=60.0, hidden=12, seed=len(name), stride=2, **more)


sure("softmax-resize", 3, lambda z, x: up(z.softmax(1)), lambda z, x: up(z))
sure("softmax-resize-argmax", 3, lambda z, x: up(z.softmax(1), 4).argmax(1), lambda z, x: up(z, 4))
sure("softmax-resize-last", 3, lambda z, x: up(softmax_by_hand(z)).permute(0, 2, 3, 1), lambda z, x: up(z))
sure("sigmoid-resize", 1, lambda z, x: up(z.sigmoid()), lambda z, x: up(z))
sure("sigmoid-resize-255", 1, lambda z, x: (up(1 / (1 + torch.exp(-z))) * 255).clamp(0, 255), lambda z, x: up(z))
sure("minmax", 1, lambda z, x: minmax(up(z.sigmoid())), lambda z, x: up(z))
sure("minmax-resize", 1, lambda z, x: up(minmax(z.sigmoid())), lambda z, x: up(z))
sure("one-minus", 1, lambda z, x: 1 - up(z.sigmoid()), lambda z, x: -up(z))
sure("foreground", 2, lambda z, x: up(z.softmax(1))[:, 1:], lambda z, x: up(z))
sure("pair", 2, lambda z, x: torch.cat([1 - up(z.sigmoid()), up(z.sigmoid())], 1), lambda z, x: torch.cat([-up(z), up(z)], 1) / 2, channels=1)
sure("ensemble", 3, lambda a, b, x: (a.softmax(1) + b.softmax(1)) / 2, lambda a, b, x: (a + b) / 2, members=2, apart=0.1)
sure("ensemble-log", 3, lambda a, b, x: torch.log(up((a.softmax(1) + b.softmax(1)) / 2)), lambda a, b, x: up((a + b) / 2), members=2, apart=0.1)
sure("ensemble-sigmoid", 1, lambda a, b, c, x: torch.stack([a.sigmoid(), b.sigmoid(), c.sigmoid()]).mean(0), lambda a, b, c, x: (a + b + c) / 3, members=3, apart=0.1)
# Members that know nothing of each other.
mean = lambda values: sum(values) / len(values)
sure("ensemble-independent", 3, lambda a, b, x: mean([a.softmax(1), b.softmax(1)]), lambda a, b, x: (a + b) / 2, members=2)
sure("ensemble-of-five", 3, lambda *z: up(mean([member.softmax(1) for member in z[:-1]])), lambda *z: up(mean(z[:-1])), members=5)


class Mirrored(nn.Module):
    """Test-time augmentation: the mean over the picture and its mirror image."""

    def __init__(self, net, activation):
        super().__init__()
        self.net = net
        self.activation = activation

    def forward(self, x):
        return (self.activation(self.net(x)) + self.activation(self.net(x.flip(3))).flip(3)) / 2


for suffix, activation in [("", lambda z: z.softmax(1)), ("-logits", lambda z: z)]:
    net = Mirrored(Net(3, seed=3, deviation=60.0, hidden=12), activation)
    head(f"sure-mirrored{suffix}", 3, lambda z, x: z, None, nets=[net])

# Instances: nothing has a class per pixel.
def yolo(z, x):
    boxes = z[:, :38].flatten(2)[:, :, :84].repeat(1, 1, 1)
    return boxes, up(z[:, 38:70], 0.25)


yolo_head = dict(channels=70, outputs=("output0", "output1"), refused="ERR_OUTPUT")
head("yolo-seg", 2, yolo, None, metadata={"task": "segment", "stride": "32"}, **yolo_head)
head("yolo-seg-without-metadata", 2, yolo, None, **yolo_head)
head("yolo-seg-transposed", 2, lambda z, x: (yolo(z, x)[0].transpose(1, 2), yolo(z, x)[1]), None, **yolo_head)


def export(entry, path):
    model = entry["model"].eval()
    names = dict(input_names=["image"], output_names=entry["outputs"])
    if entry.get("exporter") == "dynamo":
        torch.onnx.export(model, (image,), path, dynamo=True, external_data=False, verbose=False, **names)
    else:
        torch.onnx.export(model, (image,), path, dynamo=False, opset_version=17, **names)
    written = onnx.load(path)
    for key, value in entry.get("metadata", {}).items():
        written.metadata_props.add(key=key, value=value)
    return written


def labels_of(entry):
    model = entry["model"].eval()
    with torch.no_grad():
        return entry["labels"](*(net(image) for net in model.nets), image)[0]


def write(entry, written, labels):
    """Without what tells of the machine; checked that the runtime gives the labels' size."""
    written.doc_string = ""
    written.graph.doc_string = ""
    for node in written.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*written.graph.input, *written.graph.output, *written.graph.value_info]:
        value.doc_string = ""
        del value.metadata_props[:]
    for function in written.functions:
        function.doc_string = ""
        del function.metadata_props[:]
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
    del written.graph.value_info[:]
    del written.graph.metadata_props[:]
    path = here / "models" / f"{entry['name']}.onnx"
    onnx.save(written, path)
    ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    record = {key: entry[key] for key in ("name", "classes", "channels", "output", "options", "refused") if key in entry}
    if labels is not None:
        found = np.unique(labels, return_counts=True)
        assert len(found[0]) > 1 and found[1].max() < 0.95 * labels.size, (entry["name"], found)
        packed = base64.b64encode(zlib.compress(np.asarray(labels, np.uint8).tobytes(), 9)).decode()
        record |= {"size": list(labels.shape), "labels": packed}
    return record


# As other converters write them.
def by_hand(name, classes, nodes, labels, constants=(), image_dims=(1, size, size, 3), output_dims=None):
    """Keras by tf2onnx: channels last, softmax as operators of its own; Paddle: Softmax of channels last."""
    net = Net(classes, seed=len(name))
    weights = [numpy_helper.from_array(p.detach().numpy(), n) for n, p in zip(["w1", "b1", "w2", "b2"], net.parameters())]
    body = [
        helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w1", "b1"], ["c1"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], kernel_shape=[1, 1]),
        helper.make_node("Transpose", ["c2"], ["scores"], perm=[0, 2, 3, 1]),
        *nodes,
    ]
    graph = helper.make_graph(
        body,
        "model",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image_dims)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, output_dims or [1, size, size, classes])],
        [*weights, *(numpy_helper.from_array(np.asarray(v), n) for n, v in constants)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="tf2onnx")
    with torch.no_grad():
        return {"name": name, "classes": max(2, classes), "output": "out"}, model, labels(net(image))[0]


exponentials = [
    helper.make_node("ReduceMax", ["scores"], ["most"], axes=[-1], keepdims=1),
    helper.make_node("Sub", ["scores", "most"], ["shifted"]),
    helper.make_node("Exp", ["shifted"], ["e"]),
    helper.make_node("ReduceSum", ["e", "axis"], ["sum"], keepdims=1),
]
axis = ("axis", np.array([-1], np.int64))
hand_made = [
    lambda: by_hand("keras-softmax", 4, [*exponentials, helper.make_node("Div", ["e", "sum"], ["out"])], largest, [axis]),
    lambda: by_hand(
        "keras-softmax-resize",
        4,
        [
            *exponentials,
            helper.make_node("Div", ["e", "sum"], ["p"]),
            helper.make_node("Transpose", ["p"], ["q"], perm=[0, 3, 1, 2]),
            helper.make_node("Resize", ["q", "", "scales"], ["large"], mode="linear"),
            helper.make_node("Transpose", ["large"], ["out"], perm=[0, 2, 3, 1]),
        ],
        lambda z: largest(up(z.softmax(1))),
        [axis, ("scales", np.array([1, 1, 2, 2], np.float32))],
        output_dims=[1, 2 * size, 2 * size, 4],
    ),
    lambda: by_hand("keras-sigmoid", 1, [helper.make_node("Sigmoid", ["scores"], ["out"])], above(0)),
    lambda: by_hand(
        "keras-in-row",
        4,
        [
            helper.make_node("Reshape", ["scores", "row"], ["flat"]),
            helper.make_node("Softmax", ["flat"], ["out"], axis=-1),
        ],
        largest,
        [("row", np.array([-1, size * size, 4], np.int64))],
        output_dims=[1, size * size, 4],
    ),
    lambda: by_hand(
        "paddle-argmax-softmax",
        4,
        [
            helper.make_node("Softmax", ["scores"], ["p"], axis=3),
            helper.make_node("ArgMax", ["p"], ["l"], axis=3, keepdims=0),
            helper.make_node("Cast", ["l"], ["out"], to=TensorProto.FLOAT),
        ],
        largest,
        output_dims=[1, size, size],
    ),
]


def main(wanted):
    (here / "models").mkdir(exist_ok=True)
    write_png(here / "picture.png", picture)
    path = here / "heads.json"
    records = {r["name"]: r for r in json.loads(path.read_text())} if path.exists() else {}
    temporary = here / "models" / "written.tmp"
    for entry in heads:
        if wanted and entry["name"] not in wanted:
            continue
        labels = None if entry["labels"] is None else labels_of(entry).numpy()
        records[entry["name"]] = write(entry, export(entry, temporary), labels)
        temporary.unlink()
        print(entry["name"], flush=True)
    for make in hand_made:
        entry, written, labels = make()
        if not wanted or entry["name"] in wanted:
            records[entry["name"]] = write(entry, written, labels.numpy())
    known = [h["name"] for h in heads] + [make()[0]["name"] for make in hand_made]
    lines = [json.dumps(records[name]) for name in known if name in records]
    path.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")


main(sys.argv[1:])
