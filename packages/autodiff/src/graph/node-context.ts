import type { NodeProto } from "../model/onnx-messages.ts";
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  stringsAttribute,
} from "./attribute.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./value.ts";

/** A node of a builder's graph: its inputs, outputs and attributes. */
export class NodeContext {
  readonly b: GraphBuilder;
  readonly node: NodeProto;
  /** Opset of the node's domain. */
  readonly opset: number;

  constructor(b: GraphBuilder, node: NodeProto) {
    this.b = b;
    this.node = node;
    this.opset = b.opsetOf(node.domain);
  }

  /** Number of inputs, omitted ones in the middle included. */
  get inputCount(): number {
    return this.node.input.length;
  }

  /** Whether input `i` is there (optional inputs may be left out). */
  hasInput(i: number): boolean {
    return (this.node.input[i] ?? "") !== "";
  }

  /** Whether output `i` is there (optional outputs may be left out). */
  hasOutput(i: number): boolean {
    return (this.node.output[i] ?? "") !== "";
  }

  /** Input `i`. */
  x(i = 0): Value {
    return this.b.value(this.node.input[i] as string);
  }

  /** Output `i`. */
  y(i = 0): Value {
    return this.b.value(this.node.output[i] as string);
  }

  /** The numbers of input `i` if it is a constant, `undefined` if it is left out or computed. */
  constant(i: number): readonly number[] | undefined {
    return this.hasInput(i) ? this.b.constantOf(this.x(i)) : undefined;
  }

  int<T = number>(name: string, fallback: T): number | T {
    return intAttribute(this.node, name, fallback);
  }

  float<T = number>(name: string, fallback: T): number | T {
    return floatAttribute(this.node, name, fallback);
  }

  ints(name: string): number[] | undefined {
    return intsAttribute(this.node, name);
  }

  floats(name: string): number[] | undefined {
    return floatsAttribute(this.node, name);
  }

  string(name: string, fallback: string): string {
    return stringAttribute(this.node, name, fallback);
  }

  strings(name: string): string[] | undefined {
    return stringsAttribute(this.node, name);
  }
}
