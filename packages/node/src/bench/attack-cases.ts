import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ImageTensor, LabelMap } from "@onnx-asma/core";
import { hideClass, moveForeground } from "@onnx-asma/core/targets";
import type { LoadedModel } from "../loaded-model.ts";

const models = new URL("../../../../models/", import.meta.url);
const pictures = new URL("held-out/", models);

/** Pictures that no model was trained on and no attack was tuned on: paths, in order. */
export async function heldOutPictures(): Promise<string[]> {
  const names = (await readdir(pictures)).filter((name) => name.endsWith(".jpg"));
  return names.toSorted().map((name) => fileURLToPath(new URL(name, pictures)));
}

/** A model, and what it is to draw. */
export interface CaseGroup {
  readonly name: string;
  readonly model: string;
  /** The target on one picture; `undefined` where the model draws too little for it. */
  target(
    model: LoadedModel,
    picture: ImageTensor,
    other: ImageTensor,
  ): Promise<LabelMap | undefined>;
  /** What counts as reached. */
  readonly thresholds: { readonly iouThreshold: number; readonly pixelAccuracyThreshold?: number };
}

const bundled = (name: string) => fileURLToPath(new URL(name, models));

/** All of class 1 becomes background, to the last pixel. */
const erase: Pick<CaseGroup, "target" | "thresholds"> = {
  target: async (model, picture) => {
    const seen = await model.predict(picture);
    return hasForeground(seen) ? hideClass(seen, 1) : undefined;
  },
  thresholds: { iouThreshold: 1, pixelAccuracyThreshold: 1 },
};

/** What is drawn moves by 30 pixels to the right. */
const shift: Pick<CaseGroup, "target" | "thresholds"> = {
  target: async (model, picture) => {
    const seen = await model.predict(picture);
    return hasForeground(seen) ? moveForeground(seen, { shift: [0, 30] }) : undefined;
  },
  thresholds: { iouThreshold: 0.95 },
};

/** What the model draws on the next picture. */
const other: Pick<CaseGroup, "target" | "thresholds"> = {
  target: async (model, _, next) => {
    const seen = await model.predict(next);
    return hasForeground(seen) ? seen : undefined;
  },
  thresholds: { iouThreshold: 0.95 },
};

/** The groups of the table, by name. */
export const caseGroups: readonly CaseGroup[] = [
  { name: "erase", model: bundled("optic-disc.onnx"), ...erase },
  { name: "shift", model: bundled("optic-disc.onnx"), ...shift },
  { name: "robust, erase", model: bundled("optic-disc-robust.onnx"), ...erase },
  { name: "robust, shift", model: bundled("optic-disc-robust.onnx"), ...shift },
  { name: "4 classes, another map", model: bundled("optic-disc-4class.onnx"), ...other },
];

function hasForeground({ data }: LabelMap): boolean {
  return data.some((label) => label > 0);
}
