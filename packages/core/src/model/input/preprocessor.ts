import type { Size } from "../../image.ts";
import type { ChannelOrder } from "./channel-order.ts";
import type { Resampling } from "./resampling-matrix.ts";

/** What a `preprocessor_config.json` asks for, in our terms. */
export interface Preprocessor {
  /** Where it was read from, for the reasons that are given. */
  readonly source: string;
  readonly resize?:
    | { readonly kind: "exact"; readonly size: Size }
    | { readonly kind: "shortest"; readonly shortest: number; readonly longest?: number };
  readonly resampling: Resampling;
  readonly range: readonly [number, number];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly channelOrder: ChannelOrder;
  /** Pixels are added behind, as 0 after normalising, up to a multiple of this. */
  readonly multiple: number;
}

/** The size that an image of `imageSize` is resized to; `undefined` for none. */
export function resizeFor(
  preprocessor: Preprocessor | undefined,
  imageSize: Size,
): Size | undefined {
  const resize = preprocessor?.resize;
  if (resize === undefined || imageSize.length !== 2) {
    return undefined;
  }
  if (resize.kind === "exact") {
    return resize.size;
  }
  const [height, width] = imageSize;
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  const { shortest, longest = Number.POSITIVE_INFINITY } = resize;
  // The shortest edge gives way where the longest would become too long; fractions as transformers' own.
  const isTooLong = (long / short) * shortest > longest;
  const exact = isTooLong ? (longest * short) / long : shortest;
  const edge = isTooLong ? Math.round(exact) : shortest;
  const other = short === edge ? long : Math.trunc((exact * long) / short);
  return height <= width ? [edge, other] : [other, edge];
}
