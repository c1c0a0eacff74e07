import type { Size } from "../../image.ts";
import type { RegridStep } from "../grid/regrid.ts";
import type { Layout } from "../layout.ts";
import type { Decoding } from "./decoding.ts";
import type { Saturating } from "./evidence.ts";
import type { QueryHead } from "./query-head.ts";

/** Probabilities p = (number − low) ÷ (high − low), and what gradients pass at a temperature. */
export interface Saturation {
  /** Number that p = 0 has. */
  readonly low: number;
  /** Number that p = 1 has. */
  readonly high: number;
  /** What gradients pass, from the output on. */
  readonly passed: readonly Saturating[];
}

/** What the model predicts with, and the float tensor behind it that is attacked. */
export interface OutputHead {
  /** The value that is decoded when the untouched model runs. */
  readonly output: string;
  readonly decoding: Decoding;
  /**
   * The value that the attack raises: the output itself or what stands before its softmax, sigmoid or
   * argmax; float, or made by a QuantizeLinear.
   */
  readonly scores: string;
  /** Order of the axes of `scores`. */
  readonly layout: Layout;
  /** Entries of `scores` per pixel. */
  readonly channels: number;
  /** Which of the channels is attacked, where each stands for itself; `undefined` when the largest wins. */
  readonly channel: number | undefined;
  /** Where one channel changes its label. */
  readonly border: number;
  /** −1 where values below the border are label 1. */
  readonly sign: 1 | -1;
  /** Set when `output` holds the masks of queries. */
  readonly queries: QueryHead | undefined;
  /** Set when `scores` are probabilities whose gradients vanish where the model is sure. */
  readonly saturation: Saturation | undefined;
  /** Whether nothing tells what the numbers are. */
  readonly isUnsure: boolean;
  /** For each axis the pixel of `scores` that each pixel of the output is taken from. */
  readonly enlarge: readonly (readonly number[])[] | undefined;
  /** Number of labels: 2 for one channel. */
  readonly classes: number;
  /** Size of the output in pixels. */
  readonly outputSize: Size;
  /** From the output's grid to the one that labels are wanted on. */
  readonly steps: readonly RegridStep[];
  /** Size of the label grid. */
  readonly size: Size;
}

/** A head before it is decided on which grid its labels are wanted. */
export type HeadOnOutputGrid = Omit<OutputHead, "steps" | "size">;
