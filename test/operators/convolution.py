"""Conv and ConvTranspose."""

import torch.nn.functional as F

from common import Suite, const, var

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def torch_pads(begin, end):
    """Pads in the order of torch.nn.functional.pad: last axis first."""
    return [pad for pair in reversed(list(zip(begin, end))) for pad in pair]


def window(size, kernel, attributes):
    """Strides, dilations, begin and end pads of a convolution or a pool, auto_pad resolved."""
    rank = len(kernel)
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    pads = attributes.get("pads", [0] * 2 * rank)
    begin, end = list(pads[:rank]), list(pads[rank:])
    auto = attributes.get("auto_pad", "NOTSET")
    if auto.startswith("SAME"):
        for i in range(rank):
            count = -(-size[i] // strides[i])
            total = max(0, (count - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - size[i])
            begin[i] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            end[i] = total - begin[i]
    return strides, dilations, begin, end


def conv():
    suite = Suite("Conv")

    def add(name, x, w, bias=False, *, opset=17, variable_weight=False, **attributes):
        rank = len(w) - 2

        def fn(x, w, b=None):
            strides, dilations, begin, end = window(x.shape[2:], w.shape[2:], attributes)
            padded = F.pad(x, torch_pads(begin, end))
            return CONV[rank](padded, w, b, strides, 0, dilations, attributes.get("group", 1))

        inputs = [var(suite.normal(*x)), (var if variable_weight else const)(suite.normal(*w) * 0.5)]
        if bias:
            inputs.append(const(suite.normal(w[0])))
        suite.add(name, inputs, fn, f"torch.nn.functional.conv{rank}d", opset=opset, **attributes)

    add("k3", (1, 2, 6, 5), (3, 2, 3, 3), kernel_shape=[3, 3])
    add("k3 p1 bias", (1, 2, 6, 5), (3, 2, 3, 3), True, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("k3 p1 bias batch 2", (2, 2, 5, 4), (3, 2, 3, 3), True, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("no kernel_shape", (1, 2, 5, 5), (3, 2, 3, 2), pads=[1, 0, 1, 1])
    add("k1 s1", (2, 3, 4, 3), (2, 3, 1, 1), True, kernel_shape=[1, 1])
    add("k1 s2", (1, 3, 5, 6), (2, 3, 1, 1), kernel_shape=[1, 1], strides=[2, 2])
    add("k2 s2", (1, 2, 6, 6), (3, 2, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
    add("k2 s2 remainder", (1, 2, 7, 5), (3, 2, 2, 2), True, kernel_shape=[2, 2], strides=[2, 2])
    add("k3 s2 p1", (1, 2, 8, 8), (3, 2, 3, 3), True, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s2 p1 odd size batch 2", (2, 2, 7, 9), (3, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s2 p1 even and odd", (1, 1, 7, 8), (2, 1, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s3 p0 remainder 1", (1, 2, 10, 7), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[3, 3])
    add("k3 s3 p0 remainder 2", (1, 2, 11, 8), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[3, 3])
    add("k4 s2 p1", (1, 2, 8, 6), (2, 2, 4, 4), kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k4 s4", (1, 3, 8, 9), (2, 3, 4, 4), True, kernel_shape=[4, 4], strides=[4, 4])
    add("k7 s4 p3", (1, 2, 16, 13), (2, 2, 7, 7), True, kernel_shape=[7, 7], strides=[4, 4], pads=[3, 3, 3, 3])
    add("k7 s2 p3", (1, 3, 10, 11), (2, 3, 7, 7), kernel_shape=[7, 7], strides=[2, 2], pads=[3, 3, 3, 3])
    add("k2 s3 kernel smaller than stride", (1, 2, 9, 10), (2, 2, 2, 2), kernel_shape=[2, 2], strides=[3, 3])
    add("k1 s4 kernel smaller than stride padded", (1, 2, 9, 11), (2, 2, 1, 1), kernel_shape=[1, 1], strides=[4, 4],
        pads=[1, 2, 0, 1])
    add("s1 on one axis s3 on the other", (1, 2, 6, 10), (2, 2, 3, 5), kernel_shape=[3, 5], strides=[1, 3],
        pads=[1, 2, 1, 2])
    add("asymmetric pads", (1, 2, 5, 6), (3, 2, 3, 3), True, kernel_shape=[3, 3], pads=[0, 2, 1, 0])
    add("asymmetric pads s2", (1, 2, 7, 8), (3, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    add("asymmetric pads s3", (1, 2, 8, 9), (2, 2, 4, 3), kernel_shape=[4, 3], strides=[3, 3], pads=[2, 0, 1, 2])
    add("pads larger than the kernel", (1, 2, 4, 4), (2, 2, 3, 3), kernel_shape=[3, 3], pads=[3, 4, 3, 3])
    add("pads larger than the kernel s2", (1, 2, 5, 4), (2, 2, 2, 2), kernel_shape=[2, 2], strides=[2, 2],
        pads=[3, 2, 2, 3])
    add("pads on a k1 kernel", (1, 2, 4, 4), (2, 2, 1, 1), True, kernel_shape=[1, 1], pads=[1, 1, 1, 1])
    add("dilation 2", (1, 2, 7, 8), (2, 2, 3, 3), kernel_shape=[3, 3], dilations=[2, 2], pads=[2, 2, 2, 2])
    add("dilation 4 k3 p4", (1, 1, 9, 10), (2, 1, 3, 3), True, kernel_shape=[3, 3], dilations=[4, 4], pads=[4, 4, 4, 4])
    add("dilation 2 s2", (1, 2, 9, 10), (2, 2, 3, 3), kernel_shape=[3, 3], dilations=[2, 2], strides=[2, 2],
        pads=[2, 2, 2, 2])
    add("dilation 3 s2 asymmetric", (1, 2, 10, 11), (2, 2, 3, 2), kernel_shape=[3, 2], dilations=[3, 2],
        strides=[2, 3], pads=[1, 0, 2, 1])
    add("group 2", (1, 4, 5, 5), (6, 2, 3, 3), True, kernel_shape=[3, 3], group=2, pads=[1, 1, 1, 1])
    add("group 2 s2", (2, 4, 6, 5), (2, 2, 3, 3), kernel_shape=[3, 3], group=2, strides=[2, 2], pads=[1, 1, 1, 1])
    add("group 2 dilation 2", (1, 4, 6, 7), (4, 2, 3, 3), kernel_shape=[3, 3], group=2, dilations=[2, 2],
        pads=[2, 2, 2, 2])
    add("group 3 s4 k7 p3", (1, 3, 11, 12), (6, 1, 7, 7), kernel_shape=[7, 7], group=3, strides=[4, 4],
        pads=[3, 3, 3, 3])
    add("depthwise", (1, 3, 5, 6), (3, 1, 3, 3), True, kernel_shape=[3, 3], group=3, pads=[1, 1, 1, 1])
    add("depthwise s2", (2, 3, 7, 6), (3, 1, 3, 3), True, kernel_shape=[3, 3], group=3, strides=[2, 2],
        pads=[1, 1, 1, 1])
    add("depthwise k5 s2", (1, 3, 8, 9), (3, 1, 5, 5), kernel_shape=[5, 5], group=3, strides=[2, 2], pads=[2, 2, 2, 2])
    add("depthwise multiplier 2", (1, 3, 5, 5), (6, 1, 3, 3), kernel_shape=[3, 3], group=3, pads=[1, 1, 1, 1])
    add("depthwise dilation 2", (1, 2, 6, 6), (2, 1, 3, 3), kernel_shape=[3, 3], group=2, dilations=[2, 2],
        pads=[2, 2, 2, 2])
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        add(f"{auto} k3", (1, 2, 5, 6), (2, 2, 3, 3), kernel_shape=[3, 3], auto_pad=auto)
        add(f"{auto} k4", (1, 2, 5, 6), (2, 2, 4, 4), kernel_shape=[4, 4], auto_pad=auto)
        add(f"{auto} k3 s2", (1, 2, 8, 7), (2, 2, 3, 3), True, kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto)
    add("SAME_UPPER depthwise k3 s2", (1, 3, 8, 8), (3, 1, 3, 3), kernel_shape=[3, 3], group=3, strides=[2, 2],
        auto_pad="SAME_UPPER")
    add("SAME_UPPER k1 s2", (1, 2, 7, 8), (2, 2, 1, 1), kernel_shape=[1, 1], strides=[2, 2], auto_pad="SAME_UPPER")
    add("VALID k3 s2", (1, 2, 8, 7), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID")
    add("NOTSET", (1, 2, 5, 5), (2, 2, 3, 3), kernel_shape=[3, 3], auto_pad="NOTSET", pads=[1, 1, 1, 1])
    add("1-D k3 p1", (2, 3, 7), (2, 3, 3), True, kernel_shape=[3], pads=[1, 1])
    add("1-D k5 s3 p2", (1, 2, 13), (3, 2, 5), kernel_shape=[5], strides=[3], pads=[2, 2])
    add("1-D asymmetric causal dilation 2", (1, 2, 9), (3, 2, 3), kernel_shape=[3], dilations=[2], pads=[4, 0])
    add("1-D depthwise s2", (1, 3, 9), (3, 1, 4), True, kernel_shape=[4], group=3, strides=[2], pads=[1, 1])
    add("1-D SAME_LOWER s2", (1, 2, 8), (2, 2, 3), kernel_shape=[3], strides=[2], auto_pad="SAME_LOWER")
    add("opset 11 k3 s2 p1", (1, 2, 6, 7), (2, 2, 3, 3), True, opset=11, kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 1, 1, 1])
    add("opset 13 k3 p1", (1, 2, 5, 5), (2, 2, 3, 3), opset=13, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("opset 22 k3 s2 p1", (1, 2, 6, 7), (2, 2, 3, 3), True, opset=22, kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 1, 1, 1])
    add("3-D k3 p1", (1, 2, 4, 3, 5), (3, 2, 3, 3, 3), True, kernel_shape=[3, 3, 3], pads=[1] * 6)
    add("3-D k3 s2 p1", (2, 2, 5, 4, 6), (2, 2, 3, 3, 3), True, kernel_shape=[3, 3, 3], strides=[2, 2, 2],
        pads=[1] * 6)
    add("3-D k2 s2", (1, 2, 4, 5, 4), (3, 2, 2, 2, 2), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("3-D k3 s2 without padding", (1, 2, 5, 6, 7), (2, 2, 3, 3, 3), kernel_shape=[3, 3, 3], strides=[2, 2, 2])
    add("3-D k1 s2", (1, 3, 4, 5, 3), (2, 3, 1, 1, 1), kernel_shape=[1, 1, 1], strides=[2, 2, 2])
    add("3-D s1 by 2 by 2", (1, 2, 4, 6, 5), (2, 2, 1, 3, 3), kernel_shape=[1, 3, 3], strides=[1, 2, 2],
        pads=[0, 1, 1, 0, 1, 1])
    add("3-D k5 s3 asymmetric pads", (1, 1, 7, 8, 6), (2, 1, 5, 4, 2), kernel_shape=[5, 4, 2], strides=[3, 2, 3],
        pads=[2, 1, 0, 1, 0, 2])
    add("3-D pads larger than the stride", (1, 1, 3, 4, 3), (2, 1, 3, 3, 3), kernel_shape=[3, 3, 3],
        strides=[2, 2, 2], pads=[3, 2, 4, 2, 3, 1])
    add("3-D dilation 2 s2", (1, 2, 6, 7, 6), (2, 2, 3, 2, 3), kernel_shape=[3, 2, 3], dilations=[2, 3, 1],
        strides=[2, 2, 3], pads=[2, 1, 1, 2, 2, 1])
    add("3-D group 2 s2", (1, 4, 4, 5, 4), (6, 2, 3, 3, 3), True, kernel_shape=[3, 3, 3], group=2, strides=[2, 2, 2],
        pads=[1] * 6)
    add("3-D depthwise", (1, 3, 4, 4, 3), (3, 1, 3, 3, 3), kernel_shape=[3, 3, 3], group=3, pads=[1] * 6)
    add("3-D depthwise s2", (1, 3, 4, 5, 4), (3, 1, 3, 3, 3), kernel_shape=[3, 3, 3], group=3, strides=[2, 2, 2],
        pads=[1] * 6)
    add("3-D SAME_UPPER k3 s2", (1, 2, 4, 5, 6), (2, 2, 3, 3, 3), kernel_shape=[3, 3, 3], strides=[2, 2, 2],
        auto_pad="SAME_UPPER")
    add("3-D weight gradient", (2, 2, 4, 3, 4), (2, 2, 3, 3, 3), True, variable_weight=True, kernel_shape=[3, 3, 3],
        strides=[2, 1, 2], pads=[1] * 6)
    add("weight gradient", (2, 2, 5, 6), (3, 2, 3, 3), True, variable_weight=True, kernel_shape=[3, 3],
        pads=[1, 1, 1, 1])
    add("few channels even sizes", (2, 3, 6, 8), (5, 3, 3, 2), True, kernel_shape=[3, 2], pads=[1, 0, 1, 1])
    add("few channels even sizes valid", (1, 1, 8, 6), (4, 1, 5, 3), kernel_shape=[5, 3])
    add("few channels even sizes asymmetric", (1, 4, 6, 6), (3, 4, 4, 4), kernel_shape=[4, 4], pads=[0, 3, 2, 1])
    add("computed weights, two groups", (2, 4, 6, 5), (6, 2, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=2,
        variable_weight=True)
    add("computed weights, depthwise, s2", (1, 3, 7, 8), (3, 1, 3, 3), kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 0, 1, 1], group=3, variable_weight=True)
    add("computed weights, groups of samples, dilated", (1, 6, 9), (4, 3, 3), kernel_shape=[3], dilations=[2], group=2,
        variable_weight=True)
    return suite


def conv_transpose():
    suite = Suite("ConvTranspose")

    def add(name, x, w, bias=False, *, opset=17, **attributes):
        rank = len(w) - 2

        def fn(x, w, b=None):
            size, kernel = x.shape[2:], w.shape[2:]
            strides = attributes.get("strides", [1] * rank)
            dilations = attributes.get("dilations", [1] * rank)
            extra = attributes.get("output_padding", [0] * rank)
            pads = attributes.get("pads", [0] * 2 * rank)
            begin, end = list(pads[:rank]), list(pads[rank:])
            auto = attributes.get("auto_pad", "NOTSET")
            shape = attributes.get("output_shape")
            if shape is None and auto.startswith("SAME"):
                shape = [n * s for n, s in zip(size, strides)]
            if shape is not None:
                for i in range(rank):
                    natural = strides[i] * (size[i] - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1
                    total = natural - shape[i]
                    begin[i] = total // 2 if auto == "SAME_UPPER" else total - total // 2
                    end[i] = total - begin[i]
            full = CONV_TRANSPOSE[rank](x, w, None, strides, 0, 0, attributes.get("group", 1), dilations)
            y = F.pad(full, torch_pads([-p for p in begin], [e - p for p, e in zip(end, extra)]))
            return y if b is None else y + b.reshape(-1, *[1] * rank)

        inputs = [var(suite.normal(*x)), const(suite.normal(*w) * 0.5)]
        if bias:
            inputs.append(const(suite.normal(w[1] * attributes.get("group", 1))))
        suite.add(name, inputs, fn, f"torch.nn.functional.conv_transpose{rank}d", opset=opset, **attributes)

    add("k3", (1, 2, 4, 3), (2, 3, 3, 3), kernel_shape=[3, 3])
    add("k2 s2", (1, 3, 3, 4), (3, 2, 2, 2), True, kernel_shape=[2, 2], strides=[2, 2])
    add("k2 s2 batch 2", (2, 2, 3, 3), (2, 3, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
    add("no kernel_shape", (1, 2, 3, 3), (2, 2, 2, 3), strides=[2, 1])
    add("k3 p1", (1, 2, 4, 5), (2, 3, 3, 3), True, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("k3 s2 p1", (1, 2, 4, 3), (2, 3, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k3 s2 p1 output_padding 1", (1, 2, 4, 3), (2, 3, 3, 3), True, kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 1, 1, 1], output_padding=[1, 1])
    add("k4 s2 p1", (2, 2, 3, 4), (2, 3, 4, 4), True, kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1])
    add("k4 s4", (1, 2, 2, 3), (2, 2, 4, 4), kernel_shape=[4, 4], strides=[4, 4])
    add("k7 s4 p3 output_padding 3", (1, 2, 3, 3), (2, 2, 7, 7), kernel_shape=[7, 7], strides=[4, 4],
        pads=[3, 3, 3, 3], output_padding=[3, 3])
    add("k1 s2", (1, 2, 3, 4), (2, 2, 1, 1), kernel_shape=[1, 1], strides=[2, 2])
    add("k2 s3 kernel smaller than stride", (1, 2, 3, 3), (2, 2, 2, 2), True, kernel_shape=[2, 2], strides=[3, 3])
    add("k2 s3 output_padding on one axis", (1, 2, 3, 3), (2, 2, 2, 2), True, kernel_shape=[2, 2], strides=[3, 3],
        output_padding=[0, 2])
    add("asymmetric pads", (1, 2, 4, 4), (2, 2, 3, 3), kernel_shape=[3, 3], pads=[0, 1, 2, 0])
    add("asymmetric pads s2", (1, 2, 4, 4), (2, 2, 3, 4), True, kernel_shape=[3, 4], strides=[2, 2], pads=[0, 2, 1, 1])
    add("asymmetric pads s3 output_padding", (1, 2, 3, 4), (2, 2, 4, 3), kernel_shape=[4, 3], strides=[3, 3],
        pads=[2, 0, 1, 1], output_padding=[1, 2])
    add("dilation 2", (1, 2, 4, 4), (2, 2, 3, 3), kernel_shape=[3, 3], dilations=[2, 2], pads=[2, 1, 2, 1])
    add("dilation 2 s2", (1, 2, 4, 3), (2, 2, 3, 3), True, kernel_shape=[3, 3], dilations=[2, 2], strides=[2, 2],
        pads=[1, 2, 1, 2], output_padding=[1, 1])
    add("group 2", (1, 4, 3, 4), (4, 3, 3, 3), True, kernel_shape=[3, 3], group=2, pads=[1, 1, 1, 1])
    add("group 2 s2", (2, 4, 3, 3), (4, 1, 4, 4), kernel_shape=[4, 4], group=2, strides=[2, 2], pads=[1, 1, 1, 1])
    add("depthwise s2", (1, 3, 3, 4), (3, 1, 4, 4), kernel_shape=[4, 4], group=3, strides=[2, 2], pads=[1, 1, 1, 1])
    add("depthwise", (1, 3, 4, 4), (3, 1, 3, 3), True, kernel_shape=[3, 3], group=3, pads=[1, 1, 1, 1])
    add("output_shape", (1, 2, 3, 3), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], output_shape=[6, 6])
    add("output_shape odd total", (1, 2, 3, 4), (2, 2, 4, 4), True, kernel_shape=[4, 4], strides=[2, 2],
        output_shape=[7, 9])
    add("output_shape SAME_UPPER", (1, 2, 3, 4), (2, 2, 4, 4), kernel_shape=[4, 4], strides=[2, 2],
        output_shape=[7, 9], auto_pad="SAME_UPPER")
    add("output_shape with output_padding", (1, 2, 3, 3), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2],
        output_shape=[6, 7], output_padding=[1, 1])
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        add(f"{auto} k3 s2", (1, 2, 4, 3), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto)
        add(f"{auto} k4 s1", (1, 2, 4, 3), (2, 2, 4, 4), kernel_shape=[4, 4], auto_pad=auto)
    add("VALID k3 s2", (1, 2, 4, 3), (2, 2, 3, 3), kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID")
    add("1-D k4 s2 p1", (2, 2, 5), (2, 3, 4), True, kernel_shape=[4], strides=[2], pads=[1, 1])
    add("1-D k3 s3 asymmetric output_padding", (1, 2, 4), (2, 2, 3), kernel_shape=[3], strides=[3], pads=[1, 0],
        output_padding=[2])
    add("1-D group 2 dilation 2", (1, 4, 5), (4, 2, 3), kernel_shape=[3], group=2, dilations=[2])
    add("opset 11 k2 s2", (1, 2, 3, 3), (2, 2, 2, 2), True, opset=11, kernel_shape=[2, 2], strides=[2, 2])
    add("3-D k2 s2", (1, 3, 3, 2, 4), (3, 2, 2, 2, 2), True, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    add("3-D k3 s2 p1 output_padding 1", (1, 2, 2, 3, 3), (2, 2, 3, 3, 3), True, kernel_shape=[3, 3, 3],
        strides=[2, 2, 2], pads=[1] * 6, output_padding=[1, 1, 1])
    add("3-D asymmetric dilation 2 s3", (1, 2, 3, 2, 3), (2, 2, 2, 3, 3), kernel_shape=[2, 3, 3],
        dilations=[2, 1, 2], strides=[1, 3, 2], pads=[1, 0, 2, 0, 1, 1])
    add("3-D group 2", (2, 4, 2, 3, 2), (4, 1, 3, 3, 3), kernel_shape=[3, 3, 3], group=2, pads=[1] * 6)
    add("3-D output_shape", (1, 2, 2, 3, 2), (2, 2, 3, 3, 3), kernel_shape=[3, 3, 3], strides=[2, 2, 2],
        output_shape=[4, 6, 5])
    add("3-D SAME_UPPER k3 s2", (1, 2, 2, 3, 2), (2, 2, 3, 3, 3), kernel_shape=[3, 3, 3], strides=[2, 2, 2],
        auto_pad="SAME_UPPER")
    add("opset 22 k3 s2 p1", (1, 2, 3, 3), (2, 2, 3, 3), opset=22, kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 1, 1, 1], output_padding=[1, 1])
    return suite


SUITES = [conv, conv_transpose]
