"""Networks with attention, in plain PyTorch."""

import torch
import torch.nn.functional as F
from torch import nn

from architecture import architecture
from blocks import ConvNormAct, Encoder, double_conv, resize


class Attention(nn.Module):
    """Multi-head self-attention, written out or by the fused function of PyTorch."""

    def __init__(self, width, heads, fused):
        super().__init__()
        self.heads = heads
        self.fused = fused
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(n, tokens, width))


class Layer(nn.Module):
    def __init__(self, width, heads=2, fused=False):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, fused)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Patches(nn.Module):
    """Patch and position embedding; position embeddings are interpolated, as for images of another size."""

    def __init__(self, inputs, width, patch, grid=(4, 4)):
        super().__init__()
        self.project = nn.Conv2d(inputs, width, patch, patch)
        self.position = nn.Parameter(0.3 * torch.randn(1, width, *grid))

    def forward(self, image):
        x = self.project(image)
        position = F.interpolate(self.position, size=x.shape[2:], mode="bicubic", align_corners=False)
        return (x + position).flatten(2).transpose(1, 2), x.shape[2:]


class SETR(nn.Module):
    """Progressive upsampling on a plain transformer."""

    def __init__(self, width=24, classes=3):
        super().__init__()
        self.patches = Patches(3, width, 16)
        self.layers = nn.Sequential(*(Layer(width, 3, fused=True) for _ in range(3)))
        self.norm = nn.LayerNorm(width)
        self.decode = nn.ModuleList([ConvNormAct(width, 12), ConvNormAct(12, 12), ConvNormAct(12, 8), ConvNormAct(8, 8)])
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, image):
        x, (h, w) = self.patches(image)
        x = self.norm(self.layers(x)).transpose(1, 2).reshape(x.shape[0], -1, h, w)
        for block in self.decode:
            x = F.interpolate(block(x), scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(x)


@architecture("setr", "Zheng 2021", (1, 3, 64, 48))
def setr():
    return SETR()


class Segmenter(nn.Module):
    """Mask transformer: class tokens join the patches, masks are their normalised products."""

    def __init__(self, width=24, classes=3):
        super().__init__()
        self.patches = Patches(3, width, 8)
        self.encode = nn.Sequential(*(Layer(width) for _ in range(2)))
        self.tokens = nn.Parameter(0.5 * torch.randn(1, classes, width))
        self.decode = nn.Sequential(*(Layer(width) for _ in range(2)))
        self.project_patch = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.project_class = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.norm = nn.LayerNorm(width)
        self.mask_norm = nn.LayerNorm(classes)
        self.classes = classes

    def forward(self, image):
        x, (h, w) = self.patches(image)
        x = self.encode(x)
        x = torch.cat([x, self.tokens.expand(x.shape[0], -1, -1)], 1)
        x = self.norm(self.decode(x))
        patches, classes = x[:, : -self.classes] @ self.project_patch, x[:, -self.classes :] @ self.project_class
        patches = patches / patches.norm(dim=-1, keepdim=True)
        classes = classes / classes.norm(dim=-1, keepdim=True)
        masks = self.mask_norm(patches @ classes.transpose(1, 2))
        return resize(masks.transpose(1, 2).reshape(x.shape[0], self.classes, h, w), image)


@architecture("segmenter", "Strudel 2021", (1, 3, 64, 48))
def segmenter():
    return Segmenter()


class TransUNet(nn.Module):
    """A convolutional encoder, a transformer at its bottom, and a U-Net decoder."""

    def __init__(self, widths=(8, 12, 16, 24), classes=3):
        super().__init__()
        self.encoder = Encoder(widths)
        self.patches = Patches(24, 24, 1, (2, 2))
        self.layers = nn.Sequential(Layer(24, 3), Layer(24, 3))
        self.merge = nn.ModuleList(double_conv(i + o, o) for i, o in ((24, 16), (16, 12), (12, 8)))
        self.head = nn.Conv2d(8, classes, 3, padding=1)

    def forward(self, image):
        *skips, x = self.encoder(image)
        tokens, (h, w) = self.patches(x)
        x = self.layers(tokens).transpose(1, 2).reshape(x.shape[0], -1, h, w)
        for skip, merge in zip(skips[::-1], self.merge):
            x = merge(torch.cat([F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), skip], 1))
        return resize(self.head(x), image)


@architecture("transunet", "Chen 2021", (1, 3, 64, 96))
def transunet():
    return TransUNet()


