import {
  normalisations,
  type LoadModelOptions,
  type ModelSource,
  type Normalisation,
} from "@onnx-asma/web";

const bundledModel = new URL("../../../../models/optic-disc.onnx", import.meta.url);

/** What the settings beside the files say. */
export interface Settings {
  readonly device: "auto" | "wasm" | "webgpu";
  /** A name of `normalisations`; any other: as the model says. */
  readonly normalisation: string;
  /** Names of the classes with commas between them; empty: as the model says. */
  readonly classNames: string;
}

/** What the user chose; the bundled example where nothing was. */
export interface Choice extends Settings {
  /** The model, its data files, preprocessor_config.json and config.json; empty: the bundled one. */
  readonly modelFiles: readonly File[];
  readonly imageFile: File | undefined;
}

export function modelName({ modelFiles }: Choice): string {
  return modelOf(modelFiles)?.name ?? "optic-disc.onnx";
}

export function imageName({ imageFile }: Choice): string {
  return imageFile?.name ?? "retina.jpg";
}

/** Whether nothing but the bundled model and picture is chosen. */
export function isBundled({ modelFiles, imageFile }: Choice): boolean {
  return modelFiles.length === 0 && imageFile === undefined;
}

/** The bundled model and picture, on the device that was chosen. */
export function bundledChoice({ device }: Settings): Choice {
  return { modelFiles: [], imageFile: undefined, device, normalisation: "model", classNames: "" };
}

/** What a user chose, in words. */
export function chosenInWords(choice: Choice): string {
  const [isOurModel, isOurImage] = [choice.modelFiles.length === 0, choice.imageFile === undefined];
  const bundled =
    isOurModel && isOurImage
      ? ", both bundled"
      : isOurModel
        ? ", the bundled model"
        : isOurImage
          ? ", the bundled picture"
          : "";
  return `${modelName(choice)} on ${imageName(choice)}${bundled}`;
}

/** The choice with files that were dropped or picked. */
export function withFiles(choice: Choice, files: readonly File[]): Choice {
  const image = files.find(isImage);
  const others = files.filter((file) => !isImage(file));
  // What comes without a model belongs to the one before it, and the other way round.
  const isNewModel = others.some((file) => isModel(file) || isForeign(file));
  const kept = isNewModel && modelOf(choice.modelFiles) !== undefined ? [] : choice.modelFiles;
  const isReplaced = (old: File) =>
    others.some((file) => file.name === old.name || (isPreprocessor(file) && isPreprocessor(old)));
  return {
    ...choice,
    classNames: isNewModel ? "" : choice.classNames,
    imageFile: image ?? choice.imageFile,
    modelFiles: [...kept.filter((old) => !isReplaced(old)), ...others],
  };
}

/** How the model of a choice is loaded. @throws Error for data files without their model */
export function loadingOf({ modelFiles, device, normalisation, classNames }: Choice): {
  source: ModelSource;
  options: LoadModelOptions;
} {
  const model = modelOf(modelFiles);
  const data = modelFiles.filter((file) => file !== model && !isPreprocessor(file));
  const names = classNames.split(",").map((name) => name.trim());
  if (model === undefined && data.some((file) => !isJson(file))) {
    const found = data.map(({ name }) => `'${name}'`).join(", ");
    throw new Error(`Expected a model (.onnx) to go with ${found}: choose it together with it.`);
  }
  const options = {
    device,
    preprocessor: modelFiles.find(isPreprocessor) ?? (false as const),
    ...(normalisations as Readonly<Record<string, Normalisation>>)[normalisation],
    ...(classNames.trim() !== "" && { classes: names }),
  };
  return { source: { model: model ?? bundledModel, externalData: data }, options };
}

export function hasSameModel(a: Choice, b: Choice): boolean {
  return (
    a.device === b.device &&
    a.normalisation === b.normalisation &&
    a.classNames === b.classNames &&
    a.modelFiles.length === b.modelFiles.length &&
    a.modelFiles.every((file, i) => file === b.modelFiles[i])
  );
}

/** The model among files: an .onnx file, or what was taken for one. */
function modelOf(files: readonly File[]): File | undefined {
  return files.find(isModel) ?? files.find(isForeign);
}

function isModel({ name }: File): boolean {
  return /\.onnx$/i.test(name);
}

/** Models of other tools: the library says what they are. */
function isForeign({ name }: File): boolean {
  return /\.(pt|pth|pt2|ckpt|h5|keras|pb|tflite|safetensors|engine|zip|onnx\.gz|ort|mlmodel)$/i.test(
    name,
  );
}

/** A picture, or what may be taken for one: the library says what it is. */
function isImage({ type, name }: File): boolean {
  return (
    type.startsWith("image/") || /\.(npy|tiff?|pgm|ppm|pbm|pnm|heic|heif|avif|pdf)$/i.test(name)
  );
}

function isJson({ name }: File): boolean {
  return /\.json$/i.test(name);
}

/** The file of names of classes is another one. */
function isPreprocessor(file: File): boolean {
  return isJson(file) && file.name !== "config.json";
}
