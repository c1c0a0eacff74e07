"""Networks made for speed: early downsampling, factorised and depthwise convolutions, two branches."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ConvNormAct, Encoder, Residual, SqueezeExcite, resize


class Bottleneck(nn.Module):
    """Bottleneck of ENet: regular, dilated, asymmetric or downsampling."""

    def __init__(self, inputs, outputs, down=False, dilation=1, asymmetric=False):
        super().__init__()
        inner = max(outputs // 4, 2)
        kernel, stride = (2, 2) if down else (1, 1)
        if asymmetric:
            middle = nn.Sequential(nn.Conv2d(inner, inner, (5, 1), padding=(2, 0)), ConvNormAct(inner, inner, (1, 5), act=nn.PReLU))
        else:
            middle = ConvNormAct(inner, inner, dilation=dilation, act=nn.PReLU)
        self.body = nn.Sequential(
            ConvNormAct(inputs, inner, kernel, stride, padding=0, act=nn.PReLU), middle, ConvNormAct(inner, outputs, 1, act=None),
            nn.Dropout2d(0.1),
        )
        self.pool = nn.MaxPool2d(2) if down else nn.Identity()
        self.more = outputs - inputs
        self.act = nn.PReLU(outputs)

    def forward(self, x):
        side = self.pool(x)
        if self.more > 0:
            side = F.pad(side, (0, 0, 0, 0, 0, self.more))  # zeros for the new channels
        return self.act(side + self.body(x))


class UpBottleneck(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        inner = max(inputs // 4, 2)
        self.body = nn.Sequential(
            ConvNormAct(inputs, inner, 1), nn.ConvTranspose2d(inner, inner, 3, 2, 1, output_padding=1), nn.BatchNorm2d(inner), nn.ReLU(),
            ConvNormAct(inner, outputs, 1, act=None),
        )
        self.side = ConvNormAct(inputs, outputs, 1, act=None)

    def forward(self, x):
        return F.relu(self.body(x) + F.interpolate(self.side(x), scale_factor=2, mode="nearest"))


class ENet(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.initial = nn.Conv2d(3, 5, 3, 2, 1, bias=False)
        self.initial_norm = nn.Sequential(nn.BatchNorm2d(8), nn.PReLU())
        self.body = nn.Sequential(
            Bottleneck(8, 16, down=True), Bottleneck(16, 16), Bottleneck(16, 24, down=True), Bottleneck(24, 24, dilation=2),
            Bottleneck(24, 24, asymmetric=True), Bottleneck(24, 24, dilation=4), UpBottleneck(24, 16), Bottleneck(16, 16), UpBottleneck(16, 8),
        )
        self.head = nn.ConvTranspose2d(8, classes, 2, 2)

    def forward(self, x):
        x = self.initial_norm(torch.cat([self.initial(x), F.max_pool2d(x, 2)], 1))
        return self.head(self.body(x))


@architecture("enet", "Paszke 2016", (1, 3, 64, 64))
def enet():
    return ENet()


class NonBottleneck1d(nn.Module):
    """Factorised residual block of ERFNet."""

    def __init__(self, channels, dilation=1):
        super().__init__()
        d = dilation
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, (3, 1), padding=(1, 0)), nn.ReLU(),
            nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1)), nn.ReLU(),
            nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d), bias=False), nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return F.relu(x + self.body(x))


class Downsampler(nn.Module):
    """Strided convolution and max pooling side by side."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs - inputs, 3, 2, 1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.norm(torch.cat([self.conv(x), F.max_pool2d(x, 2, 2)], 1)))


class ERFNet(nn.Module):
    def __init__(self, classes=3):
        super().__init__()

        def up(i, o):
            return nn.Sequential(nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1), nn.BatchNorm2d(o), nn.ReLU())

        self.body = nn.Sequential(
            Downsampler(3, 8), Downsampler(8, 16), NonBottleneck1d(16), Downsampler(16, 24), NonBottleneck1d(24, 2),
            NonBottleneck1d(24, 4), up(24, 16), NonBottleneck1d(16), up(16, 8), NonBottleneck1d(8),
        )
        self.head = nn.ConvTranspose2d(8, classes, 2, 2)

    def forward(self, x):
        return self.head(self.body(x))


@architecture("erfnet", "Romera 2017", (1, 3, 64, 64))
def erfnet():
    return ERFNet()


