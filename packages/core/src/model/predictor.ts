import {
  GraphBuilder,
  writeModel,
  type Model,
  type ResolvedModel,
  type Runtime,
  type TensorType,
} from "@onnx-asma/autodiff";
import { AsmaError } from "../errors.ts";
import type { ImageDims, ImageTensor, LabelMap } from "../image.ts";
import { openSession, type LeasedSession } from "../open-session.ts";
import { appendOtherInputs } from "./input/other-inputs.ts";
import { appendPreprocessing } from "./input/preprocessing.ts";
import type { ModelDescription } from "./model-description.ts";
import type { ModelOptions } from "./model-options.ts";
import { decodeLabels } from "./output/decode-labels.ts";
import { writePredictor } from "./substitute.ts";

/** What a {@link Predictor} is made of. */
export interface PredictorRequest {
  readonly runtime: Runtime;
  readonly original: Model;
  /** What runs where the runtime cannot run the original. */
  readonly substitute: ResolvedModel | undefined;
  readonly description: ModelDescription;
  readonly imageDims: ImageDims;
  /** Samples in the original's batch for one image. */
  readonly batch: number;
  readonly options: Pick<ModelOptions, "feeds" | "dims" | "sessionOptions">;
}

/** Predicts with the **untouched** model, one image at a time: its own bytes in a session of their own. */
export class Predictor {
  readonly #runtime: Runtime;
  readonly #description: ModelDescription;
  readonly #preprocess: LeasedSession;
  readonly #model: LeasedSession;
  /** The output of the preprocessing for each input. */
  readonly #prepared: Readonly<Record<string, string>>;

  private constructor(
    { runtime, description }: PredictorRequest,
    prepared: Readonly<Record<string, string>>,
    preprocess: LeasedSession,
    model: LeasedSession,
  ) {
    this.#prepared = prepared;
    this.#runtime = runtime;
    this.#description = description;
    this.#preprocess = preprocess;
    this.#model = model;
  }

  /** @throws AsmaError `ERR_SESSION` */
  static async open(request: PredictorRequest): Promise<Predictor> {
    const { runtime, original, substitute, description } = request;
    const { sessionOptions } = request.options;
    const { output, queries } = description.head;
    const declared = new Set(original.graph.output.map(({ name }) => name));
    // An inner value becomes an output; of a declared one the model's own bytes are run.
    const inner = [output, queries?.classes].find(
      (name) => name !== undefined && !declared.has(name),
    );
    const { model: preparing, prepared } = buildPreprocessing(request);
    const preprocess = await openSession(
      runtime,
      writeModel(preparing, "embed"),
      sessionOptions,
      "the preprocessing",
    );
    try {
      const model = await openSession(
        runtime,
        writePredictor(original, substitute, inner ?? output),
        sessionOptions,
        "the model",
      );
      return new Predictor(request, prepared, preprocess, model);
    } catch (error) {
      await preprocess.release();
      throw error;
    }
  }

  /**
   * @returns labels on the label grid
   * @throws AsmaError `ERR_OUTPUT` when the output is not what the head says
   */
  async predict(image: ImageTensor): Promise<LabelMap> {
    const { head } = this.#description;
    const { Tensor } = this.#runtime;
    const prepared = await this.#preprocess.run({
      image: new Tensor("float32", image.data, image.dims),
    });
    const { output, queries } = head;
    const fetches = queries === undefined ? [output] : [output, queries.classes];
    const feeds = Object.entries(this.#prepared).map(([name, from]) => [name, prepared[from]]);
    const results = await this.#model.run(Object.fromEntries(feeds) as never, fetches);
    const result = results[output];
    if (result === undefined) {
      throw new AsmaError("ERR_OUTPUT", `The model gave no output '${output}'.`);
    }
    return decodeLabels(result, queries && results[queries.classes], head);
  }

  /** Releases the runtime's sessions, once no prediction is under way. */
  async release(): Promise<void> {
    await Promise.all([this.#preprocess.release(), this.#model.release()]);
  }
}

/** From an image to the inputs of the original, or of what stands in for it: a model, and its output for each. */
function buildPreprocessing({
  original,
  description,
  substitute,
  imageDims,
  batch,
  options,
}: PredictorRequest): { model: Model; prepared: Record<string, string> } {
  const { input, preprocessing } = description;
  const type = substitute?.types.get(input.name) as TensorType | undefined;
  const b = GraphBuilder.empty();
  const image = b.input("image", { dtype: "float32", dims: imageDims });
  const prepared = appendPreprocessing(b, image, type?.dtype ?? input.dtype, {
    ...preprocessing,
    // What stands in is resolved for the batch of the images; copies fill it.
    batch: substitute === undefined ? batch : preprocessing.batch,
  });
  const own = { [input.name]: b.output(prepared, "input").name };
  // What stands in has the others as constants.
  const others =
    substitute === undefined ? appendOtherInputs(b, original, input.name, options) : {};
  return { model: b.build().model, prepared: { ...own, ...others } };
}
