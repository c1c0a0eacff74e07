import type { NodeProto } from "../model/onnx-messages.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { OperatorTable } from "../graph/operator-table.ts";
import { isQuantization } from "../graph/quantization.ts";
import type { GradientRule } from "../rules/gradient-rule.ts";
import { gradientRules, zeroGradients } from "../rules/index.ts";

/** Which rule each node of a graph has: the caller's own go before the built-in ones. */
export class GradientRules {
  readonly #b: GraphBuilder;
  readonly #all: OperatorTable<GradientRule>;
  readonly #own: OperatorTable<GradientRule>;

  constructor(b: GraphBuilder, own: readonly GradientRule[]) {
    this.#b = b;
    this.#own = new OperatorTable(own);
    this.#all = new OperatorTable([...gradientRules, ...own]);
  }

  /** The rule of a node, or that its gradient is zero; `undefined` if it has none. */
  of(node: NodeProto): GradientRule | "zero" | undefined {
    const opset = this.#b.opsetOf(node.domain);
    const own = this.#own.find(node, opset);
    if (own !== undefined) {
      return own;
    }
    if (isQuantization(node, "QuantizeLinear") || isQuantization(node, "DequantizeLinear")) {
      // ONNX Runtime's own ones mean the same.
      return this.#all.find({ opType: node.opType, domain: "" }, this.#b.opset);
    }
    const isZero = node.domain === "" && zeroGradients.has(node.opType);
    return isZero ? "zero" : this.#all.find(node, opset);
  }
}
