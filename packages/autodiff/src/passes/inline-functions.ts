import { create } from "@bufbuild/protobuf";
import type {
  AttributeProto,
  FunctionProto,
  ModelProto,
  NodeProto,
} from "../model/onnx-messages.ts";
import { NodeProtoSchema, OperatorSetIdProtoSchema } from "../model/onnx-schema.ts";
import { AutodiffError } from "../errors.ts";
import { copyNodes } from "../graph/copy-nodes.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { subgraphsOf } from "../graph/subgraphs.ts";
import type { Model } from "../model/model.ts";
import { raiseNodes } from "./raise-opset.ts";

/** More nodes than any real model has: functions that call each other twice grow without bound. */
const nodeLimit = 1_000_000;

/** Calls within calls. */
const depthLimit = 256;

/**
 * Replaces calls of model-local functions by their bodies, in the graph and its subgraphs, and drops
 * the functions. Nodes and values of a body take the call's name as a prefix.
 *
 * A local function goes before an operator of the same name. Attributes that a call leaves out take
 * the function's default; without one, the attributes that refer to them are left out.
 *
 * @returns whether there were functions
 * @param model of the newest opset that a function imports (`raiseOpset`)
 * @throws AutodiffError `ERR_MODEL_FUNCTION` for functions that call themselves, whose bodies pass a
 *   million nodes, or that are given twice; `ERR_OPSET` when a body cannot be brought to the model's opset
 */
export function inlineFunctions(model: Model): boolean {
  if (model.proto.functions.length === 0 || model.proto.graph === undefined) {
    return false;
  }
  new Inliner(model).run();
  return true;
}

class Inliner {
  readonly #whole: Model;
  readonly #model: ModelProto;
  readonly #functions = new Map<string, FunctionProto>();
  readonly #names: NameAuthority;
  /** Nodes of a function's body once every call in it is replaced. */
  readonly #sizes = new Map<FunctionProto, number>();

  constructor(whole: Model) {
    const model = whole.proto;
    this.#whole = whole;
    this.#model = model;
    for (const definition of model.functions) {
      const key = keyOf(definition.domain, definition.name, definition.overload);
      if (this.#functions.has(key)) {
        throw fault(definition, "is given twice");
      }
      this.#functions.set(key, definition);
    }
    this.#names = new NameAuthority(model.graph ? namesOf(model.graph) : []);
  }

  run(): void {
    const { graph } = this.#model;
    if (graph !== undefined) {
      this.#sizeOf(graph.node, []);
      graph.node = this.#inline(graph.node);
    }
    const local = new Set(this.#model.functions.map(({ domain }) => standard(domain)));
    const used = new Set(graph && domainsOf(graph.node));
    this.#model.functions = [];
    this.#model.opsetImport = this.#model.opsetImport.filter(
      ({ domain }) =>
        standard(domain) === "" || !local.has(standard(domain)) || used.has(standard(domain)),
    );
  }

  /**
   * How many nodes these become, known before any is copied; `callers` are the functions they are
   * in.
   */
  #sizeOf(nodes: readonly NodeProto[], callers: readonly FunctionProto[]): number {
    let total = 0;
    for (const node of nodes) {
      for (const graph of subgraphsOf(node)) {
        total += this.#sizeOf(graph.node, callers);
      }
      const definition = this.#find(node);
      if (definition !== undefined && callers.includes(definition)) {
        const chain = [...callers.slice(callers.indexOf(definition)), definition];
        throw fault(definition, `calls itself (${chain.map(({ name }) => name).join(" → ")})`);
      }
      const known = definition && this.#sizes.get(definition);
      const size =
        known ?? (definition ? this.#sizeOf(definition.node, [...callers, definition]) : 1);
      total += size;
      if (definition !== undefined) {
        this.#sizes.set(definition, size);
        if (total > nodeLimit || callers.length > depthLimit) {
          throw fault(definition, "is called more often or deeper than any real model does");
        }
      }
    }
    return total;
  }

  #find({ domain, opType, overload }: NodeProto): FunctionProto | undefined {
    return this.#functions.get(keyOf(domain, opType, overload));
  }

  /** The nodes with every call replaced. */
  #inline(nodes: readonly NodeProto[]): NodeProto[] {
    const result: NodeProto[] = [];
    for (const node of nodes) {
      for (const graph of subgraphsOf(node)) {
        graph.node = this.#inline(graph.node);
      }
      const definition = this.#find(node);
      const inlined = definition ? this.#inline(this.#body(node, definition)) : [node];
      for (const inner of inlined) {
        result.push(inner);
      }
    }
    return result;
  }

  /** The body of a function in place of a call. */
  #body(call: NodeProto, definition: FunctionProto): NodeProto[] {
    this.#importOpsets(definition);
    const attributes = new Map<string, AttributeProto>();
    for (const attribute of [...definition.attributeProto, ...call.attribute]) {
      attributes.set(attribute.name, attribute);
    }
    // Inputs left out are left out of the body as well.
    const scope = new Map(definition.input.map((name, i) => [name, call.input[i] ?? ""]));
    const made = new Set(definition.node.flatMap(({ output }) => output));
    const aliases: NodeProto[] = [];
    const prefix = call.name || definition.name;
    definition.output.forEach((name, i) => {
      const wanted = call.output[i] ?? "";
      if (wanted === "") {
        return;
      }
      if (made.has(name) && !scope.has(name)) {
        scope.set(name, wanted);
      } else {
        const input = scope.get(name) ?? "";
        const identity = { opType: "Identity", input: [input], output: [wanted] };
        const alias = this.#names.unique(`${prefix}/Identity`);
        aliases.push(create(NodeProtoSchema, { name: alias, ...identity }));
      }
    });
    const names = this.#names;
    const body = copyNodes(definition.node, scope, { names, prefix, attributes });
    const to = this.#whole.opset;
    const own = definition.opsetImport.find(({ domain }) => standard(domain) === "");
    const from = Number(own?.version ?? to);
    return [...raiseNodes(this.#whole, body, { from, to, names }), ...aliases];
  }

  #importOpsets({ opsetImport }: FunctionProto): void {
    for (const { domain, version } of opsetImport) {
      if (!this.#model.opsetImport.some((o) => standard(o.domain) === standard(domain))) {
        this.#model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version }));
      }
    }
  }
}

function standard(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([standard(domain), name, overload]);
}

function* domainsOf(nodes: readonly NodeProto[]): Generator<string> {
  for (const node of nodes) {
    yield standard(node.domain);
    for (const graph of subgraphsOf(node)) {
      yield* domainsOf(graph.node);
    }
  }
}

function fault({ domain, name }: FunctionProto, what: string): AutodiffError {
  return new AutodiffError(
    "ERR_MODEL_FUNCTION",
    `The model's function '${domain}.${name}' cannot be inlined: it ${what}.`,
    { details: { domain, name } },
  );
}
