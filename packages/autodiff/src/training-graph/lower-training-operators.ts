import type { GraphProto, NodeProto } from "../model/onnx-messages.ts";
import { AutodiffError, listByOperator, type UnsupportedNode } from "../errors.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Target } from "../graph/target.ts";
import type { ResolvedModel } from "../graph/resolved-model.ts";
import { sameDims, type Value } from "../graph/value.ts";
import type { Model } from "../model/model.ts";
import { inputsOf } from "../graph/inputs-of.ts";
import { renameReads } from "../graph/rename-reads.ts";
import { sortTopologically } from "../graph/sort-topologically.ts";
import { resolve, type ResolveOptions } from "../resolve/resolve.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Runtime } from "../runtime.ts";
import { ForwardNodes } from "./operators/forward-nodes.ts";
import { lowerFusedMatMul } from "./lower-fused-mat-mul.ts";
import { refusedTrainingOperators, trainingOperators } from "./operators/index.ts";
import { rewriteTrainingNodes } from "./rewrite-training-nodes.ts";
import { insertStandIns, type TrainingNode } from "./stand-ins.ts";
import { LoweringContext } from "./operators/training-operator.ts";

const keyOf = (node: { readonly domain: string; readonly opType: string }) =>
  `${node.domain}.${node.opType}`;
const operatorByKey = new Map(trainingOperators.map((operator) => [keyOf(operator), operator]));

/** Outputs that only training reads; without them the runtime fuses, and runs on more providers. */
const trainingOutputs = new Set(["Dropout", "LayerNormalization", "MaxPool"]);

/** A training graph in standard operators. */
export interface LoweredModel {
  readonly resolved: ResolvedModel;
  /** What the outputs are called now, in their order. */
  readonly outputs: readonly string[];
  /** Names of the operators that were lowered. */
  readonly lowered: readonly string[];
}

/**
 * Replaces the operators of ONNX Runtime's training builds by standard ones, by the same rules that
 * differentiate models.
 *
 * @param model a training graph without nodes that its outputs do not need; it is changed
 * @throws AutodiffError `ERR_TRAINING_OPERATOR` with **all** operators that cannot be lowered;
 *   as `resolve` does
 */
export async function lowerTrainingOperators(
  model: Model,
  runtime: Runtime,
  options: ResolveOptions & { readonly target?: Target | undefined } = {},
): Promise<LoweredModel> {
  const { graph } = model;
  const outputs = graph.output.map(({ name }) => name);
  rewriteTrainingNodes(graph, model.opset);
  const forward = new ForwardNodes(graph);
  const nodes = findTrainingNodes(graph, forward, model.opset);
  insertStandIns(graph, nodes, forward);
  const resolved = await resolve(model, runtime, options);
  const b = new GraphBuilder(resolved, options.target);
  b.graph.output = [];
  const needed = new Set([...readIn(b.graph), ...outputs]);
  const current = replaceStandIns(b, nodes, forward, needed);
  for (const name of outputs) {
    b.output(b.value(current(name)));
  }
  sortTopologically(b.graph);
  dropTrainingOutputs(b.graph);
  const lowered = [...new Set(nodes.map(({ node }) => node.opType))].toSorted();
  return { resolved: b.build(), outputs: outputs.map(current), lowered };
}

/** @throws AutodiffError `ERR_TRAINING_OPERATOR` */
function findTrainingNodes(
  graph: GraphProto,
  forward: ForwardNodes,
  opset: number,
): TrainingNode[] {
  const read = readIn(graph);
  const found: TrainingNode[] = [];
  const refused: Refusal[] = [];
  for (const node of graph.node) {
    const operator = operatorByKey.get(keyOf(node));
    if (operator === undefined) {
      if (isForTraining(node)) {
        refused.push({
          node,
          reason: refusedTrainingOperators.get(node.opType) ?? "not known here",
        });
      }
      continue;
    }
    const reason = reasonAgainst({ node, operator }, forward, read);
    if (reason === undefined) {
      found.push({ node, operator });
    } else {
      refused.push({ node, reason });
    }
  }
  throwRefused(refused, opset);
  return found;
}

function reasonAgainst(
  { node, operator }: TrainingNode,
  forward: ForwardNodes,
  read: ReadonlySet<string>,
): string | undefined {
  if ((node.input[operator.upstream] ?? "") === "") {
    return "its upstream gradient is left out";
  }
  try {
    const likes = operator.like(node, forward);
    const isMissing = node.output.some(
      (name, j) =>
        read.has(name) && (likes[j] === undefined || Object.values(likes[j])[0] === undefined),
    );
    return isMissing ? "one of its outputs that are read has no gradient here" : undefined;
  } catch (error) {
    if (error instanceof RuleRefusal) {
      return error.message;
    }
    throw error;
  }
}

