"""Networks that keep a branch of high resolution, and nested U-structures."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ConvNormAct, Residual, resize


class HRNet(nn.Module):
    """Parallel resolutions that exchange after every stage."""

    def __init__(self, widths=(6, 8, 12), classes=3):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, 8, 3, 2), ConvNormAct(8, widths[0], 3, 2))
        self.start = nn.ModuleList(ConvNormAct(widths[i], widths[i + 1], 3, 2) for i in range(len(widths) - 1))
        self.blocks = nn.ModuleList(nn.ModuleList(Residual(w, w) for w in widths[: n + 1]) for n in range(1, len(widths)))
        self.exchange = nn.ModuleList(
            nn.ModuleDict({f"{i}{j}": self._path(widths, i, j) for i in range(n + 1) for j in range(n + 1) if i != j})
            for n in range(1, len(widths))
        )
        total = sum(widths)
        self.head = nn.Sequential(ConvNormAct(total, total, 1), nn.Conv2d(total, classes, 1))

    @staticmethod
    def _path(widths, source, target):
        if source > target:
            return ConvNormAct(widths[source], widths[target], 1, act=None)
        steps = target - source
        return nn.Sequential(
            *(
                ConvNormAct(widths[source], widths[target] if k == steps - 1 else widths[source], 3, 2, act=None if k == steps - 1 else nn.ReLU)
                for k in range(steps)
            )
        )

    def forward(self, image):
        x = [self.stem(image)]
        for start, blocks, exchange in zip(self.start, self.blocks, self.exchange):
            x.append(start(x[-1]))
            x = [block(t) for block, t in zip(blocks, x)]
            mixed = []
            for j, target in enumerate(x):
                total = target
                for i, source in enumerate(x):
                    if i != j:
                        path = exchange[f"{i}{j}"](source)
                        total = total + (resize(path, target) if i > j else path)
                mixed.append(F.relu(total))
            x = mixed
        x = torch.cat([x[0]] + [resize(t, x[0]) for t in x[1:]], 1)
        return resize(self.head(x), image)


@architecture("hrnet", "Sun 2019", (1, 3, 64, 64))
def hrnet():
    return HRNet()


class DeepAggregationPyramid(nn.Module):
    """Context module of DDRNet: average pools with large kernels and strides, added hierarchically."""

    def __init__(self, inputs, inner, outputs, pools=((5, 2), (9, 4))):
        super().__init__()

        def pre(channels):
            return [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, inner, 1, bias=False)]

        def after(channels):
            return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, inner, 3, padding=1, bias=False))

        self.scales = nn.ModuleList(
            [nn.Sequential(nn.AvgPool2d(k, s, k // 2), *pre(inputs)) for k, s in pools]
            + [nn.Sequential(nn.AdaptiveAvgPool2d(1), *pre(inputs))]
        )
        self.first = nn.Sequential(*pre(inputs))
        self.process = nn.ModuleList(after(inner) for _ in self.scales)
        count = len(self.scales) + 1
        self.compress = nn.Sequential(nn.BatchNorm2d(inner * count), nn.ReLU(), nn.Conv2d(inner * count, outputs, 1, bias=False))
        self.shortcut = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x):
        parts = [self.first(x)]
        for scale, process in zip(self.scales, self.process):
            parts.append(process(resize(scale(x), x) + parts[-1]))
        return self.compress(torch.cat(parts, 1)) + self.shortcut(x)


class DDRNet(nn.Module):
    """Dual resolution with bilateral fusion; an auxiliary head on the high branch."""

    def __init__(self, c=8, classes=3):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, c, 3, 2), ConvNormAct(c, c, 3, 2), Residual(c, c), Residual(c, 2 * c, 2, act=False))
        self.low3 = Residual(2 * c, 3 * c, 2, act=False)
        self.high3 = Residual(2 * c, 2 * c, act=False)
        self.compress3 = ConvNormAct(3 * c, 2 * c, 1, act=None)
        self.down3 = ConvNormAct(2 * c, 3 * c, 3, 2, act=None)
        self.low4 = Residual(3 * c, 4 * c, 2, act=False)
        self.high4 = Residual(2 * c, 2 * c, act=False)
        self.compress4 = ConvNormAct(4 * c, 2 * c, 1, act=None)
        self.down4 = nn.Sequential(ConvNormAct(2 * c, 3 * c, 3, 2), ConvNormAct(3 * c, 4 * c, 3, 2, act=None))
        self.context = DeepAggregationPyramid(4 * c, 6, 2 * c)

        def head():
            return nn.Sequential(
                nn.BatchNorm2d(2 * c), nn.ReLU(), nn.Conv2d(2 * c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, classes, 1)
            )

        self.head, self.auxiliary = head(), head()

    def forward(self, image):
        x = self.stem(image)
        low, high = self.low3(F.relu(x)), self.high3(F.relu(x))
        low, high = low + self.down3(F.relu(high)), high + resize(self.compress3(F.relu(low)), high)
        side = high
        low, high = self.low4(F.relu(low)), self.high4(F.relu(high))
        low, high = low + self.down4(F.relu(high)), high + resize(self.compress4(F.relu(low)), high)
        x = high + resize(self.context(low), high)
        return resize(self.head(x), image), resize(self.auxiliary(side), image)


@architecture("ddrnet", "Hong 2021", (1, 3, 64, 64), "main head of two")
def ddrnet():
    return DDRNet()


class PIDNet(nn.Module):
    """Three branches: detail, context, boundary; fused by attention of the pixels and by the boundary."""

    class PixelAttention(nn.Module):
        def __init__(self, channels, inner):
            super().__init__()
            self.x = ConvNormAct(channels, inner, 1, act=None)
            self.y = ConvNormAct(channels, inner, 1, act=None)

        def forward(self, x, y):
            similarity = torch.sigmoid(torch.sum(self.x(x) * resize(self.y(y), x), 1).unsqueeze(1))
            return (1 - similarity) * x + similarity * resize(y, x)

    def __init__(self, c=8, classes=3):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, c, 3, 2), ConvNormAct(c, c, 3, 2), Residual(c, 2 * c, 2, act=False), nn.ReLU())
        self.p3, self.d3, self.i3 = Residual(2 * c, 2 * c, act=False), Residual(2 * c, c), Residual(2 * c, 3 * c, 2)
        self.compress = ConvNormAct(3 * c, 2 * c, 1, act=None)
        self.attend = PIDNet.PixelAttention(2 * c, c)
        self.boundary3 = ConvNormAct(3 * c, c, act=None)
        self.p4, self.d4, self.i4 = Residual(2 * c, 2 * c, act=False), Residual(c, 2 * c, act=False), Residual(3 * c, 4 * c, 2)
        self.context = DeepAggregationPyramid(4 * c, 6, 2 * c)
        self.fuse_p = ConvNormAct(2 * c, 2 * c, 1, act=None)
        self.fuse_i = ConvNormAct(2 * c, 2 * c, 1, act=None)
        self.head = nn.Sequential(nn.BatchNorm2d(2 * c), nn.ReLU(), nn.Conv2d(2 * c, classes, 1))
        self.boundary_head = nn.Conv2d(2 * c, 1, 1)

    def forward(self, image):
        x = self.stem(image)
        p, d, i = self.p3(x), self.d3(x), self.i3(x)
        p = self.attend(p, self.compress(i))
        d = d + resize(self.boundary3(i), d)
        p, d, i = self.p4(F.relu(p)), self.d4(F.relu(d)), self.i4(i)
        i = resize(self.context(i), p)
        edge = torch.sigmoid(d)
        x = self.fuse_p((1 - edge) * i + p) + self.fuse_i(i + edge * p)
        return resize(self.head(x), image), self.boundary_head(d)


@architecture("pidnet", "Xu 2023", (1, 3, 64, 64), "segmentation head; the other is the boundary")
def pidnet():
    return PIDNet()


class UBlock(nn.Module):
    """Residual U-block (RSU) of U2-Net; without pooling when `dilated`."""

    def __init__(self, depth, inputs, inner, outputs, dilated=False):
        super().__init__()
        self.enter = ConvNormAct(inputs, outputs)
        rates = [2**k if dilated else 1 for k in range(depth - 1)]
        self.down = nn.ModuleList(ConvNormAct(inner if k else outputs, inner, dilation=rate) for k, rate in enumerate(rates))
        self.bottom = ConvNormAct(inner, inner, dilation=2 ** (depth - 1) if dilated else 2)
        self.up = nn.ModuleList(
            ConvNormAct(2 * inner, inner if k else outputs, dilation=rate) for k, rate in reversed(list(enumerate(rates)))
        )
        self.dilated = dilated

    def forward(self, x):
        entered = self.enter(x)
        x = entered
        kept = []
        for k, block in enumerate(self.down):
            if k and not self.dilated:
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            x = block(x)
            kept.append(x)
        x = self.bottom(x)
        for block in self.up:
            skip = kept.pop()
            x = block(torch.cat([x if self.dilated else resize(x, skip), skip], 1))
        return x + entered


class U2Net(nn.Module):
    """Nested U-structure with side outputs; sizes that do not halve need the ceil mode of the pools."""

    def __init__(self, stem=None, sigmoid=True):
        super().__init__()
        self.stem = stem or nn.Identity()
        inputs = 4 if stem is not None else 3
        self.down = nn.ModuleList(
            [UBlock(4, inputs, 4, 6), UBlock(3, 6, 4, 8), UBlock(3, 8, 4, 8, dilated=True), UBlock(3, 8, 4, 8, dilated=True)]
        )
        self.up = nn.ModuleList([UBlock(3, 16, 4, 8, dilated=True), UBlock(3, 16, 4, 6), UBlock(4, 12, 4, 6)])
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in (6, 6, 8, 8))
        self.join = nn.Conv2d(4, 1, 1) if sigmoid else None

    def forward(self, image):
        x = self.stem(image)
        kept = []
        for k, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2, stride=2, ceil_mode=True) if k else x)
            kept.append(x)
        decoded = [kept.pop()]
        for block in self.up:
            skip = kept.pop()
            decoded.append(block(torch.cat([resize(decoded[-1], skip), skip], 1)))
        sides = [resize(side(t), image) for side, t in zip(self.sides, reversed(decoded))]
        if self.join is None:
            return tuple(sides)
        joined = self.join(torch.cat(sides, 1))
        return tuple(torch.sigmoid(side) for side in (joined, *sides))


@architecture("u2net", "Qin 2020, ceil mode", (1, 3, 54, 70), "joined probability; the others are the side outputs")
def u2net():
    return U2Net()


@architecture("isnet", "Qin 2022, strided stem", (1, 3, 70, 70), "finest side output")
def isnet():
    return U2Net(nn.Conv2d(3, 4, 3, 2, 1), sigmoid=False)
