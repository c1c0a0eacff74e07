import { create } from "@bufbuild/protobuf";
import type { NodeProto } from "../model/onnx-messages.ts";
import { ModelProtoSchema } from "../model/onnx-schema.ts";
import { copyMessage } from "../model/copy-message.ts";
import { AutodiffError } from "../errors.ts";
import { isGradientNode } from "../graph/gradient-node.ts";
import { Model } from "../model/model.ts";
import { writeModel } from "../model/write-model.ts";
import { isExpandable } from "../expansions/expand-node.ts";
import { lowerOpset } from "../passes/lower-opset.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import type { Runtime, Session, SessionOptions } from "../runtime.ts";

/** Sessions that answer for types and constants, and what they cannot be asked about. */
export class Probe {
  readonly #runtime: Runtime;
  readonly #sessionOptions: SessionOptions | undefined;
  #refusal: AutodiffError | undefined;

  constructor(runtime: Runtime, sessionOptions: SessionOptions | undefined) {
    this.#runtime = runtime;
    this.#sessionOptions = sessionOptions;
  }

  /**
   * Whether a node is kept from the runtime until it is replaced by others: runtimes do not have
   * `Gradient` and do not infer the dims of MeanVarianceNormalization; once the runtime has refused
   * the model, everything that has a function body here.
   */
  isDeferred(node: NodeProto): boolean {
    const isUntyped = node.opType === "MeanVarianceNormalization" && node.domain === "";
    return isUntyped || isGradientNode(node) || (this.#refusal !== undefined && isExpandable(node));
  }

  /** The nodes, in order, that neither are kept from the runtime nor wait for one that is. */
  loadable(nodes: readonly NodeProto[]): NodeProto[] {
    const waiting = new Set<string>();
    return nodes.filter((node) => {
      const isWaiting = this.isDeferred(node) || inputsOf(node).some((name) => waiting.has(name));
      if (isWaiting) {
        node.output.forEach((name) => waiting.add(name));
      }
      return !isWaiting;
    });
  }

  /** Why the runtime refused the model as it is, if it did. */
  get refusal(): AutodiffError | undefined {
    return this.#refusal;
  }

  /** From now on, all nodes with a function body are kept from the runtime. */
  deferExpandable(refusal: AutodiffError): void {
    this.#refusal = refusal;
  }

  /**
   * Loads a model to ask for types and constants, on the CPU wherever the model runs later.
   *
   * @throws AutodiffError `ERR_MODEL_REFUSED` with the runtime's reason
   */
  async open(model: Model): Promise<Session> {
    const { bytes, externalData } = writeModel(
      this.#refusal === undefined ? model : lowered(model),
      "reference",
    );
    try {
      return await this.#runtime.InferenceSession.create(bytes, {
        logSeverityLevel: 3,
        ...this.#sessionOptions,
        externalData,
        // Shapes and constants come from the CPU, wherever the model runs later.
        executionProviders: undefined,
        graphOptimizationLevel: "basic",
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AutodiffError(
        "ERR_MODEL_REFUSED",
        `ONNX Runtime cannot load the model: ${reason}`,
        { cause },
      );
    }
  }
}

/** The model at an opset that every runtime has, if its nodes allow it. */
function lowered(model: Model): Model {
  const opsetImport = model.proto.opsetImport.map((o) => copyMessage(o));
  const copy = new Model(create(ModelProtoSchema, { ...model.proto, opsetImport }), model.files);
  lowerOpset(copy);
  return copy;
}