/** Whether a node is one that only training builds and other frameworks' extensions have. */
function isForTraining({ domain, opType }: NodeProto): boolean {
  if (domain === "" || domain === "ai.onnx") {
    return opType.endsWith("Grad");
  }
  if (domain === "com.microsoft") {
    return (
      /(Grad(_\w+)?|Training|Internal|Accumulator(V2)?|Optimizer(V2)?)$/.test(opType) ||
      refusedTrainingOperators.has(opType)
    );
  }
  // Domains whose operators stock runtimes have.
  return !["ai.onnx.ml", "com.microsoft.nchwc", "com.ms.internal.nhwc"].includes(domain);
}

/** Names that a node or a graph output reads. */
function readIn(graph: GraphProto): ReadonlySet<string> {
  return new Set([
    ...graph.node.flatMap((node) => inputsOf(node)),
    ...graph.output.map(({ name }) => name),
  ]);
}

/** Builds what stood-in values really are, in the order of the graph; returns what is where now. */
function replaceStandIns(
  b: GraphBuilder,
  nodes: readonly TrainingNode[],
  forward: ForwardNodes,
  needed: ReadonlySet<string>,
): (name: string) => string {
  const trainingNodeOf = new Map(
    nodes.flatMap((training) => training.node.output.map((name) => [name, training] as const)),
  );
  const moved = new Map<string, string>();
  const current = (name: string) => moved.get(name) ?? name;
  const done = new Set<TrainingNode>();
  const refused: Refusal[] = [];
  // Nodes are appended meanwhile.
  for (const node of b.graph.node.slice()) {
    const training = trainingNodeOf.get(node.output[0] ?? "");
    const value = (name: string) => b.value(current(name));
    if (training !== undefined) {
      if (!done.has(training)) {
        done.add(training);
        const context = new LoweringContext(b, training.node, forward, current, needed);
        refused.push(...lower(training, context, moved));
      }
    } else if (node.domain === "" && node.opType === "Identity") {
      moved.set(node.output[0] as string, current(node.input[0] as string));
    } else if (isPlainSum(b, node)) {
      const sum = node.input.map(value).reduce((left, right) => b.op("Add", [left, right]));
      moved.set(node.output[0] as string, sum.name);
    } else {
      renameReads([node], moved, b.names);
      const product =
        node.opType === "FusedMatMul"
          ? lowerFusedMatMul(b, node, node.input.map((name) => b.value(name)) as [Value, Value])
          : undefined;
      if (product !== undefined) {
        moved.set(node.output[0] as string, product.name);
      }
    }
  }
  throwRefused(refused, b.opset);
  return current;
}

/** A Sum of gradients: chains of Add keep the runtime's fast layout. */
function isPlainSum(b: GraphBuilder, node: NodeProto): boolean {
  return (
    node.domain === "" &&
    node.opType === "Sum" &&
    [...node.input, ...node.output].every((name) => b.has(name))
  );
}

function lower(
  { node, operator }: TrainingNode,
  context: LoweringContext,
  moved: Map<string, string>,
): Refusal[] {
  const { b } = context;
  try {
    b.within(node.name || node.opType, () =>
      operator.lower(context).forEach((build, j) => {
        const name = node.output[j] ?? "";
        if (build === null || !context.needs(j) || !b.has(name)) {
          return;
        }
        const expected = b.value(name);
        const value = build();
        if (value.dtype !== expected.dtype || !sameDims(value.dims, expected.dims)) {
          throw new RuleRefusal(
            `it gives ${value.dtype}[${value.dims.join(", ")}] where ${expected.dtype}[${expected.dims.join(", ")}] is expected`,
          );
        }
        moved.set(name, value.name);
      }),
    );
    return [];
  } catch (error) {
    if (error instanceof RuleRefusal) {
      return [{ node, reason: error.message }];
    }
    throw error;
  }
}

function dropTrainingOutputs(graph: GraphProto): void {
  const read = readIn(graph);
  for (const node of graph.node) {
    if (node.domain === "" && trainingOutputs.has(node.opType)) {
      const last = node.output.findLastIndex((name) => read.has(name));
      node.output = node.output.slice(0, last + 1);
    }
  }
}

interface Refusal {
  readonly node: NodeProto;
  readonly reason: string;
}

function throwRefused(refused: readonly Refusal[], opset: number): void {
  if (refused.length === 0) {
    return;
  }
  const nodes: UnsupportedNode[] = refused.map(({ node: { name, opType, domain }, reason }) => ({
    nodeName: name,
    opType,
    domain,
    opset,
    reason,
  }));
  throw new AutodiffError(
    "ERR_TRAINING_OPERATOR",
    `The training graph has operators that no rule turns into standard ones:\n${listByOperator(nodes)}\nLeave the training graph out, so that the gradient is derived from the model itself, or build it without them.`,
    { details: { nodes } },
  );
}
