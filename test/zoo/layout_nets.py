"""Networks whose graphs look different: channels last, detector heads, preprocessing and heads inside the model."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ConvNormAct, resize


class KerasLike(nn.Module):
    """Channels last outside, as converted Keras models: Transposes, SAME padding on one side, ReLU6, softmax last."""

    def __init__(self, classes=3):
        super().__init__()
        self.down1 = nn.Conv2d(3, 8, 3, 2)
        self.down2 = nn.Conv2d(8, 8, 3, 2, groups=8)
        self.point = nn.Conv2d(8, 12, 1)
        self.norm = nn.BatchNorm2d(12, eps=1e-3)
        self.up1 = nn.ConvTranspose2d(12, 8, 3, 2)
        self.up2 = nn.ConvTranspose2d(16, 8, 3, 2)
        self.dense = nn.Linear(8, classes)

    def forward(self, image):
        x = (image * 127.5 + 127.5 - torch.tensor([123.0, 117.0, 104.0])) / torch.tensor([58.0, 57.0, 57.5])
        x = x.permute(0, 3, 1, 2)
        skip = F.relu6(self.down1(F.pad(x, (0, 1, 0, 1))))
        x = F.relu6(self.norm(self.point(self.down2(F.pad(skip, (0, 1, 0, 1))))))
        x = F.leaky_relu(self.up1(x)[:, :, :-1, :-1], 0.2)
        x = F.relu(self.up2(torch.cat([x, skip], 1))[:, :, :-1, :-1])
        return torch.softmax(self.dense(x.permute(0, 2, 3, 1)), -1)


@architecture("keras-like", "channels last, SAME padding, probabilities", (1, 24, 32, 3), "probabilities, channels last")
def keras_like():
    return KerasLike()


class YoloSeg(nn.Module):
    """YOLO with prototypes: Focus or strided stem, C2f, SPPF, distribution focal boxes, mask coefficients times prototypes."""

    class C2f(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.half = outputs // 2
            self.enter = ConvNormAct(inputs, outputs, 1, act=nn.SiLU)
            self.inner = nn.Sequential(ConvNormAct(self.half, self.half, act=nn.SiLU), ConvNormAct(self.half, self.half, act=nn.SiLU))
            self.leave = ConvNormAct(self.half * 3, outputs, 1, act=nn.SiLU)

        def forward(self, x):
            a, b = self.enter(x).split((self.half, self.half), 1)
            return self.leave(torch.cat([a, b, b + self.inner(b)], 1))

    class Pool(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.enter = ConvNormAct(channels, channels // 2, 1, act=nn.SiLU)
            self.pool = nn.MaxPool2d(5, 1, 2)
            self.leave = ConvNormAct(channels * 2, channels, 1, act=nn.SiLU)

        def forward(self, x):
            x = self.enter(x)
            y = self.pool(x)
            z = self.pool(y)
            return self.leave(torch.cat([x, y, z, self.pool(z)], 1))

    def __init__(self, classes=3, masks=4, bins=4):
        super().__init__()
        c2f = YoloSeg.C2f
        self.stem = ConvNormAct(12, 8, act=nn.SiLU)
        self.stage8 = nn.Sequential(ConvNormAct(8, 12, 3, 2, act=nn.SiLU), c2f(12, 12), ConvNormAct(12, 16, 3, 2, act=nn.SiLU), c2f(16, 16))
        self.stage16 = nn.Sequential(ConvNormAct(16, 24, 3, 2, act=nn.SiLU), c2f(24, 24), YoloSeg.Pool(24))
        self.up = c2f(40, 16)
        self.down = ConvNormAct(16, 16, 3, 2, act=nn.SiLU)
        self.after = c2f(40, 24)
        self.box = nn.ModuleList(nn.Conv2d(width, 4 * bins, 1) for width in (16, 24))
        self.score = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in (16, 24))
        self.coefficient = nn.ModuleList(nn.Conv2d(width, masks, 1) for width in (16, 24))
        self.prototype = nn.Sequential(
            ConvNormAct(16, 8, act=nn.SiLU), nn.ConvTranspose2d(8, 8, 2, 2), ConvNormAct(8, 8, act=nn.SiLU), ConvNormAct(8, masks, 1, act=nn.SiLU)
        )
        self.register_buffer("bins", torch.arange(float(bins)))
        self.masks = masks

    def forward(self, image):
        x = torch.cat([image[..., ::2, ::2], image[..., 1::2, ::2], image[..., ::2, 1::2], image[..., 1::2, 1::2]], 1)
        a = self.stage8(self.stem(x))
        b = self.stage16(a)
        p8 = self.up(torch.cat([F.interpolate(b, scale_factor=2.0, mode="nearest"), a], 1))
        p16 = self.after(torch.cat([self.down(p8), b], 1))
        rows = []
        for i, p in enumerate((p8, p16)):
            n, _, h, w = p.shape
            box = self.box[i](p).view(n, 4, -1, h * w).softmax(2)
            distance = (box * self.bins.view(1, 1, -1, 1)).sum(2)
            rows.append(torch.cat([distance * (8 * 2**i), self.score[i](p).sigmoid().flatten(2), self.coefficient[i](p).flatten(2)], 1))
        detections = torch.cat(rows, 2)
        prototypes = self.prototype(p8)
        masks = torch.einsum("nmp,nmhw->nphw", detections[:, -self.masks :].tanh(), prototypes)
        scores = detections[:, 4:-self.masks].max(1)[0]
        return masks * scores[:, :, None, None], detections, prototypes


@architecture("yolo-seg", "YOLO with prototypes (YOLACT 2019, YOLOv8)", (1, 3, 64, 64), "scored masks of all cells; the others are detections and prototypes")
def yolo_seg():
    return YoloSeg()


@architecture("yolo-seg-prototypes", "the prototype head alone", (1, 3, 64, 64), "prototypes")
def yolo_prototypes():
    class Prototypes(YoloSeg):
        def forward(self, image):
            masks, detections, prototypes = super().forward(image)
            return prototypes, detections

    return Prototypes()


class SpatialTransformer(nn.Module):
    """Semantic flow (SFNet): a predicted flow warps the coarse features onto the fine ones."""

    def __init__(self, classes=3):
        super().__init__()
        self.fine = nn.Sequential(ConvNormAct(3, 8, 3, 2), ConvNormAct(8, 8, 3, 2))
        self.coarse = nn.Sequential(ConvNormAct(8, 12, 3, 2), ConvNormAct(12, 8))
        self.flow = nn.Conv2d(16, 2, 3, padding=1, bias=False)
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, image):
        fine = self.fine(image)
        coarse = self.coarse(fine)
        flow = self.flow(torch.cat([resize(coarse, fine), fine], 1))
        h, w = fine.shape[2:]
        rows, columns = (torch.arange(size, dtype=fine.dtype) * (2 / size) + (1 / size - 1) for size in (h, w))
        grid = torch.stack([columns.expand(h, w), rows[:, None].expand(h, w)], -1)
        warped = F.grid_sample(coarse, grid + 0.1 * flow.permute(0, 2, 3, 1), mode="bilinear", padding_mode="border", align_corners=False)
        return resize(self.head(F.relu(warped + fine)), image)


@architecture("sfnet", "Li 2020: GridSample by a predicted flow", (1, 3, 48, 64))
def sfnet():
    return SpatialTransformer()


class PointRefined(nn.Module):
    """PointRend: the most uncertain pixels are predicted again from fine features and put back."""

    def __init__(self, classes=3, points=24):
        super().__init__()
        self.fine = ConvNormAct(3, 8)
        self.coarse = nn.Sequential(ConvNormAct(8, 12, 3, 2), ConvNormAct(12, 12, 3, 2), nn.Conv2d(12, classes, 1))
        self.point = nn.Sequential(nn.Conv1d(8 + classes, 16, 1), nn.ReLU(), nn.Conv1d(16, classes, 1))
        self.points = points

    def forward(self, image):
        fine = self.fine(image)
        scores = resize(self.coarse(fine), image)
        top = scores.topk(2, dim=1)[0]
        uncertainty = (top[:, 1] - top[:, 0]).flatten(1)
        index = uncertainty.topk(self.points, dim=1)[1].unsqueeze(1)
        n, c, h, w = scores.shape
        flat = scores.flatten(2)
        at = torch.cat([fine.flatten(2).gather(2, index.expand(-1, 8, -1)), flat.gather(2, index.expand(-1, c, -1))], 1)
        return flat.scatter(2, index.expand(-1, c, -1), self.point(at)).view(n, c, h, w)


@architecture("pointrend", "Kirillov 2020: TopK, GatherElements, ScatterElements", (1, 3, 32, 48))
def pointrend():
    return PointRefined()


class RecurrentContext(nn.Module):
    """ReSeg: an LSTM sweeps the rows of features."""

    def __init__(self, classes=2):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, 8, 3, 2), ConvNormAct(8, 8, 3, 2))
        self.sweep = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.head = nn.Conv2d(12, classes, 1)

    def forward(self, image):
        x = self.stem(image)
        n, c, h, w = x.shape
        rows = self.sweep(x.permute(0, 2, 3, 1).reshape(n * h, w, c))[0]
        return resize(self.head(rows.view(n, h, w, -1).permute(0, 3, 1, 2)), image)


@architecture("reseg-lstm", "Visin 2016: a recurrent layer", (1, 3, 32, 32))
def reseg():
    return RecurrentContext()


class ReflectPadNet(nn.Module):
    """Reflected and replicated borders, a valid U, crops by negative pads, spectral-like scaling of the image."""

    def __init__(self, classes=2):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1, padding_mode="replicate")
        self.conv3 = nn.Conv2d(8, 8, 3, padding=2, padding_mode="circular")
        self.conv4 = nn.Conv2d(14, classes, 5)

    def forward(self, image):
        x = F.pad(image, (3, 5, 2, 4), mode="reflect")
        x = (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1e-5)
        skip = F.hardswish(self.conv1(x))
        x = F.silu(self.conv3(F.silu(self.conv2(skip))))
        x = F.pad(resize(x, skip, "bilinear"), (-1, -1, -1, -1))
        return self.conv4(torch.cat([x, skip[:, :, 1:-1, 1:-1]], 1))


@architecture("border-modes", "all padding modes, standardisation of the image", (1, 1, 40, 48))
def border_modes():
    return ReflectPadNet()
