import type { DataType, GraphBuilder, Value } from "@onnx-asma/autodiff";

/** Least and largest number of the types that models take images in; wider ones hold all that images do. */
const limits: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** Whether a model takes whole numbers of this type, so that it scales them itself. */
export function isIntegerImage(dtype: DataType): boolean {
  return /^u?int(8|16|32|64)$/.test(dtype);
}

/** What black and white are for an input of this type, unless somebody says otherwise. */
export function defaultRange(dtype: DataType): readonly [number, number] {
  if (!isIntegerImage(dtype)) {
    return [0, 1];
  }
  return dtype === "int8" || dtype === "uint16" ? (limits[dtype] ?? [0, 255]) : [0, 255];
}

/** The whole numbers nearest to `x`, in the integer type. */
export function castToWhole(b: GraphBuilder, x: Value, dtype: DataType): Value {
  const rounded = b.op("Round", [x]);
  const bounds = limits[dtype];
  return b.cast(
    bounds === undefined
      ? rounded
      : b.op("Clip", [rounded, b.scalar(bounds[0]), b.scalar(bounds[1])]),
    dtype,
  );
}

/**
 * Rounds a float32 image to whole numbers with a gradient that passes straight through, for values that
 * 8 bits hold; others are left as they are, which is whole up to rounding unless the image is resized.
 */
export function roundStraightThrough(
  b: GraphBuilder,
  x: Value,
  range: readonly [number, number],
): Value {
  const dtype = (["uint8", "int8"] as const).find((type) => {
    const [least, largest] = limits[type] as readonly [number, number];
    return range.every((v) => v >= least && v <= largest);
  });
  if (dtype === undefined) {
    return x;
  }
  const [scale, zero] = [b.scalar(1), b.scalar(0, dtype)];
  return b.op("DequantizeLinear", [b.op("QuantizeLinear", [x, scale, zero]), scale, zero]);
}
