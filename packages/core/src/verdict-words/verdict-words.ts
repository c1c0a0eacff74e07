import type { IouDefinition } from "../metrics/iou.ts";
import type { Verdict } from "../metrics/verdict.ts";
import type { Visibility } from "../metrics/visibility.ts";
import type { StopReason } from "../run/attack-result.ts";
import type { RunOptionsUsed } from "../run/run-options.ts";
import { percent } from "./percent.ts";

/** One class after an attack, on the scored pixels. */
export interface ClassOutcome {
  readonly name: string;
  readonly pixelsTarget: number;
  /** Pixels that the untouched model draws. */
  readonly pixelsAfter: number;
  /** IoU with the labels, in [0, 1]; `null` for a class that neither contains. */
  readonly iouAfter: number | null;
}

/** What an attack came to, as far as {@link verdictWords} tells it; the record of a result is one. */
export interface Outcome {
  readonly reached: boolean;
  readonly stopReason: StopReason;
  readonly options: Pick<
    RunOptionsUsed,
    "targeted" | "iouDefinition" | "iouThreshold" | "pixelAccuracyThreshold"
  >;
  /** Steps that were taken. */
  readonly steps: number;
  readonly best: { readonly step: number };
  /** What the untouched model draws on the image as it is saved. */
  readonly saved: Pick<Verdict, "iou" | "pixelAccuracy" | "l2" | "linf" | "reached">;
  readonly classes: readonly ClassOutcome[];
  /** Of the image as it is saved. */
  readonly visibility: Visibility;
}

/** A verdict in two parts of whole sentences. */
export interface VerdictWords {
  /** Whether the goal is reached, by which measure, and how the worst class fares beside a mean. */
  readonly goal: string;
  /** How much the picture changed. */
  readonly change: string;
}

/**
 * The verdict on an attack in words:
 *
 * - "Reached in 40 steps: the model draws the target with 97.20 % IoU (mean over the target's classes; goal
 *   95 %); worst class disc: 95.40 %."
 * - "The picture changed by at most 6 of 255 levels (99 % of the changed values by at most 3; L∞ 0.0235, L2
 *   1.84), in 8.10 % of its pixels; PSNR 48.9 dB, SSIM 0.9980."
 */
export function verdictWords(outcome: Outcome): VerdictWords {
  return { goal: goalWords(outcome), change: changeWords(outcome) };
}

/** What an IoU is measured over, in a few words. */
export const iouWords: Readonly<Record<IouDefinition, string>> = {
  foreground: "foreground",
  "mean-target": "mean over the target's classes",
  erased: "share erased",
  "mean-present": "mean over the classes present",
  "mean-all": "mean over all classes",
};

/** What the figure is called where it stands alone. */
export function iouName(definition: IouDefinition): string {
  return definition === "erased" ? iouWords.erased : `IoU, ${iouWords[definition]}`;
}

function goalWords(outcome: Outcome): string {
  const { options, reached, steps, best } = outcome;
  const hasGoal = options.iouThreshold > 0 || options.pixelAccuracyThreshold > 0;
  const taken = reached ? best.step : steps;
  const inSteps = `in ${taken} step${taken === 1 ? "" : "s"}`;
  const head = hasGoal ? `${reached ? "Reached" : "Not reached"} ${inSteps}` : "No goal was set";
  const figures = [...agreementWords(outcome), ...classWords(outcome)];
  return [`${head}: ${figures.join("; ")}.`, ...reasons(outcome)].join(" ");
}

/** The figures that the goal is about, or the IoU where none was set. */
function agreementWords({ options, saved, reached }: Outcome): string[] {
  const { iouDefinition, iouThreshold, pixelAccuracyThreshold, targeted } = options;
  const [iou, accuracy] = [saved.iou, saved.pixelAccuracy].map((v) =>
    percent(v, targeted ? "down" : "up"),
  );
  const goal = (threshold: number) =>
    threshold === 0
      ? []
      : [targeted ? `goal ${share(threshold)}` : `goal ${share(1 - threshold)} at most`];
  const [iouGoal, accuracyGoal] = [goal(iouThreshold), goal(pixelAccuracyThreshold)];
  const iouPart = () => {
    if (iouDefinition === "erased") {
      return `${iou} of what the target does not have is erased${inBrackets(iouGoal)}`;
    }
    const measured = inBrackets([iouWords[iouDefinition], ...iouGoal]);
    if (!targeted) {
      return `${iou} IoU with the labels to leave${measured}`;
    }
    return reached && iouGoal.length > 0
      ? `the model draws the target with ${iou} IoU${measured}`
      : `${iou} IoU with the target${measured}`;
  };
  const accuracyPart = () =>
    `${accuracy} of the pixels ${targeted ? "are as the target has them" : "keep the labels to leave"}${inBrackets(accuracyGoal)}`;
  return [
    ...(accuracyGoal.length === 0 || iouGoal.length > 0 ? [iouPart()] : []),
    ...(accuracyGoal.length > 0 ? [accuracyPart()] : []),
  ];
}

