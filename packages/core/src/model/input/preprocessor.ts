import type { Size } from "../../image.ts";
import type { ChannelOrder } from "./channel-order.ts";
import type { Padding } from "./padding.ts";
import type { Resampling } from "./resampling-matrix.ts";

/** What a file says beside the images; see `Decision`. */
export interface PreprocessorNote {
  readonly what: string;
  readonly is: string;
  readonly because: string;
  readonly wayOut: string;
}

/** What a `preprocessor_config.json` asks for, in our terms: what `parsePreprocessor` makes of one. */
export interface Preprocessor {
  /** Where it was read from, for the reasons that are given. */
  readonly source: string;
  /** The file's content, from which it can be read again elsewhere. */
  readonly text: string;
  /** The class of image processor that counted where the file names none. */
  readonly processorType?: string;
  readonly resampling: Resampling;
  /** What black and white become, before mean and std. */
  readonly range: readonly [number, number];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly channelOrder: ChannelOrder;
  /** What else it says about the model. */
  readonly notes: readonly PreprocessorNote[];
  /**
   * What an image of a size becomes.
   *
   * @param resize counts instead of the file's own size
   * @returns the size to resize to, and the pixels added around that (negative ones are cut off)
   * @throws AsmaError `ERR_PREPROCESSOR` for what cannot be honoured, by name
   */
  fit(
    imageSize: Size,
    resize?: Size,
  ): { readonly resize: Size | undefined; readonly padding: Padding | undefined };
}
