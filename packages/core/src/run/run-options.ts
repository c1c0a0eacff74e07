import type { RunPresets } from "../attack/attack-definition.ts";
import { AsmaError } from "../errors.ts";
import type { LabelMap } from "../image.ts";
import type { Thresholds } from "../metrics/thresholds.ts";
import { defaultIouDefinition, iouDefinitions, type IouDefinition } from "../metrics/iou.ts";

/** Options that a run of any attack has. */
export interface RunOptions {
  /** Steps to take at most. @default 500, or as many as the attack presets */
  readonly iterations?: number;
  /** IoU with the target that counts as reached, in [0, 1]. @default 0.95 */
  readonly iouThreshold?: number;
  /** Pixel accuracy that counts as reached, in [0, 1]; both thresholds have to hold. @default 0 */
  readonly pixelAccuracyThreshold?: number;
  /** Stop at the first iterate that holds both thresholds. @default true */
  readonly earlyStop?: boolean;
  /** @default by the target, see `defaultIouDefinition` */
  readonly iouDefinition?: IouDefinition;
  /** Whether the labels are to be reached, or (false) to be left. @default true */
  readonly targeted?: boolean;
  /**
   * Values per channel of the file the result is for: the model then sees the rounded image at every
   * step. "float" optimises the float image. @default those of the image
   */
  readonly levels?: number | "float";
  /** Seed of random starts. @default 0 */
  readonly seed?: number;
  /** Where the image may change: one number per pixel, 1 yes, 0 no. @default everywhere */
  readonly region?: Float32Array;
  /** Stops the attack between two steps; the best so far is kept. */
  readonly signal?: { readonly aborted: boolean };
}

/** {@link RunOptions} as they were used, for records. */
export interface RunOptionsUsed {
  /** Steps at most. */
  readonly iterations: number;
  /** IoU that counts as reached, in [0, 1]. */
  readonly iouThreshold: number;
  /** Pixel accuracy that counts as reached, in [0, 1]; both have to hold. */
  readonly pixelAccuracyThreshold: number;
  /** Whether the first iterate that holds both ended the run. */
  readonly earlyStop: boolean;
  /** How IoU is measured. */
  readonly iouDefinition: IouDefinition;
  /** Whether the labels were to be reached, or (false) to be left. */
  readonly targeted: boolean;
  /** Values per channel that the image was rounded to at every step. */
  readonly levels: number | "float";
  /** Seed of random starts. */
  readonly seed: number;
}

/** What counts as reached where nothing is said. */
export const defaultThresholds: Thresholds = { iou: 0.95, pixelAccuracy: 0 };

/** Names of the options of a run; all others are the attack's. */
export const runOptionKeys = [
  "iterations",
  "iouThreshold",
  "pixelAccuracyThreshold",
  "earlyStop",
  "iouDefinition",
  "targeted",
  "levels",
  "seed",
  "region",
  "signal",
] as const satisfies readonly (keyof RunOptions)[];

/** What the defaults of a run depend on. */
export interface RunContext {
  readonly presets: RunPresets;
  /** Levels of the image, `undefined` for floating point. */
  readonly imageLevels: number | undefined;
  readonly canLeave: boolean;
  /** Title of the attack, for messages. */
  readonly title: string;
}

/** A run's options before the model is known. */
export type ParsedRunOptions = Omit<RunOptionsUsed, "iouDefinition"> & {
  readonly iouDefinition: IouDefinition | undefined;
};

/**
 * Fills in defaults and checks what can be checked without the model.
 *
 * @throws AsmaError `ERR_OPTION`
 */
export function parseRunOptions(options: RunOptions, context: RunContext): ParsedRunOptions {
  const { presets, imageLevels } = context;
  const used = {
    iterations: options.iterations ?? presets.iterations ?? 500,
    iouThreshold: options.iouThreshold ?? defaultThresholds.iou,
    pixelAccuracyThreshold: options.pixelAccuracyThreshold ?? defaultThresholds.pixelAccuracy,
    earlyStop: options.earlyStop ?? presets.earlyStop ?? true,
    iouDefinition: options.iouDefinition ?? presets.iouDefinition,
    targeted: options.targeted ?? true,
    levels: options.levels ?? presets.levels ?? imageLevels ?? "float",
    seed: options.seed ?? 0,
  };
  const wants = (key: keyof RunOptions, isRight: boolean, expected: string) => {
    if (!isRight) {
      throw new AsmaError(
        "ERR_OPTION",
        `Expected ${expected} for \`${key}\` but found ${found(options[key])}.`,
        { details: { option: key } },
      );
    }
  };
  const { iterations, levels, seed } = used;
  wants("iterations", Number.isInteger(iterations) && iterations >= 1, "a positive integer");
  for (const key of ["iouThreshold", "pixelAccuracyThreshold"] as const) {
    const value: unknown = used[key];
    wants(
      key,
      typeof value === "number" && value >= 0 && value <= 1,
      "a number in [0, 1], 0.95 for 95 %,",
    );
  }
  wants("earlyStop", typeof used.earlyStop === "boolean", "true or false");
  wants("targeted", typeof used.targeted === "boolean", "true or false");
  wants(
    "levels",
    levels === "float" || (Number.isInteger(levels) && levels >= 2 && levels <= 2 ** 24),
    "an integer from 2 to 16777216, or 'float'",
  );
  const { signal } = options;
  wants(
    "signal",
    signal === undefined || typeof (signal as { aborted?: unknown } | null)?.aborted === "boolean",
    "an AbortSignal (what an AbortController has as its signal)",
  );
  wants("seed", Number.isSafeInteger(seed), "an integer");
  wants(
    "iouDefinition",
    used.iouDefinition === undefined || iouDefinitions.includes(used.iouDefinition),
    `one of ${iouDefinitions.join(", ")}`,
  );
  if (!used.targeted && !context.canLeave) {
    throw new AsmaError(
      "ERR_OPTION",
      `${context.title} leads towards labels only: leave \`targeted\` out, or take another attack.`,
      { details: { option: "targeted" } },
    );
  }
  return used;
}

/** A value as messages show it. */
function found(value: unknown): string {
  return typeof value === "string" ? `'${value}'` : String(value);
}

/**
 * The definition of IoU that a run measures by.
 *
 * @throws AsmaError `ERR_IOU_DEFINITION` for `foreground` of other than two classes
 */
export function iouDefinitionOf(
  asked: IouDefinition | undefined,
  classes: number,
  target: LabelMap,
): IouDefinition {
  const definition = asked ?? defaultIouDefinition(classes, target);
  if (definition === "foreground" && classes !== 2) {
    throw new AsmaError(
      "ERR_IOU_DEFINITION",
      `'foreground' is the IoU of two classes, but this model has ${classes}: use 'mean-target'.`,
    );
  }
  return definition;
}