class TorchEncoder(nn.Module):
    """nn.TransformerEncoderLayer (batch first, ReLU, norm last) between convolutions."""

    def __init__(self, width=16, classes=2):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(3, 8, 3, 2), ConvNormAct(8, width, 3, 2))
        self.layer = nn.TransformerEncoderLayer(width, 2, 32, batch_first=True)
        self.decode = nn.Sequential(nn.ConvTranspose2d(width, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, classes, 1))

    def forward(self, image):
        x = self.stem(image)
        n, c, h, w = x.shape
        x = self.layer(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(n, c, h, w)
        return self.decode(x)


@architecture("torch-transformer-layer", "nn.TransformerEncoderLayer", (1, 3, 24, 32))
def torch_encoder():
    return TorchEncoder()


class WindowNet(nn.Module):
    """Swin-UNet: shifted windows with relative positions, patch merging and expanding."""

    class Block(nn.Module):
        def __init__(self, width, heads, grid, window, shift):
            super().__init__()
            self.grid, self.window, self.shift, self.heads = grid, window, shift, heads
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.table = nn.Parameter(0.3 * torch.randn((2 * window - 1) ** 2, heads))
            at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
            relative = (at[:, :, None] - at[:, None, :]) + window - 1
            self.register_buffer("index", relative[0] * (2 * window - 1) + relative[1])
            region = torch.zeros(1, *grid, 1)
            if shift:
                parts = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
                for number, (rows, columns) in enumerate((r, c) for r in parts for c in parts):
                    region[:, rows, columns] = number
            region = self.split(region).squeeze(-1)
            self.register_buffer("mask", torch.where(region[:, None] == region[:, :, None], 0.0, -100.0))
            self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

        def split(self, x):
            n, h, w, c = x.shape
            size = self.window
            return x.view(n, h // size, size, w // size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, c)

        def forward(self, x):
            n, h, w, c = x.shape
            y = self.norm1(x)
            if self.shift:
                y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
            y = self.split(y)
            q, k, v = self.qkv(y).reshape(y.shape[0], y.shape[1], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
            scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5 + self.table[self.index].permute(2, 0, 1)
            y = (scores + self.mask[:, None]).softmax(-1) @ v
            y = self.out(y.transpose(1, 2).reshape(-1, self.window**2, c))
            size = self.window
            y = y.view(n, h // size, w // size, size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
            if self.shift:
                y = torch.roll(y, (self.shift, self.shift), (1, 2))
            x = x + y
            return x + self.mlp(self.norm2(x))

    def __init__(self, width=12, classes=3):
        super().__init__()
        block = WindowNet.Block
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.first = nn.Sequential(block(width, 2, (16, 16), 4, 0), block(width, 2, (16, 16), 4, 2))
        self.merge = nn.Sequential(nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False))
        self.second = nn.Sequential(block(2 * width, 3, (8, 8), 4, 0), block(2 * width, 3, (8, 8), 4, 2))
        self.expand = nn.Linear(2 * width, 4 * width, bias=False)
        self.join = nn.Linear(2 * width, width)
        self.third = block(width, 2, (16, 16), 4, 0)
        self.head = nn.Linear(width, classes * 16)

    def forward(self, image):
        x = self.patch(image).permute(0, 2, 3, 1)
        skip = self.first(x)
        parts = [skip[:, 0::2, 0::2], skip[:, 1::2, 0::2], skip[:, 0::2, 1::2], skip[:, 1::2, 1::2]]
        x = self.second(self.merge(torch.cat(parts, -1)))
        n, h, w, _ = x.shape
        x = self.expand(x).view(n, h, w, 2, 2, -1).permute(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, -1)
        x = self.third(self.join(torch.cat([x, skip], -1)))
        return F.pixel_shuffle(self.head(x).permute(0, 3, 1, 2), 4)


@architecture("swin-unet", "Cao 2021", (1, 3, 64, 64))
def swin_unet():
    return WindowNet()


class LinearAttention(nn.Module):
    """Efficient attention with ELU features, in a small U-shaped network; RMS normalisation."""

    def __init__(self, width=16, classes=3):
        super().__init__()
        self.stem = ConvNormAct(3, width, 4, 4, padding=0, act=None, norm=None)
        self.norm = nn.RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.gate = nn.Linear(width, 2 * width)
        self.down = nn.Linear(width, width)
        self.head = nn.Conv2d(width, classes * 16, 1)

    def forward(self, image):
        x = self.stem(image)
        n, c, h, w = x.shape
        x = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        context = torch.einsum("npc,npd->ncd", k, v)
        total = torch.einsum("npc,nc->np", q, k.sum(1))
        x = x + torch.einsum("npc,ncd->npd", q, context) / total.unsqueeze(-1)
        x = x + self.down(F.glu(self.gate(self.norm(x)), -1))
        return F.pixel_shuffle(self.head(x.transpose(1, 2).reshape(n, c, h, w)), 4)


@architecture("linear-attention", "Katharopoulos 2020 with RMSNorm and GLU", (1, 3, 32, 48))
def linear_attention():
    return LinearAttention()
