"""GridSample, DeformConv and RoiAlign."""

import numpy as np
import torch
import torch.nn.functional as F

from common import COMPOSITION, Suite, const, var


def grid_sample():
    suite = Suite("GridSample")
    names = {"linear": "bilinear", "cubic": "bicubic", "bilinear": "bilinear", "bicubic": "bicubic",
             "nearest": "nearest"}

    def positions(dims, sizes, mode, reach, aligned):
        """A grid whose positions keep away from the kinks: whole pixels, and halves where they are reflected."""
        batch, *out = dims
        columns = []
        for n in reversed(sizes):
            pixel = suite.uniform(-0.5 - reach * n, n - 0.5 + reach * n, batch, *out)
            # at 0.1 to 0.4 or 0.6 to 0.9 between two pixels
            part = suite.uniform(0.1, 0.4, batch, *out) + 0.5 * suite.rng.integers(0, 2, (batch, *out))
            pixel = np.floor(pixel) + part
            columns.append(2 * pixel / max(n - 1, 1) - 1 if aligned else (2 * pixel + 1) / n - 1)
        return np.stack(columns, -1).astype(np.float32)

    def add(name, x, out, *, opset=16, grid=None, variable_grid=True, variable_x=True, reach=0.4, tie=False,
            **attributes):
        mode = attributes.get("mode", "linear")
        padding = attributes.get("padding_mode", "zeros")
        aligned = bool(attributes.get("align_corners", 0))
        if grid is None:
            grid = positions((x[0], *out), x[2:], mode, reach, aligned)

        def fn(x, grid):
            return F.grid_sample(x, grid, names[mode], padding, aligned)

        inputs = [(var if variable_x else const)(suite.normal(*x)),
                  (var if variable_grid and mode != "nearest" else const)(grid)]
        suite.add(name, inputs, fn, "torch.nn.functional.grid_sample", opset=opset, tie=tie, **attributes)

    for padding in ("zeros", "border", "reflection"):
        for aligned in (0, 1):
            tail = f"{padding} align_corners {aligned}"
            both = {"padding_mode": padding, "align_corners": aligned}
            add(f"bilinear {tail}", (1, 2, 4, 5), (3, 4), mode="bilinear", **both)
            add(f"bilinear batch 2 {tail}", (2, 3, 5, 3), (4, 3), mode="bilinear", reach=1.5, **both)
            add(f"linear {tail} opset 20", (2, 2, 3, 4), (3, 3), opset=20, mode="linear", **both)
            add(f"nearest {tail}", (2, 2, 4, 5), (4, 5), mode="nearest", **both)
            add(f"bicubic {tail}", (1, 2, 4, 5), (3, 4), mode="bicubic", **both)
            add(f"cubic batch 2 {tail} opset 20", (2, 2, 5, 4), (3, 3), opset=20, mode="cubic", reach=1.0, **both)
            add(f"3-D linear {tail} opset 20", (1, 2, 3, 4, 5), (2, 3, 2), opset=20, mode="linear", **both)
            add(f"3-D linear batch 2 {tail} opset 22", (2, 2, 3, 2, 4), (2, 2, 3), opset=22, mode="linear", **both)
            add(f"3-D nearest {tail} opset 20", (1, 2, 3, 4, 3), (3, 3, 2), opset=20, mode="nearest", **both)
    add("defaults opset 16", (1, 2, 4, 4), (3, 3))
    add("defaults opset 20", (1, 2, 4, 4), (3, 3), opset=20)
    add("3-D bilinear opset 16", (1, 2, 3, 3, 4), (2, 2, 2), mode="bilinear")
    add("opset 19", (1, 1, 3, 3), (2, 2), opset=19, mode="bilinear", align_corners=1)
    add("opset 22 cubic", (1, 1, 4, 4), (2, 2), opset=22, mode="cubic")
    add("constant grid", (1, 3, 4, 4), (5, 5), variable_grid=False)
    add("constant image", (1, 3, 4, 4), (3, 3), variable_x=False)
    add("one column", (1, 2, 4, 1), (3, 2), padding_mode="border")
    add("one pixel aligned and reflected", (1, 2, 1, 1), (2, 2), variable_grid=False, padding_mode="reflection",
        align_corners=1)
    add("one position", (2, 2, 4, 4), (1, 1))
    add("far beyond the image", (1, 2, 4, 4), (2, 2), reach=50.0)
    add("far beyond the image reflected", (1, 2, 4, 5), (3, 2), reach=5.0, padding_mode="reflection")
    identity = F.affine_grid(torch.eye(2, 3)[None], (1, 1, 4, 5), align_corners=True).numpy()
    add("tie identity grid aligned", (1, 2, 4, 5), (), grid=identity, tie=True, align_corners=1, variable_grid=False)
    corners = np.array([[[[-1, -1], [1, 1], [-1, 1]], [[1, -1], [0, 0], [-2, 2]]]], np.float32)
    for padding in ("zeros", "border", "reflection"):
        add(f"tie corners aligned {padding}", (1, 2, 5, 3), (), grid=corners, tie=True, align_corners=1,
            padding_mode=padding)
    return suite


