import type { ResolvedModel, TensorType } from "@onnx-asma/autodiff";
import { AsmaError } from "../../errors.ts";
import type { Size } from "../../image.ts";
import { notSpatial, type OutputRequest } from "./choose-output.ts";
import type { Quantization } from "./graph-walk.ts";
import type { Layout } from "../layout.ts";
import { fitLayout } from "./output-layout.ts";
import type { GraphDecision } from "./output-walk.ts";
import type { ScoreWalk } from "./score-walk.ts";
import { option } from "../option.ts";

/** How the numbers of an output become labels; `channels` are its entries per pixel. */
export type Decoding =
  | {
      /** The entry that is the largest. */
      readonly kind: "argmax";
      /** Order of the output's axes. */
      readonly layout: Layout;
      /** Entries per pixel. */
      readonly channels: number;
    }
  | {
      /** 1 where one entry is above a border, otherwise 0. */
      readonly kind: "threshold";
      /** Order of the output's axes. */
      readonly layout: Layout;
      /** Entries per pixel. */
      readonly channels: number;
      /** The entry that counts. */
      readonly channel: number;
      /** The border. */
      readonly border: number;
    }
  | {
      /** The label whose values the entries have. */
      readonly kind: "labels";
      /** Order of the output's axes. */
      readonly layout: Layout;
      /** Entries per pixel. */
      readonly channels: number;
      /** The first of the entries that hold the label. */
      readonly channel: number;
      /** What the output holds for each label. */
      readonly values: readonly (readonly number[])[];
    };

/** Label 1 is what the output gives the larger number for. */
export function signOf(decision: GraphDecision | undefined): 1 | -1 {
  if (decision === undefined) {
    return 1;
  }
  const [no = 0] = decision.values(0);
  const [yes = 0] = decision.values(1);
  return yes < no ? (-decision.sign as 1 | -1) : decision.sign;
}

/** What is known of an output before it is known how to decode it. */
interface Found {
  readonly decision: GraphDecision | undefined;
  readonly scored: ScoreWalk;
  readonly channels: number;
  readonly layout: Layout;
  readonly channel: number | undefined;
  readonly border: number;
  /** Where a channel of the output changes its label, where the graph tells. */
  readonly middle: number | undefined;
  /** Set when the output's numbers are quantized scores. */
  readonly quantized: Quantization | undefined;
  readonly outputSize: Size;
}

/**
 * How the output's own numbers become the labels that the scores stand for.
 *
 * @throws AsmaError `ERR_OUTPUT` when its dims do not fit the scores', or classes share a value
 */
export function decodingOf(
  resolved: ResolvedModel,
  output: string,
  request: OutputRequest,
  {
    decision,
    scored,
    channels,
    layout: scoreLayout,
    channel,
    border,
    middle = 0.5,
    quantized,
    outputSize,
  }: Found,
): Decoding {
  const { dims } = resolved.types.get(output) as TensorType;
  const layoutFor = (entries: number): Layout => {
    const scoreDims = resolved.types.get(scored.scores)?.dims;
    const isSame = scoreDims?.length === dims.length && scoreDims.every((d, i) => d === dims[i]);
    const fitting = fitLayout({ ...request, dims, channels: entries, size: outputSize });
    if (fitting === undefined) {
      throw notSpatial(
        resolved,
        `'${output}' has dims [${dims.join(", ")}] where ${entries} × ${outputSize.join(" × ")} values are needed`,
      );
    }
    return isSame ? scoreLayout : fitting.layout;
  };
  if (decision === undefined) {
    const layout = layoutFor(channels);
    const own = request.options.border ?? (scored.through.length > 0 ? middle : border);
    return channel === undefined
      ? { kind: "argmax", layout, channels }
      : {
          kind: "threshold",
          layout,
          channels,
          channel,
          border: quantized === undefined ? own : own / quantized.scale + quantized.zeroPoint,
        };
  }
  if (decision.kind === "one-hot") {
    return { kind: "argmax", layout: layoutFor(channels), channels };
  }
  const isThreshold = decision.kind === "threshold";
  const labels = isThreshold ? 2 : channels;
  const values = Array.from({ length: labels }, (_, label) => decision.values(label));
  if (isThreshold && signOf(decision) !== decision.sign) {
    values.reverse();
  }
  const keys = new Set(values.map((list) => list.map(Math.fround).join()));
  if (keys.size < labels) {
    throw new AsmaError(
      "ERR_OUTPUT",
      `Output '${output}' gives several of its ${labels} classes the same value (${decision.through.join(", ")}): name what stands before it with ${option("output")}, for example ${option("output", decision.scores)}.`,
    );
  }
  const length = values[0]?.length ?? 1;
  const entries = isThreshold ? channels * length : length;
  return {
    kind: "labels",
    layout: layoutFor(entries),
    channels: entries,
    channel: isThreshold ? (channel ?? 0) * length : 0,
    values,
  };
}
