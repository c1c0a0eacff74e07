"""Networks with a context module on dilated features: pyramids of pools and of dilated convolutions, attention."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ContextPyramid, ConvNormAct, Encoder, PyramidPooling, SqueezeExcite, resize


def dilated(widths=(8, 12, 16, 24)):
    """Encoder of output stride 8."""
    return Encoder(widths, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))


class Head(nn.Module):
    """Encoder, context module on its last features, classifier, resized to the image."""

    def __init__(self, encoder, context, outputs, classes=3, align_corners=False):
        super().__init__()
        self.encoder = encoder
        self.context = context
        self.classifier = nn.Conv2d(outputs, classes, 1)
        self.align_corners = align_corners

    def forward(self, image):
        x = self.context(self.encoder(image)[-1])
        return resize(self.classifier(x), image, align_corners=self.align_corners)


@architecture("deeplabv3", "Chen 2017", (1, 3, 64, 64))
def deeplabv3():
    return Head(dilated(), nn.Sequential(ContextPyramid(24, 8), ConvNormAct(8, 8)), 8)


class DeepLabV3Plus(nn.Module):
    """Separable ASPP and the decoder with low-level features."""

    def __init__(self, classes=4):
        super().__init__()
        self.encoder = Encoder(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
        self.context = ContextPyramid(24, 12)
        self.low = ConvNormAct(8, 6, 1)
        self.merge = nn.Sequential(
            ConvNormAct(18, 18, groups=18, act=None), ConvNormAct(18, 12, 1), ConvNormAct(12, 12, groups=12), ConvNormAct(12, 12, 1)
        )
        self.head = nn.Conv2d(12, classes, 1)

    def forward(self, image):
        low, *_, deep = self.encoder(image)
        x = self.merge(torch.cat([resize(self.context(deep), low), self.low(low)], 1))
        return resize(self.head(x), image)


@architecture("deeplabv3plus", "Chen 2018", (1, 3, 64, 80))
def deeplabv3plus():
    return DeepLabV3Plus()


@architecture("pspnet", "Zhao 2017", (1, 3, 64, 64))
def pspnet():
    context = nn.Sequential(PyramidPooling(24, 8, (1, 2, 4, 8)), ConvNormAct(24 + 32, 12), nn.Dropout2d(0.1))
    return Head(dilated(), context, 12, align_corners=True)


@architecture("fcn-dilated", "FCN head on a dilated encoder", (1, 3, 64, 64))
def fcn_dilated():
    return Head(dilated(), nn.Sequential(ConvNormAct(24, 8), nn.Dropout(0.1)), 8)


class DenseContext(nn.Module):
    """DenseASPP: every dilated branch sees all before it."""

    def __init__(self, inputs=24, growth=6, rates=(2, 3, 4, 6)):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(ConvNormAct(inputs + growth * i, 12, 1), ConvNormAct(12, growth, dilation=rate))
            for i, rate in enumerate(rates)
        )
        self.outputs = inputs + growth * len(rates)

    def forward(self, x):
        for branch in self.branches:
            x = torch.cat([branch(x), x], 1)
        return x


@architecture("dense-aspp", "Yang 2018", (1, 3, 64, 64))
def dense_aspp():
    context = DenseContext()
    return Head(dilated(), context, context.outputs)


class DualAttention(nn.Module):
    """DANet: attention between positions and between channels."""

    def __init__(self, inputs=24, channels=12):
        super().__init__()
        self.before_position = ConvNormAct(inputs, channels)
        self.before_channel = ConvNormAct(inputs, channels)
        self.query = nn.Conv2d(channels, 4, 1)
        self.key = nn.Conv2d(channels, 4, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.tensor([0.7]))
        self.beta = nn.Parameter(torch.tensor([0.4]))
        self.after_position = ConvNormAct(channels, channels)
        self.after_channel = ConvNormAct(channels, channels)

    def forward(self, x):
        p = self.before_position(x)
        n, c, h, w = p.shape
        query = self.query(p).view(n, -1, h * w).permute(0, 2, 1)
        weights = torch.softmax(torch.bmm(query, self.key(p).view(n, -1, h * w)), -1)
        position = torch.bmm(self.value(p).view(n, -1, h * w), weights.permute(0, 2, 1)).view(n, c, h, w)
        q = self.before_channel(x)
        flat = q.view(n, c, -1)
        energy = torch.bmm(flat, flat.permute(0, 2, 1)) / (h * w)
        energy = torch.max(energy, -1, keepdim=True)[0].expand_as(energy) - energy
        channel = torch.bmm(torch.softmax(energy, -1), flat).view(n, c, h, w)
        return self.after_position(self.gamma * position + p) + self.after_channel(self.beta * channel + q)


@architecture("danet", "Fu 2019", (1, 3, 64, 64))
def danet():
    return Head(dilated(), DualAttention(), 12)


class CrissCross(nn.Module):
    """CCNet: attention along the row and the column of every pixel, twice."""

    def __init__(self, inputs=24, channels=12):
        super().__init__()
        self.reduce = ConvNormAct(inputs, channels)
        self.query = nn.Conv2d(channels, 4, 1)
        self.key = nn.Conv2d(channels, 4, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.tensor([0.6]))

    def attend(self, x):
        n, c, h, w = x.shape
        q, k, v = self.query(x), self.key(x), self.value(x)

        def columns(t):
            return t.permute(0, 3, 2, 1)  # N W H C

        def rows(t):
            return t.permute(0, 2, 3, 1)  # N H W C

        itself = -1e4 * torch.eye(h, dtype=x.dtype)
        along_column = torch.matmul(columns(q), columns(k).transpose(-1, -2)) + itself
        along_row = torch.matmul(rows(q), rows(k).transpose(-1, -2))
        weights = torch.softmax(torch.cat([along_column.permute(0, 2, 1, 3), along_row], 3), 3)  # N H W (H+W)
        from_column = torch.matmul(weights[..., :h].permute(0, 2, 1, 3), columns(v)).permute(0, 3, 2, 1)
        from_row = torch.matmul(weights[..., h:], rows(v)).permute(0, 3, 1, 2)
        return self.gamma * (from_column + from_row) + x

    def forward(self, x):
        return self.attend(self.attend(self.reduce(x)))


@architecture("ccnet", "Huang 2019", (1, 3, 64, 48))
def ccnet():
    return Head(dilated(), CrissCross(), 12)


class ObjectContext(nn.Module):
    """OCRNet: soft regions, their representations, and attention of the pixels to them."""

    def __init__(self, inputs=24, channels=12, classes=3):
        super().__init__()
        self.regions = nn.Conv2d(inputs, classes, 1)
        self.pixels = ConvNormAct(inputs, channels)
        self.query = nn.Sequential(ConvNormAct(channels, 6, 1), ConvNormAct(6, 6, 1))
        self.key = nn.Linear(channels, 6)
        self.value = nn.Linear(channels, channels)
        self.merge = ConvNormAct(2 * channels, channels, 1)

    def forward(self, x):
        pixels = self.pixels(x)
        n, c, h, w = pixels.shape
        soft = self.regions(x).flatten(2).softmax(2)
        context = torch.einsum("nkp,ncp->nkc", soft, pixels.flatten(2))
        query = self.query(pixels).flatten(2).transpose(1, 2)
        weights = F.softmax(query @ self.key(context).transpose(1, 2) * 6**-0.5, dim=-1)
        found = (weights @ self.value(context)).transpose(1, 2).reshape(n, c, h, w)
        return self.merge(torch.cat([found, pixels], 1))


@architecture("ocrnet", "Yuan 2020", (1, 3, 64, 64))
def ocrnet():
    return Head(dilated(), ObjectContext(), 12)


class ContextEncoding(nn.Module):
    """EncNet: a learnt codebook, residuals to its words, and a gate on the channels."""

    def __init__(self, inputs=24, channels=12, words=5):
        super().__init__()
        self.reduce = ConvNormAct(inputs, channels)
        self.words = nn.Parameter(torch.randn(words, channels) * 0.5)
        self.scale = nn.Parameter(-torch.rand(words) * 0.2)
        self.norm = nn.BatchNorm1d(words)
        self.gate = nn.Linear(channels, channels)

    def forward(self, x):
        x = self.reduce(x)
        flat = x.flatten(2).transpose(1, 2).unsqueeze(2)  # N P 1 C
        residual = flat - self.words
        weights = torch.softmax(self.scale * residual.pow(2).sum(3), 2)
        code = F.relu(self.norm((weights.unsqueeze(3) * residual).sum(1))).mean(1)
        return F.relu(x + x * torch.sigmoid(self.gate(code))[:, :, None, None])


@architecture("encnet", "Zhang 2018", (1, 3, 64, 64))
def encnet():
    return Head(dilated(), ContextEncoding(), 12)


class NonLocal(nn.Module):
    """Asymmetric non-local: keys and values are pooled on a pyramid of bins."""

    def __init__(self, inputs=24, channels=8):
        super().__init__()
        self.query = ConvNormAct(inputs, channels, 1)
        self.key = ConvNormAct(inputs, channels, 1)
        self.value = nn.Conv2d(inputs, channels, 1)
        self.out = nn.Conv2d(channels, inputs, 1)

    def pooled(self, x):
        return torch.cat([F.adaptive_avg_pool2d(x, size).flatten(2) for size in (1, 2, 4)], -1)

    def forward(self, x):
        n, _, h, w = x.shape
        query = self.query(x).flatten(2).transpose(1, 2)
        weights = F.softmax(query @ self.pooled(self.key(x)) / 8**0.5, -1)
        found = weights @ self.pooled(self.value(x)).transpose(1, 2)
        return x + self.out(found.transpose(1, 2).reshape(n, -1, h, w))


@architecture("ann", "Zhu 2019", (1, 3, 64, 64))
def ann():
    return Head(dilated(), NonLocal(), 24)


class LRASPP(nn.Module):
    """MobileNetV3-like blocks with HardSwish, and the lite reduced ASPP head."""

    class Block(nn.Module):
        def __init__(self, inputs, expanded, outputs, kernel, stride, act, excite):
            super().__init__()
            self.body = nn.Sequential(
                ConvNormAct(inputs, expanded, 1, act=act),
                ConvNormAct(expanded, expanded, kernel, stride, groups=expanded, act=act),
                SqueezeExcite(expanded, 4, nn.Hardsigmoid) if excite else nn.Identity(),
                ConvNormAct(expanded, outputs, 1, act=None),
            )
            self.same = stride == 1 and inputs == outputs

        def forward(self, x):
            return x + self.body(x) if self.same else self.body(x)

    def __init__(self, classes=3):
        super().__init__()
        block = LRASPP.Block
        self.low = nn.Sequential(
            ConvNormAct(3, 8, stride=2, act=nn.Hardswish), block(8, 8, 8, 3, 2, nn.ReLU, True), block(8, 16, 12, 3, 2, nn.ReLU, False)
        )
        self.high = nn.Sequential(
            block(12, 24, 12, 3, 1, nn.ReLU6, False), block(12, 32, 16, 5, 2, nn.Hardswish, True),
            block(16, 32, 16, 5, 1, nn.Hardswish, True),
        )
        self.conv = ConvNormAct(16, 12, 1)
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 12, 1, bias=False), nn.Sigmoid())
        self.low_classifier = nn.Conv2d(12, classes, 1)
        self.high_classifier = nn.Conv2d(12, classes, 1)

    def forward(self, image):
        low = self.low(image)
        high = self.high(low)
        x = resize(self.conv(high) * self.scale(high), low)
        return resize(self.low_classifier(low) + self.high_classifier(x), image)


@architecture("lraspp", "Howard 2019", (1, 3, 64, 64))
def lraspp():
    return LRASPP()