def deform_conv():
    suite = Suite("DeformConv")

    def add(name, x, w, *, opset=19, mask=True, bias=False, variables="X", reach=1.0, **attributes):
        (batch, channels, *size), (outputs, _, *kernel) = x, w
        strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
        pads = attributes.get("pads", [0, 0, 0, 0])
        group, offset_group = attributes.get("group", 1), attributes.get("offset_group", 1)
        out = [(n + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
               for i, n in enumerate(size)]
        taps = kernel[0] * kernel[1]

        def fn(x, w, offset, bias=None, mask=None):
            offset = offset.reshape(batch * offset_group, taps, 2, *out)
            tap, row, column = torch.meshgrid(*(torch.arange(n) for n in (taps, *out)), indexing="ij")
            base = (row * strides[0] - pads[0] + tap // kernel[1] * dilations[0],
                    column * strides[1] - pads[1] + tap % kernel[1] * dilations[1])
            # grid_sample on pixel positions, width first
            grid = [2 * (base[i] + offset[:, :, i]) / (size[i] - 1) - 1 for i in (1, 0)]
            grid = torch.stack(grid, -1).reshape(batch * offset_group, taps, -1, 2)
            image = x.reshape(batch * offset_group, channels // offset_group, *size)
            read = F.grid_sample(image, grid, "bilinear", "zeros", True)
            if mask is not None:
                read = read * mask.reshape(batch * offset_group, 1, taps, -1)
            read = read.reshape(batch, group, channels // group * taps, -1)
            y = torch.einsum("gok,ngkp->ngop", w.reshape(group, outputs // group, -1), read)
            y = y.reshape(batch, outputs, *out)
            return y if bias is None else y + bias[:, None, None]

        def tensor(letter, array):
            return (var if letter in variables else const)(array)

        whole = suite.rng.integers(-int(reach), int(reach) + 1, (batch, offset_group * taps * 2, *out))
        offset = whole + suite.uniform(0.15, 0.85, *whole.shape)  # away from whole pixels
        inputs = [tensor("X", suite.normal(*x)), tensor("W", suite.normal(*w) * 0.5),
                  tensor("O", offset.astype(np.float32))]
        if bias or mask:
            inputs.append(tensor("B", suite.normal(outputs)) if bias else None)
        if mask:
            inputs.append(tensor("M", suite.uniform(0.1, 1, batch, offset_group * taps, *out)))
        suite.add(name, inputs, fn, COMPOSITION, opset=opset, **attributes)

    add("k3", (1, 2, 6, 5), (3, 2, 3, 3), mask=False, kernel_shape=[3, 3])
    add("k3 all variables", (2, 2, 5, 6), (3, 2, 3, 3), bias=True, variables="XWOBM", kernel_shape=[3, 3],
        pads=[1, 1, 1, 1])
    add("k3 without mask all variables", (1, 2, 5, 4), (2, 2, 3, 3), mask=False, bias=True, variables="XWOB",
        pads=[1, 1, 1, 1])
    add("k3 s2 p1", (1, 2, 7, 6), (2, 2, 3, 3), variables="XOM", strides=[2, 2], pads=[1, 1, 1, 1])
    add("k1", (1, 3, 4, 4), (2, 3, 1, 1), variables="XOM", kernel_shape=[1, 1])
    add("k2 by 3 asymmetric pads", (2, 2, 5, 6), (2, 2, 2, 3), variables="XOM", kernel_shape=[2, 3],
        pads=[0, 2, 1, 0], strides=[1, 2])
    add("dilation 2", (1, 2, 7, 7), (2, 2, 3, 3), variables="XOM", dilations=[2, 1], pads=[2, 1, 2, 1])
    add("group 2", (2, 4, 5, 5), (4, 2, 3, 3), variables="XWOM", group=2, pads=[1, 1, 1, 1])
    add("offset_group 2", (2, 4, 5, 4), (2, 4, 3, 3), variables="XWOM", offset_group=2, pads=[1, 1, 1, 1])
    add("group 2 offset_group 4", (1, 4, 4, 5), (2, 2, 3, 3), bias=True, variables="XWOBM", group=2, offset_group=4,
        pads=[1, 1, 1, 1])
    add("far offsets", (1, 2, 5, 5), (2, 2, 3, 3), variables="XOM", reach=8.0, pads=[1, 1, 1, 1])
    add("opset 22", (1, 2, 5, 5), (2, 2, 3, 3), opset=22, variables="XOM", kernel_shape=[3, 3])
    return suite


def roi_align():
    suite = Suite("RoiAlign")

    def axis_matrix(low, high, n, cells, samples, scale, half):
        """[cells, n]: the mean of the interpolated samples of every cell."""
        start, end = np.float32(low) * scale - half, np.float32(high) * scale - half
        size = end - start if half else max(end - start, 1.0)
        weights = np.zeros((cells, n))
        for cell in range(cells):
            for i in range(samples):
                u = start + size / cells * (cell + (i + 0.5) / samples)
                if -1 <= u <= n:
                    u = min(max(u, 0), n - 1)
                    weights[cell] += np.maximum(0, 1 - np.abs(u - np.arange(n))) / samples
        return torch.from_numpy(weights)

    def add(name, x, rois, images, *, opset=16, **attributes):
        (_, _, height, width), samples = x, attributes["sampling_ratio"]
        rows, columns = attributes.get("output_height", 1), attributes.get("output_width", 1)
        scale = attributes.get("spatial_scale", 1.0)
        half = 0.5 if attributes.get("coordinate_transformation_mode", "half_pixel") == "half_pixel" else 0.0

        def fn(x, *_):
            return torch.stack([
                axis_matrix(y1, y2, height, rows, samples, scale, half) @ x[image]
                @ axis_matrix(x1, x2, width, columns, samples, scale, half).T
                for (x1, y1, x2, y2), image in zip(rois, images)])

        inputs = [var(suite.normal(*x)), const(np.array(rois, np.float32)), const(images)]
        suite.add(name, inputs, fn, COMPOSITION, opset=opset, **attributes)

    rois = [[0.3, 1.2, 4.4, 5.1], [2.1, 0.4, 5.7, 3.3]]
    size = {"output_height": 2, "output_width": 3}
    add("sampling_ratio 2", (1, 2, 6, 7), rois, [0, 0], sampling_ratio=2, **size)
    add("sampling_ratio 1 batch 2", (2, 3, 6, 7), rois, [1, 0], sampling_ratio=1, **size)
    add("sampling_ratio 3 spatial_scale 0.5", (2, 2, 5, 5), [[1.3, 2.2, 7.4, 9.1]], [1], sampling_ratio=3,
        spatial_scale=0.5, **size)
    add("output_half_pixel", (1, 2, 6, 7), rois, [0, 0], sampling_ratio=2,
        coordinate_transformation_mode="output_half_pixel", **size)
    add("output_half_pixel small region", (1, 1, 5, 5), [[1.2, 1.3, 1.4, 1.6]], [0], sampling_ratio=2,
        coordinate_transformation_mode="output_half_pixel", **size)
    add("beyond the image", (1, 2, 5, 6), [[-3.2, -2.1, 3.3, 2.2], [3.1, 2.7, 9.4, 8.3]], [0, 0], sampling_ratio=2,
        **size)
    add("one cell", (1, 2, 5, 5), [[0.7, 0.8, 3.9, 4.2]], [0], sampling_ratio=2)
    add("opset 21", (1, 2, 6, 6), rois, [0, 0], opset=21, sampling_ratio=2, **size)
    return suite


SUITES = [grid_sample, deform_conv, roi_align]
