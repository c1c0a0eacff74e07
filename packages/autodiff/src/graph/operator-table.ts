import type { NodeProto } from "../model/onnx-messages.ts";

/** Which operator something is for. */
export interface OperatorKey {
  /** Operator as its domain spells it. */
  readonly opType: string;
  /** Domain of the operator. @default "" (the default domain, ai.onnx) */
  readonly domain?: string;
  /**
   * First and last opset of that domain, both included; the last may be left out.
   *
   * @default every opset
   */
  readonly opsets?: readonly [first: number, last?: number];
}

/** Entries by domain, operator and opset; a later entry goes before an earlier one. */
export class OperatorTable<Entry extends OperatorKey> {
  readonly #entries = new Map<string, Entry[]>();

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      const key = keyOf(entry);
      const others = this.#entries.get(key);
      if (others === undefined) {
        this.#entries.set(key, [entry]);
      } else {
        others.push(entry);
      }
    }
  }

  /** Whether there is an entry for a node at some opset. */
  has(node: Pick<NodeProto, "domain" | "opType">): boolean {
    return this.#entries.has(keyOf(node));
  }

  /** The entry for a node, given the opset of the node's domain. */
  find(node: Pick<NodeProto, "domain" | "opType">, opset: number): Entry | undefined {
    return this.#entries
      .get(keyOf(node))
      ?.findLast(({ opsets: [first, last = Infinity] = [0] }) => first <= opset && opset <= last);
  }
}

function keyOf({ domain = "", opType }: OperatorKey): string {
  return `${domain === "ai.onnx" ? "" : domain}:${opType}`;
}
