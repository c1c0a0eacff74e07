import { normalizeAxis } from "../graph/value.ts";
import type { Expansion } from "./expansion.ts";

/**
 * CenterCropPad (opset 18): crops or pads with zeros to `shape`, centred; of an odd difference the
 * larger part falls at the end.
 *
 * @see https://onnx.ai/onnx/operators/onnx__CenterCropPad.html
 */
export const centerCropPad: Expansion = {
  opType: "CenterCropPad",
  expand: (c) => {
    const { b } = c;
    const { dims } = c.x();
    const wanted = c.y().dims;
    const rank = dims.length;
    const axes = (c.ints("axes") ?? dims.map((_, i) => i)).map((a) => normalizeAxis(a, rank));
    const cropped = axes.filter((a) => (wanted[a] as number) < (dims[a] as number));
    const starts = cropped.map((a) =>
      Math.floor(((dims[a] as number) - (wanted[a] as number)) / 2),
    );
    const ends = cropped.map((a, i) => (starts[i] as number) + (wanted[a] as number));
    const x = cropped.length === 0 ? c.x() : b.slice(c.x(), cropped, starts, ends);
    const missing = x.dims.map((d, a) => (wanted[a] as number) - d);
    const begins = missing.map((d) => Math.floor(d / 2));
    return [b.pad(x, [...begins, ...missing.map((d, i) => d - (begins[i] as number))])];
  },
};
