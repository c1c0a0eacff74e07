import {
  isAsmaError,
  loadModel,
  refusal,
  type LabelMap,
  type LoadedModel,
  type LoadProgress,
  type ModelDescription,
  type ReadImage,
} from "@onnx-asma/web";
import { hasSameModel, imageName, loadingOf, type Choice } from "./choice.ts";

const bundledImage = new URL("../../../../models/retina.jpg", import.meta.url);

/** A model that is loaded, an image, and what the model draws on it. */
export interface Scene {
  readonly choice: Choice;
  readonly model: LoadedModel;
  readonly image: ReadImage;
  /** The file that it came from. */
  readonly imageFile: File;
  readonly prediction: LabelMap;
  readonly description: ModelDescription;
}

/** What is told while a scene is opened, and what ends it. */
export interface Opening {
  readonly signal: AbortSignal;
  progress(progress: LoadProgress): void;
  say(text: string): void;
  notice(): void;
}

/** The field that a failed opening is to be blamed on. */
export class OpeningError extends Error {
  readonly field: string;

  constructor(field: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.field = field;
  }
}

/**
 * Opens what was chosen. The former scene's model is used again where it is the same; it stays loaded
 * in any case, so that a choice that fails leaves a page that works. Aborting ends the model that is used.
 *
 * @throws OpeningError
 */
export async function openScene(
  choice: Choice,
  former: Scene | undefined,
  opening: Opening,
): Promise<Scene> {
  const isKept =
    former !== undefined &&
    former.model.failure === undefined &&
    hasSameModel(choice, former.choice);
  const model = isKept ? former.model : await openModel(choice, opening);
  const abort = () => void model.release();
  opening.signal.addEventListener("abort", abort);
  try {
    return { choice, model, ...(await look(model, choice, opening)) };
  } catch (error) {
    if (!isKept) {
      await model.release();
    }
    throw error;
  } finally {
    opening.signal.removeEventListener("abort", abort);
  }
}

/** Loads the model of a scene again, of which the pictures are kept. @throws OpeningError */
export async function reopen(scene: Scene, opening: Opening): Promise<Scene> {
  return { ...scene, model: await openModel(scene.choice, opening) };
}

async function openModel(choice: Choice, opening: Opening): Promise<LoadedModel> {
  try {
    const { source, options } = loadingOf(choice);
    return await loadModel(source, {
      ...options,
      signal: opening.signal,
      onProgress: opening.progress,
      onNotice: opening.notice,
    });
  } catch (error) {
    throw new OpeningError(fieldOf(error, "model-file", choice), error);
  }
}

async function look(
  model: LoadedModel,
  choice: Choice,
  { signal, say }: Opening,
): Promise<Omit<Scene, "choice" | "model">> {
  let blamed = "image-file";
  try {
    say(`Reading ${imageName(choice)}…`);
    const imageFile = choice.imageFile ?? (await fetchBundled(choice, signal));
    checkFlat(model);
    const image = await model.readImage(imageFile);
    say("The model looks at the picture…");
    blamed = "model-file";
    const prediction = await model.predict(image);
    const description = await model.describe([image.dims[2], image.dims[3]]);
    return { image, imageFile, prediction, description };
  } catch (error) {
    throw new OpeningError(fieldOf(error, blamed, choice), error);
  }
}

async function fetchBundled(choice: Choice, signal: AbortSignal): Promise<File> {
  const blob = await (await fetch(bundledImage, { signal })).blob();
  return new File([blob], imageName(choice), { type: blob.type });
}

function checkFlat(model: LoadedModel): void {
  if (model.input.size.length > 2) {
    throw new OpeningError(
      "model-file",
      refusal("ERR_IMAGE_INPUT", {
        expected: "a model of pictures",
        found: "this one takes volumes, which this page does not show",
        wayOut: "use the command line or the library",
      }),
    );
  }
}

/** The field to blame, where the error's code tells; otherwise the one whose turn it was. */
function fieldOf(error: unknown, blamed: string, { normalisation }: Choice): string {
  if (error instanceof OpeningError) {
    return error.field;
  }
  const code = isAsmaError(error) ? error.code : "";
  if (code === "ERR_PREPROCESSING" && normalisation !== "model") {
    return "normalisation";
  }
  return fieldsOfCodes.find(([codes]) => codes.test(code))?.[1] ?? blamed;
}

const fieldsOfCodes = [
  [/^ERR_DEVICE/, "device-choice"],
  [/^ERR_CLASSES$/, "class-names"],
  [/^ERR_(IMAGE_(?!INPUT)|INPUT_DIMS|OUT_OF_MEMORY)/, "image-file"],
] as const;
