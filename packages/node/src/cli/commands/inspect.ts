import {
  ignored,
  refusal,
  sizeOf,
  type Decision,
  type LabelMap,
  type ModelDescription,
} from "@onnx-asma/core";
import { doubtValues } from "@onnx-asma/core/input-check";
import { describePrediction, pixelsPerClass } from "@onnx-asma/core/targets";
import type { FileImage } from "@onnx-asma/core/picture-file";
import { writeFile } from "../../images/write-file.ts";
import type { LoadedModel } from "../../loaded-model.ts";
import { overlay } from "../../report/mask-picture.ts";
import { encodePicture, imagePicture } from "../../report/picture.ts";
import { fullestSlice } from "../../report/fullest-slice.ts";
import { planeOf, sliceOfImage, sliceOfLabels } from "../../report/slice.ts";
import { checkFileName } from "../check-file-name.ts";
import { exitCodes } from "../exit-codes.ts";
import { sayFlags } from "../flag-words.ts";
import type { ModelFlags } from "../model-flags.ts";
import { openModel } from "../open-model.ts";
import { messageOf, note, notePages, printError, printResult, table } from "../output.ts";

/** Flags of `onnx-asma inspect`. */
export interface InspectFlags extends ModelFlags {
  readonly json?: boolean;
  readonly force?: boolean;
  /** Where the picture of the prediction goes. */
  readonly out?: string;
}

/** What a model draws on an image. */
interface Seen {
  readonly image: FileImage;
  readonly prediction: LabelMap;
}

/**
 * `onnx-asma inspect MODEL [IMAGE]`: what a model was taken to mean, whether it can be attacked, and what it
 * draws on an image.
 */
export async function inspect(
  path: string,
  imagePath: string | undefined,
  flags: InspectFlags,
): Promise<number> {
  if (flags.out !== undefined && imagePath === undefined) {
    throw refusal("ERR_USAGE", {
      expected: "an image whose prediction --out shows",
      found: "found the model alone",
      wayOut: "name one behind the model, or leave --out out",
    });
  }
  if (flags.out !== undefined) {
    await checkFileName(flags.out, { ending: ".png", is: "the picture", force: flags.force });
  }
  const model = await openModel(path, flags);
  try {
    const seen = imagePath === undefined ? undefined : await look(imagePath, model);
    if (seen !== undefined && flags.out !== undefined) {
      await writePicture(flags.out, model, seen);
    }
    return await report(path, model, { seen, asJson: flags.json === true });
  } finally {
    await model.release();
  }
}

async function look(imagePath: string, model: LoadedModel): Promise<Seen> {
  const image = await model.readImage(imagePath);
  notePages(imagePath, image);
  return { image, prediction: await model.predict(image) };
}

/** The prediction drawn over the image. */
async function writePicture(
  path: string,
  model: LoadedModel,
  { image, prediction }: Seen,
): Promise<void> {
  const { grid } = await model.describe(sizeOf(image));
  const slice = fullestSlice(prediction, image, grid.placement);
  const picture = overlay(
    imagePicture(sliceOfImage(image, slice)),
    sliceOfLabels(prediction, slice),
    { placement: planeOf(grid.placement), ignoreLabel: ignored },
  );
  await writeFile(path, encodePicture(picture));
}

async function report(
  path: string,
  model: LoadedModel,
  { seen, asJson }: { readonly seen: Seen | undefined; readonly asJson: boolean },
): Promise<number> {
  const size = seen && sizeOf(seen.image);
  const description = await model.describe(size);
  const problem = await model.gradientProblem(size);
  const isDifferentiable = problem === undefined;
  const { graph, proto } = model.model;
  const facts = {
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    irVersion: Number(proto.irVersion),
    opset: description.opset,
    nodes: graph.node.length,
    operators: description.operators,
  };
  const notices = seen?.prediction.notices ?? doubtsOf(description);
  const { code } = (problem ?? {}) as { code?: string };
  printResult(
    asJson,
    {
      model: path,
      ...facts,
      ...description,
      ...(seen && {
        prediction: {
          dims: seen.prediction.dims,
          pixelsPerClass: pixelsPerClass(seen.prediction, description.head.classes),
        },
      }),
      notices,
      isDifferentiable,
      problem: isDifferentiable ? undefined : { code, message: messageOf(problem) },
    },
    () =>
      [
        `${path}: opset ${facts.opset}, ${facts.nodes} nodes, ${facts.producer || "unknown producer"}`,
        "",
        table(
          description.decisions.map((d) =>
            [
              d.what,
              d.is,
              `(${d.isUnsure === true ? "unsure: " : ""}${d.because}; ${wayOutOf(d)})`,
            ].map(sayFlags),
          ),
        ),
        table([
          [
            "classes",
            description.classNames.map((name, c) => `${c} ${name}`).join(", "),
            "(--classes)",
          ],
          ["gradient", isDifferentiable ? gradientOrigin(model) : "missing, see below", ""],
        ]),
        ...(seen ? ["", describePrediction(seen.prediction, description.classNames)] : []),
      ].join("\n"),
  );
  notices.forEach((notice) => note(notice));
  if (!isDifferentiable) {
    printError(problem, false);
  }
  return isDifferentiable ? exitCodes.reached : exitCodes.unsupportedModel;
}

/** What can be doubted without an image. */
function doubtsOf({ preprocessing }: ModelDescription): string[] {
  return [doubtValues(preprocessing)].filter((doubt) => doubt !== undefined);
}

function gradientOrigin({ options }: LoadedModel): string {
  return options.trainingGraph === undefined
    ? "every operator on the way has a rule"
    : "from the training graph";
}

/** What decides otherwise, in words, with options in backticks. */
function wayOutOf({ options, wayOut }: Decision): string {
  return wayOut ?? options.map((key) => `\`${key}\``).join(", ");
}
