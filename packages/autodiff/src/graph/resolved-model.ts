import type { TensorProto } from "onnx-buf";
import type { Model } from "../model/model.ts";
import { dataTypeFromProto, type TensorType } from "../model/data-type.ts";

/** A model whose dtypes, dims and constants are known. Made by `resolve`. */
export class ResolvedModel {
  readonly model: Model;
  /** dtype and dims of every value that has them: inputs, initializers, results of nodes. */
  readonly types: ReadonlyMap<string, TensorType>;
  readonly #initializers: ReadonlyMap<string, TensorProto>;
  readonly #constants = new Map<string, readonly number[] | undefined>();

  constructor(model: Model, types: ReadonlyMap<string, TensorType>) {
    this.model = model;
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