class AttentionRefinement(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = ConvNormAct(inputs, outputs)
        self.gate = nn.Sequential(nn.Conv2d(outputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.Sigmoid())

    def forward(self, x):
        x = self.conv(x)
        return x * self.gate(F.avg_pool2d(x, x.shape[2:]))


class FeatureFusion(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = ConvNormAct(inputs, outputs, 1)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(outputs, outputs // 2, 1), nn.ReLU(), nn.Conv2d(outputs // 2, outputs, 1), nn.Sigmoid()
        )

    def forward(self, a, b):
        x = self.conv(torch.cat([a, b], 1))
        return x + x * self.gate(x)


class BiSeNetV1(nn.Module):
    def __init__(self, classes=3, encoder=None):
        super().__init__()
        self.spatial = nn.Sequential(ConvNormAct(3, 8, 7, 2), ConvNormAct(8, 8, 3, 2), ConvNormAct(8, 8, 3, 2), ConvNormAct(8, 16, 1))
        self.context = encoder or Encoder((8, 12, 16, 24))
        self.refine16 = AttentionRefinement(16, 12)
        self.refine32 = AttentionRefinement(24, 12)
        self.pooled = ConvNormAct(24, 12, 1)
        self.after16 = ConvNormAct(12, 12)
        self.after32 = ConvNormAct(12, 12)
        self.fuse = FeatureFusion(28, 16)
        self.heads = nn.ModuleList(nn.Sequential(ConvNormAct(i, 8), nn.Conv2d(8, classes, 1)) for i in (16, 12, 12))

    def forward(self, image):
        _, _, x16, x32 = self.context(image)
        pooled = self.pooled(torch.mean(x32, dim=(2, 3), keepdim=True))
        x32 = self.refine32(x32) + F.interpolate(pooled, x32.shape[2:], mode="nearest")
        x32 = self.after32(F.interpolate(x32, x16.shape[2:], mode="nearest"))
        x16 = self.refine16(x16) + x32
        x8 = self.after16(F.interpolate(x16, scale_factor=2, mode="nearest"))
        fused = self.fuse(self.spatial(image), x8)
        return tuple(resize(head(x), image, align_corners=True) for head, x in zip(self.heads, (fused, x8, x16)))


@architecture("bisenet-v1", "Yu 2018", (1, 3, 64, 96), "main head of three")
def bisenet_v1():
    return BiSeNetV1()


class BiSeNetV2(nn.Module):
    class Gather(nn.Module):
        """Gather and expansion layer."""

        def __init__(self, inputs, outputs, stride=1, expand=3):
            super().__init__()
            inner = inputs * expand
            depthwise = [ConvNormAct(inner, inner, 3, stride, groups=inner, act=None)]
            if stride == 2:
                depthwise.append(ConvNormAct(inner, inner, 3, groups=inner, act=None))
            self.body = nn.Sequential(ConvNormAct(inputs, inputs), ConvNormAct(inputs, inner, 1, act=None), *depthwise, ConvNormAct(inner, outputs, 1, act=None))
            self.side = nn.Identity() if stride == 1 else nn.Sequential(
                ConvNormAct(inputs, inputs, 3, 2, groups=inputs, act=None), ConvNormAct(inputs, outputs, 1, act=None)
            )

        def forward(self, x):
            return F.relu(self.body(x) + self.side(x))

    def __init__(self, classes=3):
        super().__init__()
        gather = BiSeNetV2.Gather
        self.detail = nn.Sequential(
            ConvNormAct(3, 8, 3, 2), ConvNormAct(8, 8), ConvNormAct(8, 8, 3, 2), ConvNormAct(8, 8), ConvNormAct(8, 16, 3, 2), ConvNormAct(16, 16)
        )
        self.stem = ConvNormAct(3, 4, 3, 2)
        self.stem_left = nn.Sequential(ConvNormAct(4, 2, 1), ConvNormAct(2, 4, 3, 2))
        self.stem_right = nn.MaxPool2d(3, 2, 1)
        self.stem_merge = ConvNormAct(8, 4)
        self.semantic = nn.Sequential(gather(4, 8, 2), gather(8, 8), gather(8, 12, 2), gather(12, 12), gather(12, 16, 2), gather(16, 16))
        self.context_norm = nn.BatchNorm2d(16)
        self.context = ConvNormAct(16, 16, 1)
        self.context_last = nn.Conv2d(16, 16, 3, padding=1)
        self.detail_keep = nn.Sequential(ConvNormAct(16, 16, groups=16, act=None), nn.Conv2d(16, 16, 1))
        self.detail_down = nn.Sequential(ConvNormAct(16, 16, 3, 2, act=None), nn.AvgPool2d(3, 2, 1))
        self.semantic_up = ConvNormAct(16, 16, act=None)
        self.semantic_keep = nn.Sequential(ConvNormAct(16, 16, groups=16, act=None), nn.Conv2d(16, 16, 1))
        self.merge = ConvNormAct(16, 16, act=None)
        self.head = nn.Sequential(ConvNormAct(16, 12), nn.Dropout(0.1), nn.Conv2d(12, classes * 64, 1), nn.PixelShuffle(8))

    def forward(self, image):
        detail = self.detail(image)
        x = self.stem(image)
        x = self.stem_merge(torch.cat([self.stem_left(x), self.stem_right(x)], 1))
        x = self.semantic(x)
        context = self.context_norm(x.mean((2, 3), keepdim=True))
        semantic = self.context_last(x + self.context(context))
        up = F.interpolate(self.semantic_up(semantic), scale_factor=4, mode="bilinear")
        a = self.detail_keep(detail) * torch.sigmoid(up)
        b = self.detail_down(detail) * torch.sigmoid(self.semantic_keep(semantic))
        return self.head(self.merge(a + F.interpolate(b, scale_factor=4, mode="bilinear")))


@architecture("bisenet-v2", "Yu 2021, PixelShuffle head", (1, 3, 64, 96))
def bisenet_v2():
    return BiSeNetV2()


class ShortTermDense(nn.Module):
    """Concatenated module of STDC."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.first = ConvNormAct(inputs, half, 1)
        self.second = ConvNormAct(half, quarter, 3)
        self.third = ConvNormAct(quarter, quarter, 3)
        self.depthwise = ConvNormAct(half, half, 3, 2, groups=half, act=None) if stride == 2 else nn.Identity()
        self.skip = nn.AvgPool2d(3, 2, 1) if stride == 2 else nn.Identity()

    def forward(self, x):
        first = self.first(x)
        second = self.second(self.depthwise(first))
        return torch.cat([self.skip(first), second, self.third(second)], 1)


class STDCEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, 4, 3, 2), ConvNormAct(4, 8, 3, 2))
        self.stages = nn.ModuleList(
            nn.Sequential(ShortTermDense(i, o, 2), ShortTermDense(o, o, 1)) for i, o in ((8, 12), (12, 16), (16, 24))
        )

    def forward(self, image):
        features = [self.stem(image)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class STDCSeg(BiSeNetV1):
    """BiSeNet without its spatial path: the features of stride 8 take its place."""

    def __init__(self):
        super().__init__(encoder=STDCEncoder())
        self.spatial = nn.Identity()
        self.fuse = FeatureFusion(24, 16)

    def forward(self, image):
        _, x8, x16, x32 = self.context(image)
        pooled = self.pooled(F.adaptive_avg_pool2d(x32, 1))
        deep = self.after32(resize(self.refine32(x32) + resize(pooled, x32, "nearest"), x16, "nearest"))
        up = self.after16(resize(self.refine16(x16) + deep, x8, "nearest"))
        return resize(self.heads[0](self.fuse(x8, up)), image, align_corners=True)


@architecture("stdc", "Fan 2021", (1, 3, 64, 64))
def stdc():
    return STDCSeg()


class FastSCNN(nn.Module):
    class Inverted(nn.Module):
        def __init__(self, inputs, outputs, stride, expand=3):
            super().__init__()
            inner = inputs * expand
            self.body = nn.Sequential(
                ConvNormAct(inputs, inner, 1), ConvNormAct(inner, inner, 3, stride, groups=inner), ConvNormAct(inner, outputs, 1, act=None)
            )
            self.same = stride == 1 and inputs == outputs

        def forward(self, x):
            return x + self.body(x) if self.same else self.body(x)

    def __init__(self, classes=3):
        super().__init__()

        def separable(i, o, stride=1):
            return nn.Sequential(ConvNormAct(i, i, 3, stride, groups=i), ConvNormAct(i, o, 1))

        inverted = FastSCNN.Inverted
        self.learn = nn.Sequential(ConvNormAct(3, 6, 3, 2, padding=0), separable(6, 8, 2), separable(8, 12, 2))
        self.extract = nn.Sequential(inverted(12, 12, 2), inverted(12, 16, 2), inverted(16, 16, 1))
        self.pools = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(size), ConvNormAct(16, 4, 1)) for size in (1, 2))
        self.context = ConvNormAct(24, 16, 1)
        self.low = nn.Sequential(ConvNormAct(16, 16, dilation=4, groups=16), nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16))
        self.high = nn.Sequential(nn.Conv2d(12, 16, 1), nn.BatchNorm2d(16))
        self.head = nn.Sequential(separable(16, 16), separable(16, 16), nn.Dropout(0.1), nn.Conv2d(16, classes, 1))

    def forward(self, image):
        high = self.learn(image)
        x = self.extract(high)
        x = self.context(torch.cat([x] + [resize(pool(x), x, align_corners=True) for pool in self.pools], 1))
        x = F.relu(self.high(high) + self.low(resize(x, high, align_corners=True)))
        return resize(self.head(x), image, align_corners=True)


@architecture("fast-scnn", "Poudel 2019", (1, 3, 64, 64))
def fast_scnn():
    return FastSCNN()


class ICNet(nn.Module):
    """An image cascade: three resolutions, fused from coarse to fine."""

    def __init__(self, classes=3):
        super().__init__()
        self.high = nn.Sequential(ConvNormAct(3, 6, 3, 2), ConvNormAct(6, 6, 3, 2), ConvNormAct(6, 8, 3, 2))
        self.trunk = Encoder((8, 12, 16, 24), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
        self.middle_project = ConvNormAct(12, 12, 1, act=None)
        self.low_conv = ConvNormAct(24, 12, dilation=2, act=None)
        self.high_project = ConvNormAct(8, 12, 1, act=None)
        self.low_conv2 = ConvNormAct(12, 12, dilation=2, act=None)
        self.head24 = nn.Conv2d(12, classes, 1)
        self.head = nn.Conv2d(12, classes, 1)

    def forward(self, image):
        half = F.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=True, recompute_scale_factor=True)
        quarter = F.interpolate(image, scale_factor=0.25, mode="bilinear", align_corners=True, recompute_scale_factor=True)
        middle = self.trunk(half)[1]
        low = self.trunk(quarter)[3]
        for size in (1, 2):
            low = low + resize(F.adaptive_avg_pool2d(low, size), low, align_corners=True)
        x = F.relu(self.low_conv(resize(low, middle, align_corners=True)) + self.middle_project(middle))
        high = self.high(image)
        side = self.head24(x)
        x = F.relu(self.low_conv2(resize(x, high, align_corners=True)) + self.high_project(high))
        return resize(self.head(x), image, align_corners=True), side


@architecture("icnet", "Zhao 2018", (1, 3, 96, 96), "finest of two heads")
def icnet():
    return ICNet()


class PPLiteSeg(nn.Module):
    """STDC encoder, simple pyramid pooling, unified attention fusion with mean and maximum over channels."""

    class Fusion(nn.Module):
        def __init__(self, low, high, outputs):
            super().__init__()
            self.low = ConvNormAct(low, high)
            self.attention = nn.Sequential(ConvNormAct(4, 2), ConvNormAct(2, 1, act=None))
            self.out = ConvNormAct(high, outputs)

        def forward(self, low, high):
            x = self.low(low)
            up = resize(high, x)
            parts = [up.mean(1, keepdim=True), up.amax(1, keepdim=True), x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]]
            weight = torch.sigmoid(self.attention(torch.cat(parts, 1)))
            return self.out(up * weight + x * (1 - weight))

    def __init__(self, classes=3):
        super().__init__()
        self.encoder = STDCEncoder()
        self.pools = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(size), ConvNormAct(24, 12, 1)) for size in (1, 2))
        self.context = ConvNormAct(12, 12)
        self.fuse16 = PPLiteSeg.Fusion(16, 12, 12)
        self.fuse8 = PPLiteSeg.Fusion(12, 12, 8)
        self.head = nn.Sequential(ConvNormAct(8, 8), nn.Conv2d(8, classes, 1, bias=False))

    def forward(self, image):
        _, x8, x16, x32 = self.encoder(image)
        context = self.context(sum(resize(pool(x32), x32) for pool in self.pools))
        return resize(self.head(self.fuse8(x8, self.fuse16(x16, context))), image)


@architecture("pp-liteseg", "Peng 2022", (1, 3, 64, 64))
def pp_liteseg():
    return PPLiteSeg()


class ESPNet(nn.Module):
    """Efficient spatial pyramids: reduce, dilate in parallel, add hierarchically; PixelShuffle at the end."""

    class Pyramid(nn.Module):
        def __init__(self, inputs, outputs, stride=1):
            super().__init__()
            each = outputs // 4
            self.reduce = nn.Conv2d(inputs, each, 3 if stride == 2 else 1, stride, 1 if stride == 2 else 0, bias=False)
            self.branches = nn.ModuleList(nn.Conv2d(each, each, 3, padding=d, dilation=d, groups=each, bias=False) for d in (1, 2, 4, 8))
            self.norm = nn.Sequential(nn.BatchNorm2d(outputs), nn.PReLU(outputs))
            self.same = inputs == outputs and stride == 1

        def forward(self, x):
            reduced = self.reduce(x)
            parts = [self.branches[0](reduced)]
            for branch in self.branches[1:]:
                parts.append(parts[-1] + branch(reduced))
            y = torch.cat(parts, 1)
            return self.norm(x + y if self.same else y)

    def __init__(self, classes=3):
        super().__init__()
        pyramid = ESPNet.Pyramid
        self.stem = ConvNormAct(3, 8, 3, 2, act=nn.PReLU)
        self.body = nn.Sequential(pyramid(11, 16, 2), pyramid(16, 16), nn.ChannelShuffle(4), pyramid(16, 24, 2), pyramid(24, 24))
        self.head = nn.Sequential(nn.Conv2d(24, classes * 64, 1), nn.PixelShuffle(8))

    def forward(self, image):
        return self.head(self.body(torch.cat([self.stem(image), F.avg_pool2d(image, 3, 2, 1)], 1)))


@architecture("espnet-pixelshuffle", "Mehta 2018, with PixelShuffle and ChannelShuffle", (1, 3, 64, 64))
def espnet():
    return ESPNet()


class CGNet(nn.Module):
    """Context-guided blocks: local and surrounding context, joined, then gated by the global one."""

    class Guided(nn.Module):
        def __init__(self, channels, dilation):
            super().__init__()
            half = channels // 2
            self.reduce = ConvNormAct(channels, half, 1, act=nn.PReLU)
            self.local = nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False)
            self.around = nn.Conv2d(half, half, 3, padding=dilation, dilation=dilation, groups=half, bias=False)
            self.join = nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))
            self.gate = nn.Sequential(nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels), nn.Sigmoid())

        def forward(self, x):
            y = self.reduce(x)
            y = self.join(torch.cat([self.local(y), self.around(y)], 1))
            gate = self.gate(F.adaptive_avg_pool2d(y, 1).view(y.shape[0], -1))
            return x + y * gate.view(y.shape[0], -1, 1, 1)

    def __init__(self, classes=3):
        super().__init__()
        guided = CGNet.Guided
        self.stem = nn.Sequential(ConvNormAct(3, 8, 3, 2, act=nn.PReLU), ConvNormAct(8, 8, act=nn.PReLU))
        self.down = ConvNormAct(11, 16, 3, 2, act=nn.PReLU)
        self.body = nn.Sequential(guided(16, 2), guided(16, 4))
        self.head = nn.Conv2d(35, classes, 1)

    def forward(self, image):
        half = F.avg_pool2d(image, 3, 2, 1)
        quarter = F.avg_pool2d(half, 3, 2, 1)
        x = self.down(torch.cat([self.stem(image), half], 1))
        x = self.head(torch.cat([x, self.body(x), quarter], 1))
        return F.interpolate(x, image.size()[2:], mode="bilinear", align_corners=False)


@architecture("cgnet", "Wu 2021", (1, 3, 64, 64))
def cgnet():
    return CGNet()


class DFANet(nn.Module):
    """Two passes of separable blocks, the second fed by the first, with attention by a fully connected layer."""

    def __init__(self, classes=3):
        super().__init__()

        def separable(i, o, stride):
            return nn.Sequential(ConvNormAct(i, i, 3, stride, groups=i, act=None), ConvNormAct(i, o, 1))

        self.stem = ConvNormAct(3, 8, 3, 2)
        self.first = nn.ModuleList([separable(8, 12, 2), separable(12, 16, 2), separable(16, 24, 2)])
        self.attend = nn.ModuleList(nn.Linear(24, 24) for _ in range(2))
        self.second = nn.ModuleList([separable(12 + 24, 12, 2), separable(12 + 16, 16, 2), nn.Sequential(Residual(16 + 24, 24), SqueezeExcite(24))])
        self.low = ConvNormAct(12, 8, 1)
        self.high = ConvNormAct(24, 8, 1)
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, image):
        a = [self.stem(image)]
        for block in self.first:
            a.append(block(a[-1]))
        deep = a[-1] * self.attend[0](a[-1].mean([2, 3])).unsqueeze(-1).unsqueeze(-1)
        b = self.second[0](torch.cat([a[1], F.interpolate(deep, scale_factor=4, mode="bilinear")], 1))
        c = self.second[1](torch.cat([b, a[2]], 1))
        d = self.second[2](torch.cat([c, resize(a[3], c)], 1))
        x = self.low(a[1]) + resize(self.high(d), a[1])
        return resize(self.head(x), image)


@architecture("dfanet", "Li 2019", (1, 3, 64, 64))
def dfanet():
    return DFANet()
