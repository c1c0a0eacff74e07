import type { LabelMap } from "../image.ts";
import type { Verdict } from "../metrics/verdict.ts";
import { encodeNpy } from "../npy/encode-npy.ts";
import { encodeImage, imageFormatOf } from "../png/encode-image.ts";
import { fitTarget } from "../targets/fit-target.ts";
import type { Verification, VerifyOptions } from "../workbench/model-handle.ts";
import { adversarialFile, type AdversarialFile } from "./adversarial-file.ts";
import type { RecordedAttack, Verify } from "./recorded-attack.ts";
import { encodeLabels, type LabelsFile } from "./encode-labels.ts";
import { trajectoryCsv } from "./trajectory-csv.ts";

/** The files of an attack that figures are worked out from, and what the untouched model says of them. */
export interface DataFiles {
  /** Bytes by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** On the output grid. */
  readonly target: LabelMap;
  /** The best iterate as re-read from `savedFile`. */
  readonly saved: Verification;
  /** The best iterate itself. */
  readonly float: Verification;
  readonly savedFile: AdversarialFile;
  /** Name of the file that holds the untouched pixels as decoded. */
  readonly original: string;
  readonly labels: Readonly<Record<"target" | "before" | "after" | "float", LabelsFile>>;
  readonly region: { readonly file: string; readonly pixels: number } | undefined;
}

/**
 * Makes the files of an attack that figures are worked out from: the untouched pixels, the adversarial image
 * as it is saved (rounded) and as float `.npy`, label maps, the region, the trajectory. The saved file is read
 * back and run through the **untouched** model.
 *
 * @param verify is given the bytes of the saved file, then the float image
 * @throws AsmaError whatever `verify` and encoding throw
 */
export async function dataFiles(attack: RecordedAttack, verify: Verify): Promise<DataFiles> {
  const { description, image, predictionBefore, region, result } = attack;
  const { best, options } = result;
  const files = new Map<string, Uint8Array>();
  const target = fitTarget(attack.target, description);
  const format = imageFormatOf(image);
  const original = `original.${format.format}`;
  files.set(original, encodeImage(image, format));
  const savedFile = adversarialFile(image, options.levels);
  const bytes = encodeImage(best.image, savedFile);
  files.set(savedFile.name, bytes);
  if (savedFile.format === "png") {
    files.set("adversarial.npy", encodeNpy(best.image, "the adversarial image"));
  }
  const { iouThreshold, pixelAccuracyThreshold, iouDefinition, targeted } = options;
  const judging: VerifyOptions = {
    original: image,
    iouThreshold,
    pixelAccuracyThreshold,
    iouDefinition,
    targeted,
  };
  const saved = await verify(bytes, target, judging);
  const float = await verify(best.image, target, judging);
  const labelsFile = (name: string, labels: LabelMap, classes = description.head.classes) => {
    const { bytes: encoded, ...file } = encodeLabels(name, labels, { classes });
    files.set(file.file, encoded);
    return file;
  };
  const labels = {
    target: labelsFile("target", target),
    before: labelsFile("labels-before", predictionBefore),
    after: labelsFile("labels-after", saved.prediction),
    float: labelsFile("labels-float", float.prediction),
  };
  const mask = region && {
    data: Int32Array.from(region),
    dims: description.preprocessing.imageSize,
  };
  const regionFile = mask && {
    file: labelsFile("region", mask, 2).file,
    pixels: mask.data.reduce((sum, may) => sum + may, 0),
  };
  files.set("trajectory.csv", new TextEncoder().encode(trajectoryCsv(result.trajectory)));
  return { files, target, saved, float, savedFile, original, labels, region: regionFile };
}

/** The numbers of a verification. */
export function verdictOf(verification: Verification): Verdict {
  const { image: _image, prediction: _prediction, iouDefinition: _name, ...verdict } = verification;
  return verdict;
}
