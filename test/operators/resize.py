"""Resize: interpolation matrices from the formulas of the ONNX operator, y = Wh x Ww^T.

Combinations that onnxruntime's CPU provider does not run, or not by the formulas, and which have no case:
  - linear with three resized axes of which one is the channel axis of an image (rank 4): refused;
  - tf_crop_and_resize by scales: the size of the crop does not enter the output size;
  - tf_crop_and_resize of an axis to its own size: the region of that axis is ignored.
"""

import numpy as np
import torch

from common import COMPOSITION, Suite, const, var


def source(mode, n, out, scale, start, end):
    """For every output index, the coordinate in the input, in float32 as onnxruntime computes it:
    nearest modes then round alike where a coordinate falls on a half.
    """
    x = np.arange(out, dtype=np.float32)
    n, scale, start, end = (np.float32(value) for value in (n, scale, start, end))
    half, one = np.float32(0.5), np.float32(1)
    if mode == "align_corners":
        return x * (n - one) / np.float32(out - 1) if out > 1 else x * 0
    if mode == "asymmetric":
        return x / scale
    if mode == "tf_half_pixel_for_nn":
        return (x + half) / scale
    if mode == "pytorch_half_pixel" and out == 1:
        return x * 0
    if mode == "tf_crop_and_resize":
        if out == 1:
            return x * 0 + half * (start + end) * (n - one)
        return start * (n - one) + x * (end - start) * (n - one) / np.float32(out - 1)
    offset = np.float32(0)
    if mode == "half_pixel_symmetric":
        offset = n / 2 * (one - np.float32(out) / (scale * n))
    return offset + (x + half) / scale - half


def nearest_index(x, mode):
    """The neighbour; within 1e-6 of a half onnxruntime takes it for one."""
    return {"round_prefer_floor": lambda: np.ceil(x - 0.5 - 1e-6), "round_prefer_ceil": lambda: np.floor(x + 0.5 + 1e-6),
            "floor": lambda: np.floor(x), "ceil": lambda: np.ceil(x)}[mode]()


def matrix(n, out, scale, start, end, attributes):
    """The [out, n] matrix of one axis, and which outputs are extrapolated."""
    coordinates = attributes.get("coordinate_transformation_mode", "half_pixel")
    x = source(coordinates, n, out, scale, start, end).astype(np.float64)
    outside = (x < 0) | (x > n - 1) if coordinates == "tf_crop_and_resize" else np.zeros(out, bool)
    mode = attributes.get("mode", "nearest")
    if mode == "nearest":
        taps = [(nearest_index(x, attributes.get("nearest_mode", "round_prefer_floor")), np.ones(out))]
    else:
        # antialias widens the kernel when the axis shrinks
        narrow = min(scale, 1.0) if attributes.get("antialias") else 1.0
        a, low = attributes.get("cubic_coeff_a", -0.75), np.floor(x)
        reach = int(np.ceil((1 if mode == "linear" else 2) / narrow))
        taps = []
        for i in range(1 - reach, reach + 1):
            t = np.abs(x - low - i) * narrow
            if mode == "linear":
                weight = np.maximum(0, 1 - t)
            else:
                near = (a + 2) * t**3 - (a + 3) * t**2 + 1
                far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
                weight = np.where(t <= 1, near, np.where(t < 2, far, 0))
            taps.append((low + i, weight))
        if narrow < 1:
            total = sum(weight for _, weight in taps)
            taps = [(i, weight / total) for i, weight in taps]
    if attributes.get("exclude_outside"):
        taps = [(i, np.where((i < 0) | (i > n - 1), 0, weight)) for i, weight in taps]
        total = sum(weight for _, weight in taps)
        taps = [(i, weight / total) for i, weight in taps]
    result = np.zeros((out, n))
    for index, weight in taps:
        np.add.at(result, (np.arange(out), np.clip(index, 0, n - 1).astype(int)), weight)
    result[outside] = 0
    return result, outside


