import type { RuleContext } from "./gradient-rule.ts";

/** How a convolution or pool slides along one spatial axis; pads as they take effect. */
export interface SpatialWindow {
  /** Input and output size. */
  readonly size: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * The windows of a Conv or pool on every spatial axis, with `auto_pad` turned into pads.
 *
 * @param kernel kernel size per axis
 */
export function spatialWindows(c: RuleContext, kernel: readonly number[]): SpatialWindow[] {
  const autoPad = c.string("auto_pad", "NOTSET");
  const pads = c.ints("pads");
  const strides = c.ints("strides");
  const dilations = c.ints("dilations");
  return kernel.map((k, i) => {
    const size = c.x().dims[i + 2] as number;
    const out = c.y().dims[i + 2] as number;
    const stride = strides?.[i] ?? 1;
    const dilation = dilations?.[i] ?? 1;
    const window = { size, out, kernel: k, stride, dilation };
    if (autoPad === "NOTSET" || autoPad === "") {
      return { ...window, begin: pads?.[i] ?? 0, end: pads?.[i + kernel.length] ?? 0 };
    }
    const total =
      autoPad === "VALID" ? 0 : Math.max(0, (out - 1) * stride + dilation * (k - 1) + 1 - size);
    const begin = autoPad === "SAME_LOWER" ? Math.ceil(total / 2) : Math.floor(total / 2);
    return { ...window, begin, end: total - begin };
  });
}

/** Attributes `strides`, `dilations` and so on from windows. */
export function listOf(windows: readonly SpatialWindow[], key: keyof SpatialWindow): number[] {
  return windows.map((window) => window[key]);
}
