import {
  loadModel,
  type ImageTensor,
  type LabelMap,
  type LoadedModel,
  type LoadModelOptions,
  type LoadProgress,
  type ModelDescription,
  type ModelSource,
  type Normalisation,
  normalisations,
} from "@onnx-asma/web";

const bundled = {
  model: new URL("../../../../models/optic-disc.onnx", import.meta.url),
  image: new URL("../../../../models/retina.jpg", import.meta.url),
};

/** What the user chose; the bundled example where nothing was. */
export interface Choice {
  /** The model, its data files and its preprocessor_config.json; empty: the bundled one. */
  readonly modelFiles: readonly File[];
  readonly imageFile: File | undefined;
  readonly device: LoadModelOptions["device"];
  /** A name of `normalisations`; any other: as the model says. */
  readonly normalisation: string;
}

/** A model that is loaded, an image, and what the model draws on it. */
export interface Scene {
  readonly choice: Choice;
  readonly model: LoadedModel;
  readonly image: ImageTensor;
  readonly prediction: LabelMap;
  readonly description: ModelDescription;
}

/** What is told while a scene is opened. */
export interface SceneEvents {
  progress(progress: LoadProgress): void;
  say(text: string): void;
  notice(): void;
}

export function modelName({ modelFiles }: Choice): string {
  return modelFiles.find(isModel)?.name ?? "optic-disc.onnx";
}

export function imageName({ imageFile }: Choice): string {
  return imageFile?.name ?? "retina.jpg";
}

/** The choice with files that were dropped or picked. */
export function withFiles(choice: Choice, files: readonly File[]): Choice {
  const image = files.find(isImage);
  const others = files.filter((file) => !isImage(file));
  // What comes without a model belongs to the one before it, and the other way round.
  const kept = others.some(isModel) && choice.modelFiles.some(isModel) ? [] : choice.modelFiles;
  const isReplaced = (old: File) =>
    others.some((file) => file.name === old.name || (isConfig(file) && isConfig(old)));
  return {
    ...choice,
    imageFile: image ?? choice.imageFile,
    modelFiles: [...kept.filter((old) => !isReplaced(old)), ...others],
  };
}

/** Whether files are parts of a model without the model itself. */
export function lackModel(files: readonly File[]): boolean {
  return files.length > 0 && !files.some((file) => isModel(file) || isImage(file));
}

/**
 * Opens what was chosen. The former scene's model is used again where it is the same; it stays loaded
 * in any case, so that a choice that fails leaves a page that works.
 */
export async function openScene(
  choice: Choice,
  former: Scene | undefined,
  events: SceneEvents,
): Promise<Scene> {
  const model =
    former !== undefined &&
    former.model.failure === undefined &&
    hasSameModel(choice, former.choice)
      ? former.model
      : await openModel(choice, events);
  try {
    const source = choice.imageFile ?? (await (await fetch(bundled.image)).blob());
    const image = await model.readImage(source);
    events.say("The model looks at the image…");
    const prediction = await model.predict(image);
    const description = await model.describe([image.dims[2], image.dims[3]]);
    return { choice, model, image, prediction, description };
  } catch (error) {
    if (model !== former?.model) {
      await model.release();
    }
    throw error;
  }
}

async function openModel(choice: Choice, events: SceneEvents): Promise<LoadedModel> {
  return await loadModel(modelSource(choice), {
    device: choice.device,
    preprocessor: choice.modelFiles.find(isConfig) ?? false,
    ...(normalisations as Readonly<Record<string, Normalisation>>)[choice.normalisation],
    onProgress: events.progress,
    onNotice: events.notice,
  });
}

function modelSource({ modelFiles }: Choice): ModelSource {
  const model = modelFiles.find(isModel);
  const data = modelFiles.filter((file) => file !== model && !isConfig(file));
  if (model === undefined && data.length > 0) {
    const names = data.map(({ name }) => name).join(", ");
    throw new Error(`Expected a model (.onnx) to go with ${names}: drop it too.`);
  }
  if (model === undefined) {
    return bundled.model;
  }
  return { model, externalData: data };
}

function hasSameModel(a: Choice, b: Choice): boolean {
  return (
    a.device === b.device &&
    a.normalisation === b.normalisation &&
    a.modelFiles.length === b.modelFiles.length &&
    a.modelFiles.every((file, i) => file === b.modelFiles[i])
  );
}

function isModel({ name }: File): boolean {
  return name.endsWith(".onnx");
}

function isImage({ type }: File): boolean {
  return type.startsWith("image/");
}

function isConfig({ name }: File): boolean {
  return name.endsWith(".json");
}