def resize():
    suite = Suite("Resize")

    def add(name, dims, *, opset=13, scales=None, sizes=None, roi=None, **attributes):
        """`scales`, `sizes` and `roi` (starts, ends) are those of the last axes, or of `axes`."""
        rank = len(dims)
        given = len(scales or sizes)
        axes = attributes.get("axes", list(range(rank - given, rank)))
        crop = attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
        starts, ends = roi or ([0.0] * given, [1.0] * given)
        plan = {}
        factors = [size / dims[axis] for size, axis in zip(sizes, axes)] if sizes else []
        policy = attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factors = [(min if policy == "not_larger" else max)(factors)] * given
        for i, axis in enumerate(axis % rank for axis in axes):
            n = dims[axis]
            start, end = float(np.float32(starts[i])), float(np.float32(ends[i]))
            if scales:
                scale = float(np.float32(scales[i]))
                out = int(np.floor(np.float32(n) * np.float32(scales[i]) * np.float32(end - start if crop else 1)))
            else:
                scale = factors[i]
                out = sizes[i] if policy == "stretch" else int(np.floor(scale * n + 0.5))
            plan[axis] = matrix(n, out, scale, start, end, attributes)

        def fn(x, *_):
            outside = torch.zeros([1] * rank, dtype=torch.bool)
            for axis, (weights, beyond) in plan.items():
                x = torch.movedim(torch.tensordot(torch.from_numpy(weights), x, ([1], [axis])), 0, axis)
                outside = outside | torch.from_numpy(beyond).reshape([-1 if i == axis else 1 for i in range(rank)])
            return torch.where(outside, attributes.get("extrapolation_value", 0.0), x)

        def full(values, fill):
            if "axes" in attributes:
                return list(values)
            return [fill] * (rank - given) + list(values)

        empty = const([], np.float32) if opset < 13 else None
        region = const(full(starts, 0.0) + full(ends, 1.0), np.float32) if roi else empty
        inputs = [var(suite.normal(*dims)), region]
        if scales:
            inputs.append(const(full(scales, 1.0), np.float32))
        else:
            inputs += [empty, const(full(sizes, 0) if "axes" in attributes else [*dims[:rank - given], *sizes])]
        suite.add(name, inputs, fn, COMPOSITION, opset=opset, **attributes)

    image = (1, 2, 4, 5)
    modes = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    kinds = {"up 2": {"scales": [2, 2]}, "down 0.5": {"scales": [0.5, 0.4]}, "up 1.7 down 0.7": {"scales": [1.7, 0.7]},
             "sizes 7 3": {"sizes": [7, 3]}}
    for opset in (11, 13, 18, 19):
        coordinates = modes + (["tf_half_pixel_for_nn"] if opset == 11 else [])
        coordinates += ["half_pixel_symmetric"] if opset == 19 else []
        for mode in coordinates:
            for kind, amounts in kinds.items():
                if mode == "half_pixel_symmetric" and kind == "sizes 7 3":  # 3 of 5: rounding decides a floor
                    kind, amounts = "sizes 7 4", {"sizes": [7, 4]}
                if opset in (11, 18) and kind in ("down 0.5", "up 1.7 down 0.7") and mode in modes:
                    continue
                if mode != "tf_half_pixel_for_nn":
                    add(f"linear {mode} {kind} opset {opset}", image, opset=opset, mode="linear",
                        coordinate_transformation_mode=mode, **amounts)
                for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
                    if opset != 13 and mode in modes and rounding not in ("round_prefer_floor", "floor"):
                        continue
                    add(f"nearest {mode} {rounding} {kind} opset {opset}", image, opset=opset, mode="nearest",
                        coordinate_transformation_mode=mode, nearest_mode=rounding, **amounts)

    for opset in (11, 13, 18, 19):
        add(f"default opset {opset}", image, opset=opset, scales=[2, 3])
    add("nearest asymmetric floor x2 of an odd size batch 2", (2, 3, 3, 5), scales=[2, 2], mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    add("nearest asymmetric floor x4 by x1", (1, 2, 2, 3), scales=[4, 1], mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    for mode in modes:
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            add(f"nearest {mode} {rounding} float32 coordinates", image, scales=[1.6, 0.6], mode="nearest",
                coordinate_transformation_mode=mode, nearest_mode=rounding)
    add("nearest with the channels", (1, 2, 3, 3), scales=[2, 2, 2], mode="nearest")
    add("nearest x3", (1, 1, 3, 2), scales=[3, 3], mode="nearest")
    add("linear x4", (1, 1, 3, 2), scales=[4, 4], mode="linear")
    add("linear x1", (1, 2, 3, 3), scales=[1, 1], mode="linear")
    add("linear to one pixel half_pixel", (1, 2, 4, 5), sizes=[1, 1], mode="linear")
    for mode in ("pytorch_half_pixel", "align_corners"):
        add(f"linear to one pixel {mode}", (1, 2, 4, 5), sizes=[1, 1], mode="linear",
            coordinate_transformation_mode=mode)
    add("linear from one pixel", (1, 2, 1, 1), sizes=[3, 4], mode="linear")
    add("linear large factor down", (1, 1, 9, 11), sizes=[3, 2], mode="linear")
    for mode in ("nearest", "linear"):
        add(f"1-D {mode} up 2", (2, 3, 5), scales=[2], mode=mode)
        add(f"1-D {mode} up 1.7", (1, 2, 5), scales=[1.7], mode=mode, coordinate_transformation_mode="asymmetric")
        add(f"1-D {mode} down sizes", (1, 2, 7), sizes=[3], mode=mode, coordinate_transformation_mode="align_corners")
        add(f"rank 2 {mode}", (3, 4), scales=[1.5, 2], mode=mode)
        add(f"3-D {mode}", (1, 1, 2, 3, 2), scales=[2, 2, 2], mode=mode)
        for opset in (18, 19):
            add(f"axes 2 3 scales {mode} opset {opset}", image, opset=opset, axes=[2, 3], scales=[2, 1.5], mode=mode)
            add(f"axes 3 2 sizes {mode} opset {opset}", image, opset=opset, axes=[3, 2], sizes=[7, 3], mode=mode)
            add(f"axes 2 only {mode} opset {opset}", image, opset=opset, axes=[2], sizes=[6], mode=mode)
            add(f"axes negative {mode} opset {opset}", image, opset=opset, axes=[-2, -1], scales=[2, 0.6], mode=mode)
            for policy in ("not_larger", "not_smaller"):
                for axes in ([2, 3], [3, 2]):
                    add(f"{policy} up {mode} axes {axes[0]} {axes[1]} opset {opset}", image, opset=opset, axes=axes,
                        sizes=[7, 9], mode=mode, keep_aspect_ratio_policy=policy)
                add(f"{policy} down {mode} opset {opset}", (1, 1, 6, 7), opset=opset, axes=[2, 3], sizes=[3, 4],
                    mode=mode, keep_aspect_ratio_policy=policy)
            add(f"stretch {mode} opset {opset}", image, opset=opset, axes=[2, 3], sizes=[7, 9], mode=mode,
                keep_aspect_ratio_policy="stretch")
    for opset in (11, 13, 18):
        for mode in ("nearest", "linear"):
            add(f"crop {mode} sizes opset {opset}", image, opset=opset, sizes=[3, 4], mode=mode,
                roi=([0.4, 0.2], [0.9, 0.75]), coordinate_transformation_mode="tf_crop_and_resize")
        add(f"crop linear beyond the input opset {opset}", image, opset=opset, sizes=[3, 6], mode="linear",
            roi=([-0.2, 0.3], [0.7, 1.3]), coordinate_transformation_mode="tf_crop_and_resize",
            extrapolation_value=10.0)
    add("crop linear reversed", image, sizes=[3, 3], mode="linear", roi=([0.9, 0.1], [0.1, 0.9]),
        coordinate_transformation_mode="tf_crop_and_resize")
    add("crop linear axes opset 18", image, opset=18, axes=[2, 3], sizes=[3, 4], mode="linear",
        roi=([0.4, 0.2], [0.9, 0.75]), coordinate_transformation_mode="tf_crop_and_resize")
    add("crop nearest 1-D", (1, 2, 6), sizes=[4], mode="nearest", roi=([0.1], [0.7]),
        coordinate_transformation_mode="tf_crop_and_resize")
    add("crop linear to one pixel", image, sizes=[1, 1], mode="linear", roi=([0.2, 0.1], [0.9, 0.8]),
        coordinate_transformation_mode="tf_crop_and_resize")
    for mode in modes:
        add(f"cubic {mode} up 2", image, scales=[2, 2], mode="cubic", coordinate_transformation_mode=mode)
    add("cubic down sizes", image, sizes=[3, 2], mode="cubic")
    add("cubic coefficient -0.5 exclude_outside", image, scales=[1.6, 2], mode="cubic", cubic_coeff_a=-0.5,
        exclude_outside=1)
    add("cubic opset 19 axes", image, opset=19, axes=[2, 3], scales=[2, 1.5], mode="cubic")
    for mode in ("linear", "cubic"):
        for outside in (0, 1):
            tail = f"exclude_outside {outside}"
            add(f"antialias {mode} down {tail}", (1, 2, 6, 7), opset=18, sizes=[3, 4], mode=mode, antialias=1,
                exclude_outside=outside)
            add(f"antialias {mode} up {tail}", (1, 2, 3, 3), opset=18, scales=[2, 2], mode=mode, antialias=1,
                exclude_outside=outside)
    add("antialias linear down opset 19 axes", (1, 2, 7, 9), opset=19, axes=[2, 3], scales=[0.5, 0.3], mode="linear",
        antialias=1)
    add("float32 coordinates nearest half_pixel beside a half", (1, 1, 18, 1), sizes=[21, 1], mode="nearest")
    add("float32 coordinates nearest asymmetric beside a half", (1, 1, 7, 3), sizes=[8, 7], mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="round_prefer_ceil")
    add("3-D nearest by whole numbers opset 18", (1, 2, 2, 3, 2), opset=18, axes=[2, 3, 4], scales=[2, 3, 2],
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    add("3-D nearest on one axis", (1, 2, 2, 3, 2), scales=[2, 1, 1], mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    add("3-D linear align_corners", (2, 2, 3, 2, 4), sizes=[5, 4, 3], mode="linear",
        coordinate_transformation_mode="align_corners")
    add("3-D linear pytorch_half_pixel", (1, 2, 3, 4, 2), sizes=[6, 3, 5], mode="linear",
        coordinate_transformation_mode="pytorch_half_pixel")
    add("3-D antialias linear down", (1, 2, 6, 5, 7), opset=18, sizes=[3, 4, 3], mode="linear", antialias=1)
    add("3-D crop linear", (1, 2, 4, 3, 5), sizes=[3, 2, 6], mode="linear", roi=([0.2, 0.1, -0.2], [0.9, 0.6, 1.1]),
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=2.0)
    add("3-D not_larger", (1, 1, 3, 4, 5), opset=18, axes=[2, 3, 4], sizes=[6, 6, 6], mode="linear",
        keep_aspect_ratio_policy="not_larger")
    return suite


def upsample():
    suite = Suite("Upsample")

    def add(name, dims, scales, opset, **attributes):
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", **attributes}
        weights = [torch.from_numpy(matrix(n, int(np.floor(n * scale)), scale, 0, 1, how)[0])
                   for n, scale in zip(dims, scales)]

        def fn(x, *_):
            for axis, weight in enumerate(weights):
                x = torch.movedim(torch.tensordot(weight, x, ([1], [axis])), 0, axis)
            return x

        inputs = [var(suite.normal(*dims))]
        if opset < 9:
            attributes["scales"] = [float(scale) for scale in scales]
        else:
            inputs.append(const(scales, np.float32))
        suite.add(f"{name} opset {opset}", inputs, fn, opset=opset, **attributes)

    for opset in (7, 8, 9):
        add("default", (1, 2, 3, 2), [1, 1, 2, 3], opset)
        add("nearest by a fraction", (1, 2, 4, 5), [1, 1, 1.5, 2.25], opset, mode="nearest")
        add("linear", (1, 2, 3, 4), [1, 1, 2, 2], opset, mode="linear")
        add("linear by a fraction", (2, 1, 4, 3), [1, 1, 1.5, 3], opset, mode="linear")
    add("rank 2", (3, 4), [2, 2], 9, mode="linear")
    add("nearest 1-D", (1, 2, 5), [1, 1, 2], 9)
    return suite


SUITES = [resize, upsample]
