import { create } from "@bufbuild/protobuf";
import type { NodeProto } from "../model/onnx-messages.ts";
import { ModelProtoSchema } from "../model/onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import type { TensorType } from "../model/data-type.ts";
import { Model } from "../model/model.ts";
import { copyNodes } from "./copy-nodes.ts";
import { GraphAppender } from "./graph-appender.ts";
import { renameReads } from "./rename-reads.ts";
import { ResolvedModel } from "./resolved-model.ts";
import { sortTopologically } from "./sort-topologically.ts";
import { valueInfo } from "./value-info.ts";
import { sameDims, type Value } from "./value.ts";

/**
 * A copy of a resolved model under construction: beside what is appended, its inputs and outputs, and
 * nodes that are copied and replaced.
 */
export class GraphEditor extends GraphAppender {
  /**
   * Adds a graph input.
   *
   * @returns the input; its name has a suffix where the one asked for is taken, in subgraphs too
   */
  input(name: string, type: TensorType): Value {
    const value: Value = {
      name: this.names.unique(name),
      dtype: type.dtype,
      dims: [...type.dims],
    };
    this.graph.input.push(valueInfo(value));
    this.types.set(value.name, { dtype: value.dtype, dims: value.dims });
    return value;
  }

  /**
   * Adds a graph output by renaming or copying the value.
   *
   * @returns the output; its name has a suffix where the one asked for is taken, in subgraphs too
   */
  output(value: Value, name = value.name): Value {
    const current = { ...value, name: this.currentName(value) };
    let result = current;
    if (name !== current.name) {
      const isShared =
        this.producers.get(current.name) === undefined ||
        this.graph.output.some((output) => output.name === current.name);
      result = isShared
        ? this.op("Reshape", [current, this.ints(current.dims)], {}, name)
        : this.#rename(current, this.names.unique(name));
    }
    this.graph.output.push(valueInfo(result));
    return result;
  }

  #rename(value: Value, name: string): Value {
    const producer = this.producers.get(value.name) as NodeProto;
    producer.output = producer.output.map((made) => (made === value.name ? name : made));
    this.remember(producer);
    renameReads(this.graph.node, new Map([[value.name, name]]), this.names);
    this.types.set(name, { dtype: value.dtype, dims: value.dims });
    this.renamed.set(value.name, name);
    return { ...value, name };
  }

  /** Runs `build` and moves the nodes it appends before all others. */
  prepend(build: () => void): void {
    const { length } = this.graph.node;
    build();
    const added = this.graph.node.splice(length);
    this.graph.node.unshift(...added);
  }

  /**
   * Appends copies of nodes of the graph, which read and make values as `copyNodes` says; they have
   * the types of the originals.
   */
  copy(nodes: readonly NodeProto[], scope: Map<string, string>, prefix: string): void {
    const copies = copyNodes(nodes, scope, { names: this.names, prefix });
    for (const [i, node] of copies.entries()) {
      this.graph.node.push(node);
      this.remember(node);
      node.output.forEach((name, k) => {
        const type = this.types.get(nodes[i]?.output[k] ?? "");
        if (name !== "" && type !== undefined) {
          this.types.set(name, type);
        }
      });
    }
  }

  /**
   * Replaces a node by what `build` appends. The values it returns take the names of the node's
   * outputs.
   *
   * @returns the nodes appended
   * @throws AutodiffError `ERR_EMITTED_GRAPH` when a value is missing, or has not the type of the
   *   output it stands for
   */
  replace(node: NodeProto, build: () => readonly (Value | undefined)[]): readonly NodeProto[] {
    const { length } = this.graph.node;
    const results = this.within(node.name, build);
    const made = new Set(this.graph.node.slice(length).flatMap(({ output }) => output));
    const names = new Map<string, string>();
    node.output.forEach((name, i) => {
      if (name === "") {
        return;
      }
      const result = results[i];
      const wanted = this.types.get(name);
      if (
        result === undefined ||
        // Runtimes give a value of unknown rank as a scalar.
        (wanted !== undefined &&
          wanted.dims.length > 0 &&
          (wanted.dtype !== result.dtype || !sameDims(wanted.dims, result.dims)))
      ) {
        const of = (type?: TensorType) => type && `${type.dtype}[${type.dims.join(", ")}]`;
        throw new AutodiffError(
          "ERR_EMITTED_GRAPH",
          `The expansion of ${node.opType} gave ${of(result)} for '${name}' of ${of(wanted)} at node '${node.name}'. This is a fault of the expansion.`,
        );
      }
      // A value can take one name only, and one from outside keeps its own.
      const own =
        made.has(result.name) && !names.has(result.name)
          ? result
          : this.within(node.name, () => this.op("Reshape", [result, this.ints(result.dims)]));
      names.set(own.name, name);
      this.types.set(name, { dtype: result.dtype, dims: result.dims });
    });
    const added = this.graph.node.splice(length);
    for (const inner of added) {
      inner.input = inner.input.map((name) => names.get(name) ?? name);
      inner.output = inner.output.map((name) => names.get(name) ?? name);
      this.remember(inner);
    }
    this.graph.node.splice(this.graph.node.indexOf(node), 1, ...added);
    return added;
  }

  /** Removes a graph input; every node that read it, in subgraphs too, reads `replacement` from now on. */
  replaceInput(input: Value, replacement: Value): void {
    this.graph.input = this.graph.input.filter(({ name }) => name !== input.name);
    renameReads(this.graph.node, new Map([[input.name, replacement.name]]), this.names);
  }

  /** The finished model: nodes in topological order, nothing that no output needs. */
  build(): ResolvedModel {
    sortTopologically(this.graph);
    // Not every runtime infers all dims itself, and what it does not know it does not optimise.
    this.graph.output = this.graph.output.map((output) =>
      this.types.has(output.name) ? valueInfo(this.value(output.name)) : output,
    );
    const outputs = new Set(this.graph.output.map(({ name }) => name));
    this.graph.valueInfo = this.graph.node
      .flatMap((node) => node.output)
      .filter((name) => this.types.has(name) && !outputs.has(name))
      .map((name) => valueInfo(this.value(name)));
    const proto = create(ModelProtoSchema, { ...this.base.model.proto, graph: this.graph });
    const { model, adaptations } = this.base;
    return new ResolvedModel(new Model(proto, model.files), this.types, adaptations);
  }
}
