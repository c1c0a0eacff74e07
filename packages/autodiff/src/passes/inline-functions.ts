import { create } from "@bufbuild/protobuf";
import {
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
} from "onnx-buf";
import { AutodiffError } from "../errors.ts";
import { copyNodes } from "../graph/copy-nodes.ts";
import { NameAuthority } from "../graph/name-authority.ts";
import { namesOf } from "../graph/names-of.ts";
import { changesMeaning } from "./opset-changes.ts";

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
 * @throws AutodiffError `ERR_MODEL_FUNCTION` for functions that call themselves, whose bodies pass a
 *   million nodes, that are given twice, or whose opset gives an operator another meaning than the
 *   model's
 */
export function inlineFunctions(model: ModelProto): void {
  if (model.functions.length === 0 || model.graph === undefined) {
    return;
  }
  new Inliner(model).run();
}

class Inliner {
  readonly #model: ModelProto;
  readonly #functions = new Map<string, FunctionProto>();
  readonly #names: NameAuthority;
  #count = 0;

  constructor(model: ModelProto) {
    this.#model = model;
    for (const definition of model.functions) {
      const key = keyOf({ ...definition, opType: definition.name });
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
      graph.node = this.#inline(graph.node, []);
    }
    const local = new Set(this.#model.functions.map(({ domain }) => standard(domain)));
    const used = new Set(graph && domainsOf(graph.node));
    this.#model.functions = [];
    this.#model.opsetImport = this.#model.opsetImport.filter(
      ({ domain }) =>
        standard(domain) === "" || !local.has(standard(domain)) || used.has(standard(domain)),
    );
  }

  /** The nodes with every call replaced; `callers` are the functions being inlined. */
  #inline(nodes: readonly NodeProto[], callers: readonly FunctionProto[]): NodeProto[] {
    const result: NodeProto[] = [];
    for (const node of nodes) {
      for (const attribute of node.attribute) {
        for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
          graph.node = this.#inline(graph.node, callers);
        }
      }
      const definition = this.#functions.get(keyOf(node));
      if (definition === undefined) {
        this.#count += 1;
        result.push(node);
        continue;
      }
      if (callers.includes(definition)) {
        const chain = [...callers.slice(callers.indexOf(definition)), definition];
        throw fault(definition, `calls itself (${chain.map(({ name }) => name).join(" → ")})`);
      }
      if (callers.length >= depthLimit || this.#count > nodeLimit) {
        throw fault(definition, "is called more often or deeper than any real model does");
      }
      for (const inner of this.#inline(this.#body(node, definition), [...callers, definition])) {
        result.push(inner);
      }
    }
    return result;
  }

  /** The body of a function in place of a call. */
  #body(call: NodeProto, definition: FunctionProto): NodeProto[] {
    this.#checkOpsets(definition);
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
    return [
      ...copyNodes(definition.node, scope, { names: this.#names, prefix, attributes }),
      ...aliases,
    ];
  }

  #checkOpsets(definition: FunctionProto): void {
    for (const { domain, version } of definition.opsetImport) {
      const entry = this.#model.opsetImport.find((o) => standard(o.domain) === standard(domain));
      if (entry === undefined) {
        this.#model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version }));
      } else if (standard(domain) === "" && entry.version !== version) {
        const changed = definition.node.find(
          (node) =>
            standard(node.domain) === "" &&
            changesMeaning(node.opType, Number(version), Number(entry.version)),
        );
        if (changed !== undefined) {
          throw fault(
            definition,
            `imports opset ${version} where the model imports ${entry.version}, between which ${changed.opType} changed: convert the model with \`onnx.version_converter\` or export it again`,
          );
        }
      }
    }
  }
}

function standard(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function keyOf({ domain, opType, overload }: { domain: string; opType: string; overload: string }) {
  return JSON.stringify([standard(domain), opType, overload]);
}

function* domainsOf(nodes: readonly NodeProto[]): Generator<string> {
  for (const node of nodes) {
    yield standard(node.domain);
    for (const { g, graphs } of node.attribute) {
      for (const graph of g ? [g, ...graphs] : graphs) {
        yield* domainsOf(graph.node);
      }
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
