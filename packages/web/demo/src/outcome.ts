import { isAsmaError, type AttackResult, type LabelMap, type ResultRecord } from "@onnx-asma/web";
import type { Iterate } from "./stage.ts";
import type { Plan } from "./planner.ts";

/** The files of an attack, as Node writes them too, and what they say. */
export interface RecordedFiles {
  /** Bytes by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly record: ResultRecord;
  /** What the untouched model draws on the saved image. */
  readonly prediction: LabelMap;
}

/** What an attack came to. */
export interface Outcome {
  readonly plan: Plan;
  readonly result: AttackResult;
  /** `undefined` where the model failed, and with it what would have checked the image. */
  readonly recorded: RecordedFiles | undefined;
}

/**
 * The files of an attack: the image as it is saved was read back and run through the untouched model.
 *
 * @param failure what ended the attack, if something did
 * @throws AsmaError as `resultFiles`
 */
export async function recordFiles(
  { scene, target, kind, file }: Plan,
  result: AttackResult,
  failure?: unknown,
): Promise<RecordedFiles> {
  const { model, image, imageFile, prediction, description } = scene;
  const files = await model.resultFiles({
    image,
    target,
    predictionBefore: prediction,
    result,
    sources: { image: imageFile, target: file },
    request: { kind },
    ...(isAsmaError(failure) && { failure: { code: failure.code, message: failure.message } }),
  });
  const record = JSON.parse(textOf(files, "result.json")) as ResultRecord;
  const name = [...files.keys()].find((file) => file.startsWith("labels-after.")) as string;
  const labels = new File([copyOf(files, name)], name);
  const { classes } = description.head;
  return { files, record, prediction: await model.readMask(labels, { classes }) };
}

/** The best image with what the untouched model draws on it. */
export function iterateOf({ best }: AttackResult, { record, prediction }: RecordedFiles): Iterate {
  return { image: best.image, prediction, linf: record.saved.linf };
}

/** The bytes of a file, in memory of their own. */
export function copyOf(
  files: ReadonlyMap<string, Uint8Array>,
  name: string,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(files.get(name) as Uint8Array);
}

function textOf(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  return new TextDecoder().decode(files.get(name));
}
