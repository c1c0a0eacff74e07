"""GridSample."""

import numpy as np
import torch
import torch.nn.functional as F

from common import Suite, const, var


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


SUITES = [grid_sample]
