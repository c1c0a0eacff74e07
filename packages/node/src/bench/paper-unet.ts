import { GraphBuilder, writeModel, type Value } from "@onnx-asma/autodiff";

/**
 * The paper's U-Net with random weights: valid 3×3 convolutions of 32-64-128-256-512 channels, four
 * 2×2 max pools, transposed convolutions, cropped skip connections; 3×572×572 in, 2×388×388 out,
 * 7.76 M parameters. Speed depends on its shape only.
 */
export function paperUnet(): Uint8Array {
  const b = GraphBuilder.empty(17);
  const random = lcg(4);
  const weights = (dims: readonly number[], fanIn: number): Value => {
    const scale = Math.sqrt(6 / fanIn);
    const count = dims.reduce((n, d) => n * d, 1);
    return b.constant(
      "float32",
      dims,
      Array.from({ length: count }, () => (2 * random() - 1) * scale),
      "weight",
    );
  };
  const conv = (x: Value, channels: number, kernel: number): Value => {
    const inputs = x.dims[1] as number;
    const w = weights([channels, inputs, kernel, kernel], inputs * kernel * kernel);
    const bias = weights([channels], 600);
    return b.op("Conv", [x, w, bias], { kernel_shape: [kernel, kernel], group: 1 });
  };
  const double = (x: Value, channels: number): Value =>
    b.op("Relu", [conv(b.op("Relu", [conv(x, channels, 3)]), channels, 3)]);
  const crop = (x: Value, size: number): Value => {
    const start = Math.floor(((x.dims[2] as number) - size) / 2);
    return b.slice(x, [2, 3], [start, start], [start + size, start + size]);
  };
  const skips: Value[] = [];
  let x = b.input("image", { dtype: "float32", dims: [1, 3, 572, 572] });
  for (const channels of [32, 64, 128, 256]) {
    x = double(x, channels);
    skips.push(x);
    x = b.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  x = double(x, 512);
  for (const channels of [256, 128, 64, 32]) {
    const w = weights([channels * 2, channels, 2, 2], channels * 2);
    x = b.op("ConvTranspose", [x, w], { kernel_shape: [2, 2], strides: [2, 2], group: 1 });
    const skip = crop(skips.pop() as Value, x.dims[2] as number);
    x = double(b.op("Concat", [skip, x], { axis: 1 }), channels);
  }
  b.output(conv(x, 2, 1), "logits");
  return writeModel(b.build().model, "embed").bytes;
}

/** A small linear congruential generator (Numerical Recipes), so that every run has the same weights. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
