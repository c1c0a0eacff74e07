import type { AttackResult, IouDefinition, StepRecord } from "@onnx-asma/core";
import { iouName } from "@onnx-asma/core/verdict-words";
import { changeUnit } from "./change-map.ts";
import { logNames } from "@onnx-asma/core/result-record";

/** Goals that are drawn as dashed lines, 0 to 1; none where none was set. */
export interface TrajectoryThresholds {
  readonly iou?: number | undefined;
  readonly pixelAccuracy?: number | undefined;
}

/** What the panels depend on beside the steps. */
export interface PanelOptions {
  readonly thresholds?: TrajectoryThresholds;
  /** Whether the labels are to be reached, or (false) to be left. @default true */
  readonly targeted?: boolean;
  readonly iouDefinition?: IouDefinition;
  /** What the change may be at most, a dashed line in the panel of its norm. */
  readonly budget?: AttackResult["budget"];
  /** Levels of the image's file, which L∞ is told in; `undefined` for floating point. */
  readonly levels?: number | undefined;
}

/** One curve. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly value: (step: StepRecord) => number | undefined;
  readonly threshold?: number | undefined;
  /** The threshold in words. */
  readonly goal?: string;
}

/** Curves that share an axis. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Fixed range of the vertical axis; otherwise as its values need it. */
  readonly range?: readonly [number, number];
}

// Told apart with every common colour vision: Okabe and Ito's, darker where they are pale on white.
const colours = { blue: "#0072b2", orange: "#d55e00", green: "#00805e", purple: "#9a4f82" };
const logColours = ["#57606e", colours.orange, colours.blue];

/**
 * The panels of an attack: agreement with the labels, L2, L-infinity, then its own numbers by the names of its logs,
 * three in a panel; L1 makes their number even.
 */
export function panelsOf(
  steps: readonly StepRecord[],
  { thresholds = {}, targeted = true, iouDefinition, budget, levels }: PanelOptions,
): Panel[] {
  const norm = (title: string, name: "l1" | "l2" | "linf", colour: string): Panel => {
    const isLevels = name === "linf" && levels !== undefined;
    const { range, name: unit } = changeUnit(isLevels ? levels : undefined);
    const limit = budget?.norm === name ? budget.epsilon * range : undefined;
    return {
      title: isLevels ? `${title} of the change, in ${unit}` : `${title} of the change`,
      series: [
        {
          name: title,
          colour,
          value: (step) => step[name] * range,
          threshold: limit,
          ...(limit !== undefined && { goal: `budget ${+limit.toPrecision(3)}` }),
        },
      ],
    };
  };
  const goal = (share: number | undefined) =>
    `goal ${targeted ? "" : "at most "}${+((share ?? 0) * 100).toFixed(2)} %`;
  const panels: Panel[] = [
    {
      title: targeted ? "Agreement with the target" : "Agreement with the labels to leave",
      range: [0, 1],
      series: [
        {
          name: "pixel accuracy",
          colour: colours.orange,
          value: (step) => step.pixelAccuracy,
          threshold: thresholds.pixelAccuracy,
          goal: goal(thresholds.pixelAccuracy),
        },
        {
          name: iouDefinition === undefined ? "IoU" : iouName(iouDefinition),
          colour: colours.blue,
          value: (step) => step.iou,
          threshold: thresholds.iou,
          goal: goal(thresholds.iou),
        },
      ],
    },
    norm("L2", "l2", colours.green),
    norm("L∞", "linf", colours.purple),
    ...logPanels(logNames(steps)),
  ];
  return panels.length % 2 === 0 ? panels : [...panels, norm("L1", "l1", "#8a6d00")];
}

/** Up to three logs in each panel, as evenly as possible. */
function logPanels(names: readonly string[]): Panel[] {
  const count = Math.ceil(names.length / logColours.length);
  const each = Math.ceil(names.length / Math.max(1, count));
  return Array.from({ length: count }, (_, k) => {
    const shown = names.slice(k * each, (k + 1) * each);
    return {
      title: shown.join(", "),
      series: shown.map((name, i) => ({
        name,
        colour: logColours[i] as string,
        value: (step) => step.logs[name],
      })),
    };
  });
}
