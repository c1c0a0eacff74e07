import type { TensorProto } from "../model/onnx-messages.ts";
import type { Model } from "../model/model.ts";
import { dataTypeFromProto, type DataType, type TensorType } from "../model/data-type.ts";

/** How a resolved model departs from the file that it was made from. */
export interface Adaptations {
  /** Float types that became float32. */
  readonly floats: readonly DataType[];
  /** Integer graph inputs that became float32, with their own types. */
  readonly integerInputs: Readonly<Record<string, DataType>>;
  /** Number of quantized activations: their gradients are straight-through estimates. */
  readonly quantized: number;
}

/** A model whose dtypes, dims and constants are known. Made by `resolve`. */
export class ResolvedModel {
  readonly model: Model;
  /** dtype and dims of every value that has them: inputs, initializers, results of nodes. */
  readonly types: ReadonlyMap<string, TensorType>;
  readonly adaptations: Adaptations;
  readonly #initializers: ReadonlyMap<string, TensorProto>;
  readonly #constants = new Map<string, readonly number[] | undefined>();

  constructor(
    model: Model,
    types: ReadonlyMap<string, TensorType>,
    adaptations: Adaptations = { floats: [], integerInputs: {}, quantized: 0 },
  ) {
    this.model = model;
    this.adaptations = adaptations;
    this.#initializers = new Map(model.graph.initializer.map((t) => [t.name, t]));
    const all = new Map(types);
    for (const tensor of model.graph.initializer) {
      const dtype = dataTypeFromProto(tensor.dataType);
      if (dtype !== undefined) {
        all.set(tensor.name, { dtype, dims: tensor.dims.map(Number) });
      }
    }
    this.types = all;
  }

  /** The numbers of an initializer, `undefined` for every other value. */
  constant(name: string): readonly number[] | undefined {
    if (!this.#constants.has(name)) {
      const tensor = this.#initializers.get(name);
      this.#constants.set(name, tensor && this.model.numbers(tensor));
    }
    return this.#constants.get(name);
  }
}
