import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema } from "../../model/onnx-schema.ts";
import type { NodeContext } from "../../graph/node-context.ts";
import type { Value } from "../../graph/value.ts";
import { arithmetic } from "../../graph/arithmetic.ts";
import type { Expansion } from "../expansion.ts";
import { activate } from "./activation.ts";

const domain = "com.microsoft";

/**
 * FusedConv, FusedGemm and FusedMatMul of ONNX Runtime's optimiser: Conv (and a sum), Gemm, each with
 * an activation, and alpha · A B with either operand transposed, `transBatch` moving the first axis
 * behind the batch.
 *
 * @see https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
export const microsoftFused: readonly Expansion[] = [
  {
    domain,
    opType: "FusedConv",
    expand: (c) => {
      const inputs = [0, 1, 2].filter((i) => c.hasInput(i)).map((i) => c.x(i));
      const conv = likeStandard(c, "Conv", inputs);
      const sum = c.hasInput(3) ? arithmetic(c.b).add(conv, c.x(3)) : conv;
      const parameters = c.node.attribute.find(({ name }) => name === "activation_params");
      return [activate(c.b, sum, c.string("activation", ""), parameters?.floats ?? [])];
    },
  },
  {
    domain,
    opType: "FusedGemm",
    expand: (c) => {
      const inputs = [0, 1, 2].filter((i) => c.hasInput(i)).map((i) => c.x(i));
      const gemm = likeStandard(c, "Gemm", inputs);
      const parameters = ["activation_alpha", "activation_beta"].map((name) =>
        c.float(name, undefined),
      );
      return [activate(c.b, gemm, c.string("activation", ""), parameters)];
    },
  },
  ...["FusedMatMul", "TransposeMatMul"].map((opType) => ({
    domain,
    opType,
    expand: (c: NodeContext) => {
      const product = likeStandard(c, "MatMul", [operand(c, 0, "A"), operand(c, 1, "B")]);
      const alpha = c.float("alpha", 1);
      return [alpha === 1 ? product : arithmetic(c.b).mul(product, alpha)];
    },
  })),
];

/** Attributes of the fused operators that their standard part does not have. */
const own = new Set(["transA", "transB", "transBatchA", "transBatchB", "alpha"]);

/** The standard operator with the node's attributes, giving the dims of its output. */
function likeStandard(c: NodeContext, opType: string, inputs: readonly Value[]): Value {
  const attribute = c.node.attribute.filter(
    ({ name }) => !name.startsWith("activation") && (opType !== "MatMul" || !own.has(name)),
  );
  return c.b.opLike(create(NodeProtoSchema, { opType, attribute }), inputs, c.y().dims);
}

function operand(c: NodeContext, i: number, which: "A" | "B"): Value {
  const x = c.x(i);
  const rank = x.dims.length;
  if (rank < 2) {
    return x;
  }
  const axes = x.dims.map((_, axis) => axis);
  const perm = c.int(`transBatch${which}`, 0) === 0 ? axes : [...axes.slice(1, -1), 0, rank - 1];
  if (c.int(`trans${which}`, 0) !== 0) {
    perm.push(perm.splice(-2, 1)[0] as number);
  }
  return c.b.transpose(x, perm);
}
