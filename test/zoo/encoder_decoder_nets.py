"""U-Net and its relatives: a contracting path, an expanding one, and what leads across."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ContextPyramid, ConvNormAct, Encoder, Residual, SqueezeExcite, double_conv, resize


class UNet(nn.Module):
    """U-Net; with valid convolutions the skips are cropped to the centre, as in the paper."""

    def __init__(self, widths=(4, 8, 16), classes=3, inputs=3, block=double_conv, up="transpose", valid=False):
        super().__init__()
        options = {"padding": 0} if valid else {}
        before = (inputs, *widths)
        self.down = nn.ModuleList(block(before[i], width, **options) for i, width in enumerate(widths))
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        if up == "transpose":
            self.up = nn.ModuleList(nn.ConvTranspose2d(deep, skip, 2, 2) for deep, skip in pairs)
        else:
            self.up = nn.ModuleList(
                nn.Sequential(nn.Upsample(scale_factor=2, mode=up), nn.Conv2d(deep, skip, 1)) for deep, skip in pairs
            )
        self.merge = nn.ModuleList(block(2 * skip, skip, **options) for _, skip in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            skips.append(x)
        for skip, up, merge in zip(skips[-2::-1], self.up, self.merge):
            x = up(x)
            top, left = (skip.shape[2] - x.shape[2]) // 2, (skip.shape[3] - x.shape[3]) // 2
            skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            x = merge(torch.cat([skip, x], 1))
        return self.head(x)


@architecture("unet", "Ronneberger 2015, same padding", (1, 3, 48, 64))
def unet():
    return UNet()


@architecture("unet-valid", "Ronneberger 2015, valid convolutions", (1, 1, 92, 76))
def unet_valid():
    return UNet(inputs=1, classes=2, valid=True)


@architecture("unet-nearest-batch-2", "U-Net with nearest upsampling, a batch of two", (2, 3, 32, 32))
def unet_nearest():
    return UNet(up="nearest")


def _group_norm(channels):
    return nn.GroupNorm(2, channels)


@architecture("unet-groupnorm-silu", "U-Net with GroupNorm and SiLU", (1, 3, 48, 48))
def unet_groupnorm():
    return UNet(block=lambda i, o: double_conv(i, o, norm=_group_norm, act=nn.SiLU), up="bilinear")


@architecture("unet-instancenorm-mish", "U-Net with InstanceNorm and Mish", (1, 3, 48, 48))
def unet_mish():
    norm = lambda channels: nn.InstanceNorm2d(channels, affine=True)  # noqa: E731
    return UNet(block=lambda i, o: double_conv(i, o, norm=norm, act=nn.Mish))


@architecture("unet-gelu-elu", "U-Net with GELU and ELU", (1, 3, 48, 48))
def unet_gelu():
    def block(i, o):
        return nn.Sequential(ConvNormAct(i, o, act=nn.GELU), ConvNormAct(o, o, act=nn.ELU))

    return UNet(block=block, up="bicubic")


@architecture("unet-softplus-tanh", "U-Net with PReLU, Softplus, Softsign, SELU, CELU, HardTanh", (1, 3, 24, 24))
def unet_activations():
    acts = iter([nn.PReLU, nn.Softplus, nn.Softsign, nn.SELU, nn.CELU, lambda: nn.GELU("tanh"), nn.LogSigmoid, nn.Tanhshrink, nn.Tanh, nn.Hardtanh])

    def block(i, o):
        return nn.Sequential(ConvNormAct(i, o, act=next(acts)), ConvNormAct(o, o, act=next(acts)))

    return UNet(block=block)


class NnUNet(nn.Module):
    """The plain 2-D network of nnU-Net: strided convolutions, InstanceNorm, LeakyReLU, deep supervision."""

    def __init__(self, widths=(4, 8, 16, 16), classes=3):
        super().__init__()
        norm = lambda channels: nn.InstanceNorm2d(channels, eps=1e-5, affine=True)  # noqa: E731
        act = lambda: nn.LeakyReLU(0.01)  # noqa: E731

        def stage(i, o, stride):
            return nn.Sequential(
                ConvNormAct(i, o, stride=stride, norm=norm, act=act), ConvNormAct(o, o, norm=norm, act=act)
            )

        before = (3, *widths)
        self.down = nn.ModuleList(stage(before[i], width, 2 if i else 1) for i, width in enumerate(widths))
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(deep, skip, 2, 2, bias=False) for deep, skip in pairs)
        self.merge = nn.ModuleList(stage(2 * skip, skip, 1) for _, skip in pairs)
        self.heads = nn.ModuleList(nn.Conv2d(skip, classes, 1) for _, skip in pairs)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        outputs = []
        for skip, up, merge, head in zip(skips[-2::-1], self.up, self.merge, self.heads):
            x = merge(torch.cat([up(x), skip], 1))
            outputs.append(head(x))
        return tuple(outputs[::-1])


@architecture("nnunet", "Isensee 2021", (1, 3, 64, 48), "full resolution of three heads")
def nnunet():
    return NnUNet()


class NestedUNet(nn.Module):
    def __init__(self, widths=(4, 8, 12, 16), classes=3):
        super().__init__()
        depth = len(widths)
        self.nodes = nn.ModuleDict()
        for j in range(depth):
            for i in range(depth - j):
                inputs = (widths[i - 1] if i else 3) if j == 0 else widths[i] * j + widths[i + 1]
                self.nodes[f"{i}{j}"] = double_conv(inputs, widths[i])
        self.heads = nn.ModuleList(nn.Conv2d(widths[0], classes, 1) for _ in range(depth - 1))
        self.depth = depth

    def forward(self, image):
        x = {}
        for j in range(self.depth):
            for i in range(self.depth - j):
                if j == 0:
                    parts = F.max_pool2d(x[i - 1, 0], 2) if i else image
                else:
                    up = F.interpolate(x[i + 1, j - 1], scale_factor=2, mode="bilinear", align_corners=True)
                    parts = torch.cat([*(x[i, k] for k in range(j)), up], 1)
                x[i, j] = self.nodes[f"{i}{j}"](parts)
        outputs = [head(x[0, j + 1]) for j, head in enumerate(self.heads)]
        return sum(outputs) / len(outputs)


@architecture("unet-plus-plus", "Zhou 2018", (1, 3, 48, 64))
def unet_plus_plus():
    return NestedUNet()


class UNet3Plus(nn.Module):
    """Full-scale skips: every decoder sees every encoder."""

    def __init__(self, widths=(4, 8, 12, 16), each=4, classes=2):
        super().__init__()
        before = (3, *widths)
        self.down = nn.ModuleList(double_conv(before[i], width) for i, width in enumerate(widths))
        depth = len(widths)
        self.reduce = nn.ModuleDict()
        self.merge = nn.ModuleList()
        for i in range(depth - 1):
            for k in range(depth):
                inputs = widths[k] if k <= i or k == depth - 1 else each * depth
                self.reduce[f"{i}{k}"] = ConvNormAct(inputs, each)
            self.merge.append(ConvNormAct(each * depth, each * depth))
        self.head = nn.Conv2d(each * depth, classes, 3, padding=1)

    def forward(self, x):
        encoded = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            encoded.append(x)
        decoded = {len(encoded) - 1: encoded[-1]}
        for i in reversed(range(len(encoded) - 1)):
            parts = []
            for k, features in enumerate(encoded):
                if k < i:
                    part = F.max_pool2d(features, 2 ** (i - k), ceil_mode=True)
                elif k == i:
                    part = features
                else:
                    part = F.interpolate(decoded[k], scale_factor=2 ** (k - i), mode="bilinear", align_corners=False)
                parts.append(self.reduce[f"{i}{k}"](part))
            decoded[i] = self.merge[i](torch.cat(parts, 1))
        return self.head(decoded[0])


@architecture("unet3plus", "Huang 2020", (1, 3, 48, 48))
def unet3plus():
    return UNet3Plus()


class SegNet(nn.Module):
    """Unpools to where the maxima were. Written as a scatter, as exporters have no MaxUnpool."""

    def __init__(self, widths=(4, 8, 12), classes=3):
        super().__init__()
        before = (3, *widths)
        self.down = nn.ModuleList(double_conv(before[i], width) for i, width in enumerate(widths))
        self.up = nn.ModuleList(double_conv(width, max(before[i], 4)) for i, width in reversed(list(enumerate(widths))))
        self.head = nn.Conv2d(4, classes, 1)

    def forward(self, x):
        kept = []
        for block in self.down:
            x = block(x)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, return_indices=True)
            kept.append((indices, size))
        for block in self.up:
            indices, size = kept.pop()
            flat = torch.zeros(size, dtype=x.dtype).flatten(2)
            x = block(flat.scatter(2, indices.flatten(2), x.flatten(2)).view(size))
        return self.head(x)


@architecture("segnet", "Badrinarayanan 2017", (1, 3, 32, 48))
def segnet():
    return SegNet()


class FCN8(nn.Module):
    """VGG-like, pads by 100 and crops, as the original."""

    def __init__(self, widths=(4, 6, 8, 10, 12), classes=3):
        super().__init__()
        before = (3, *widths)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before[i], width, 3, padding=100 if i == 0 else 1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(), nn.MaxPool2d(2, 2, ceil_mode=True),
            )
            for i, width in enumerate(widths)
        )
        self.classifier = nn.Sequential(nn.Conv2d(widths[-1], 16, 7), nn.ReLU(), nn.Dropout2d(), nn.Conv2d(16, classes, 1))
        self.score4 = nn.Conv2d(widths[3], classes, 1)
        self.score3 = nn.Conv2d(widths[2], classes, 1)
        self.up2 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.up4 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.up8 = nn.ConvTranspose2d(classes, classes, 16, 8, bias=False)

    def forward(self, image):
        x = image
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)

        def crop(t, like, offset):
            return t[:, :, offset : offset + like.shape[2], offset : offset + like.shape[3]]

        x = self.up2(self.classifier(x))
        x = self.up4(x + crop(self.score4(features[3]), x, 5))
        x = self.up8(x + crop(self.score3(features[2]), x, 9))
        return crop(x, image, 31)


@architecture("fcn-8s", "Long 2015", (1, 3, 64, 64))
def fcn8():
    return FCN8()


class LinkNet(nn.Module):
    def __init__(self, widths=(8, 12, 16, 24), classes=3):
        super().__init__()
        self.encoder = Encoder(widths)
        outputs = (widths[0], *widths[:-1])

        def decoder(i, o):
            return nn.Sequential(
                ConvNormAct(i, i // 4, 1),
                nn.ConvTranspose2d(i // 4, i // 4, 3, 2, 1, output_padding=1), nn.BatchNorm2d(i // 4), nn.ReLU(),
                ConvNormAct(i // 4, o, 1),
            )

        self.decoders = nn.ModuleList(decoder(i, o) for i, o in zip(widths, outputs))
        self.final = nn.Sequential(
            nn.ConvTranspose2d(widths[0], 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, classes, 2, padding=1)
        )

    def forward(self, image):
        features = self.encoder(image)
        x = features[-1]
        for i in (3, 2, 1):
            x = self.decoders[i](x) + features[i - 1]
        return self.final(self.decoders[0](x))


@architecture("linknet", "Chaurasia 2017", (1, 3, 64, 64))
def linknet():
    return LinkNet()


class FeaturePyramid(nn.Module):
    """FPN with the semantic head of Kirillov 2019: GroupNorm, and all levels summed."""

    def __init__(self, widths=(8, 12, 16, 24), each=8, classes=3):
        super().__init__()
        self.encoder = Encoder(widths)
        self.lateral = nn.ModuleList(nn.Conv2d(width, each, 1) for width in widths)
        self.heads = nn.ModuleList()
        for level in range(4):
            layers = []
            for _ in range(max(level, 1)):
                layers += [nn.Conv2d(each, each, 3, padding=1, bias=False), nn.GroupNorm(4, each), nn.ReLU()]
                if level:
                    layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
            self.heads.append(nn.Sequential(*layers))
        self.head = nn.Conv2d(each, classes, 1)

    def forward(self, image):
        features = self.encoder(image)
        x = None
        levels = []
        for i in (3, 2, 1, 0):
            lateral = self.lateral[i](features[i])
            x = lateral if x is None else lateral + F.interpolate(x, scale_factor=2, mode="nearest")
            levels.append(self.heads[i](x))
        total = levels[0] + levels[1] + levels[2] + levels[3]
        return F.interpolate(self.head(F.dropout2d(total, 0.2, self.training)), scale_factor=4, mode="bilinear")


@architecture("fpn", "Kirillov 2019", (1, 3, 64, 96))
def fpn():
    return FeaturePyramid()


class PAN(nn.Module):
    """Pyramid attention network: feature pyramid attention, global attention upsampling."""

    def __init__(self, widths=(8, 12, 16, 24), each=8, classes=3):
        super().__init__()
        self.encoder = Encoder(widths, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
        deep = widths[-1]
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNormAct(deep, each, 1))
        self.mid = ConvNormAct(deep, each, 1)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), ConvNormAct(deep, 1, 7))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), ConvNormAct(1, 1, 5))
        self.conv1 = ConvNormAct(1, 1, 7)
        self.conv2 = ConvNormAct(1, 1, 5)
        self.lateral = nn.ModuleList(ConvNormAct(width, each, 3) for width in widths[:3])
        self.gate = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNormAct(each, each, 1, act=None), nn.Sigmoid()) for _ in range(3)
        )
        self.head = nn.Conv2d(each, classes, 3, padding=1)

    def forward(self, image):
        features = self.encoder(image)
        deep = features[-1]
        x1 = self.down1(deep)
        x2 = self.down2(x1)
        attention = resize(resize(self.conv2(x2), x1, align_corners=True) + self.conv1(x1), deep, align_corners=True)
        x = attention * self.mid(deep) + resize(self.pooled(deep), deep, align_corners=True)
        for i in (2, 1, 0):
            x = resize(x, features[i], align_corners=True) + self.lateral[i](features[i]) * self.gate[i](x)
        return resize(self.head(x), image, align_corners=True)


@architecture("pan", "Li 2018", (1, 3, 64, 64))
def pan():
    return PAN()


class MANet(nn.Module):
    """Multi-scale attention: position-wise attention at the bottom, squeeze-and-excitation in the decoder."""

    def __init__(self, widths=(8, 12, 16, 24), classes=2):
        super().__init__()
        self.encoder = Encoder(widths)
        deep = widths[-1]
        self.query = nn.Conv2d(deep, 8, 1)
        self.key = nn.Conv2d(deep, 8, 1)
        self.value = nn.Conv2d(deep, deep, 3, padding=1)
        self.out = nn.Conv2d(deep, deep, 3, padding=1)
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.reduce = nn.ModuleList(ConvNormAct(deep, skip, 1) for deep, skip in pairs)
        self.excite = nn.ModuleList(SqueezeExcite(skip) for _, skip in pairs)
        self.merge = nn.ModuleList(double_conv(2 * skip, skip) for _, skip in pairs)
        self.head = nn.Conv2d(widths[0], classes, 3, padding=1)

    def forward(self, image):
        features = self.encoder(image)
        x = features[-1]
        n, c, h, w = x.shape
        query = self.query(x).flatten(2)
        key = self.key(x).flatten(2)
        value = self.value(x).flatten(2)
        weights = torch.matmul(query.transpose(1, 2), key).reshape(n, -1).softmax(-1).reshape(n, h * w, h * w) * h * w
        x = self.out(x + torch.matmul(weights, value.transpose(1, 2)).transpose(1, 2).reshape(n, c, h, w))
        for skip, reduce, excite, merge in zip(features[-2::-1], self.reduce, self.excite, self.merge):
            up = F.interpolate(reduce(x), scale_factor=2, mode="nearest")
            x = merge(torch.cat([up * excite.body(skip), skip], 1))
        return resize(self.head(x), image)


@architecture("manet", "Fan 2020", (1, 3, 64, 64))
def manet():
    return MANet()


class ResUNetPlusPlus(nn.Module):
    """Residual units with squeeze-and-excitation, ASPP as a bridge, gated skips."""

    def __init__(self, widths=(4, 8, 16), classes=1):
        super().__init__()
        before = (3, *widths)
        self.down = nn.ModuleList(
            nn.Sequential(Residual(before[i], width, 2 if i else 1), SqueezeExcite(width)) for i, width in enumerate(widths)
        )
        self.bridge = ContextPyramid(widths[-1], widths[-1], (1, 2, 3))
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.gate_skip = nn.ModuleList(nn.Conv2d(skip, deep, 1) for deep, skip in pairs)
        self.gate = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Conv2d(deep, 1, 1), nn.Sigmoid()) for deep, _ in pairs)
        self.merge = nn.ModuleList(Residual(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        x = self.bridge(x)
        for skip, gate_skip, gate, merge in zip(skips[-2::-1], self.gate_skip, self.gate, self.merge):
            x = x * gate(F.max_pool2d(gate_skip(skip), 2) + x)
            x = merge(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False), skip], 1))
        return self.head(x)


@architecture("resunet-plus-plus", "Jha 2019, one logit", (1, 3, 48, 48))
def resunet_plus_plus():
    return ResUNetPlusPlus()


class RecurrentUNet(UNet):
    """R2U-Net: recurrent convolutional blocks."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.first = nn.Conv2d(inputs, outputs, 1)
            self.again = ConvNormAct(outputs, outputs)

        def forward(self, x):
            x = self.first(x)
            y = self.again(x)
            for _ in range(2):
                y = self.again(x + y)
            return x + y

    def __init__(self):
        super().__init__(block=RecurrentUNet.Block, up="nearest")


@architecture("r2unet", "Alom 2018", (1, 3, 16, 16))
def r2unet():
    return RecurrentUNet()