/** Beside a mean over several classes: the one that is farthest from the goal, and what is in no mean. */
function classWords({ classes, options }: Outcome): string[] {
  const { iouDefinition, targeted } = options;
  if (!iouDefinition.startsWith("mean")) {
    return [];
  }
  const meant = classes.filter(
    ({ iouAfter, pixelsTarget }) =>
      iouAfter !== null && (iouDefinition !== "mean-target" || pixelsTarget > 0),
  );
  const sorted = meant.toSorted((a, b) => (a.iouAfter as number) - (b.iouAfter as number));
  const worst = targeted ? sorted[0] : sorted.at(-1);
  const strays = classes.filter((c) => c.pixelsTarget === 0 && c.pixelsAfter > 0);
  const stray = strays.reduce((sum, c) => sum + c.pixelsAfter, 0);
  return [
    ...(worst === undefined || meant.length < 2
      ? []
      : [`worst ${classNamed(worst.name)}: ${percent(worst.iouAfter as number)}`]),
    ...(stray === 0 || iouDefinition !== "mean-target" || !targeted
      ? []
      : [
          `${stray.toLocaleString("en")} px of ${strays.length === 1 ? (strays[0] as ClassOutcome).name : `${strays.length} classes`} that the target does not have`,
        ]),
  ];
}

/** Classes without a name are called "class 3" already. */
function classNamed(name: string): string {
  return /^class \d+$/.test(name) ? name : `class ${name}`;
}

/** Why a goal was missed, where it was not for want of steps. */
function reasons({ reached, saved, stopReason }: Outcome): string[] {
  if (reached) {
    return [];
  }
  if (saved.reached) {
    return ["The saved file would reach it, but exceeds the budget."];
  }
  const words: Record<StopReason, string | undefined> = {
    reached: "The floating-point image reached it, the saved file does not.",
    iterations: undefined,
    aborted: "It was stopped.",
    "gradient vanished": "The gradient vanished.",
    "gradient not a number": "The gradient is not a number.",
    failed: "The run failed.",
  };
  const reason = words[stopReason];
  return reason === undefined ? [] : [reason];
}

function changeWords({ saved, visibility: v }: Outcome): string {
  if (v.changedPixels === 0) {
    return "The picture did not change.";
  }
  const quality = [
    ...(v.psnr === null ? [] : [`PSNR ${v.psnr.toFixed(1)} dB`]),
    ...(v.ssim === null ? [] : [`SSIM ${v.ssim < 1 ? Math.min(0.9999, v.ssim).toFixed(4) : "1"}`]),
  ];
  return `The picture changed by at most ${levels(v.largestLevels)} of ${(v.levels - 1).toLocaleString("en")} levels (99 % of the changed values by at most ${levels(v.p99Levels)}; L∞ ${short(saved.linf)}, L2 ${short(saved.l2)}), in ${percent(v.changedPixels)} of its pixels${quality.length === 0 ? "" : `; ${quality.join(", ")}`}.`;
}

/** A threshold as it was set. */
function share(threshold: number): string {
  return `${Number((threshold * 100).toFixed(4))} %`;
}

/** A number of levels: whole ones as such, small ones with two digits. */
function levels(n: number): string {
  return Number(n < 1 ? n.toPrecision(2) : n.toFixed(1)).toLocaleString("en", {
    maximumSignificantDigits: 6,
  });
}

function short(n: number): string {
  return String(Number(n.toPrecision(3)));
}

function inBrackets(parts: readonly string[]): string {
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}
