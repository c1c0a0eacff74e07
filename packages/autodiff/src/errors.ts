/** The codes of this package; docs/errors.md says when each is thrown. */
export const autodiffErrorCodes = [
  "ERR_EMITTED_GRAPH",
  "ERR_EXTERNAL_DATA",
  "ERR_FEED",
  "ERR_GRADIENT_NODE",
  "ERR_GRADIENT_TYPE",
  "ERR_INPUT_DIMS",
  "ERR_MODEL_CYCLE",
  "ERR_MODEL_FUNCTION",
  "ERR_MODEL_REFUSED",
  "ERR_MODEL_TOO_LARGE",
  "ERR_MODEL_UNREADABLE",
  "ERR_NO_GRADIENT",
  "ERR_OPSET",
  "ERR_TENSOR",
  "ERR_TRAINING_GRADIENT",
  "ERR_TRAINING_GRAPH",
  "ERR_TRAINING_OPERATOR",
  "ERR_UNKNOWN_TYPE",
  "ERR_UNKNOWN_VALUE",
  "ERR_UNSUPPORTED_OPERATOR",
] as const;

/** The code of an {@link AutodiffError}. */
export type AutodiffErrorCode = (typeof autodiffErrorCodes)[number];

/**
 * The error class of this package. `code` is stable and meant for programs; `message` names the
 * thing, what was expected, what was found and the way out, with options in backticks by their keys.
 */
export class AutodiffError extends Error {
  override readonly name: string = "AutodiffError";
  readonly code: AutodiffErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: AutodiffErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** One node that stands on the path from input to output and has no gradient rule. */
export interface UnsupportedNode {
  readonly nodeName: string;
  readonly opType: string;
  readonly domain: string;
  readonly opset: number;
  readonly reason: string;
}

/** Thrown once with **all** nodes that cannot be differentiated (`ERR_UNSUPPORTED_OPERATOR`). */
export class UnsupportedOperatorError extends AutodiffError {
  override readonly name = "UnsupportedOperatorError";
  readonly nodes: readonly UnsupportedNode[];
  /** The value nearest to the requested output that can be differentiated, if there is one. */
  readonly nearestOutput: string | undefined;

  constructor(output: string, nodes: readonly UnsupportedNode[], nearestOutput?: string) {
    const wayOut =
      nearestOutput === undefined
        ? "No value between them can be differentiated."
        : `The nearest output that can be differentiated is '${nearestOutput}'.`;
    super(
      "ERR_UNSUPPORTED_OPERATOR",
      `Output '${output}' cannot be differentiated: no gradient for\n${listByOperator(nodes)}\n${wayOut}`,
      { details: { nodes, nearestOutput } },
    );
    this.nodes = nodes;
    this.nearestOutput = nearestOutput;
  }
}

/** One line per operator: how many nodes, the first names, the reason. */
export function listByOperator(nodes: readonly UnsupportedNode[]): string {
  const byType = new Map<string, UnsupportedNode[]>();
  for (const node of nodes) {
    const key = `${node.domain ? `${node.domain}.` : ""}${node.opType}`;
    const others = byType.get(key);
    if (others === undefined) {
      byType.set(key, [node]);
    } else {
      others.push(node);
    }
  }
  return [...byType]
    .map(([opType, list]) => {
      const names = list.map((n) => `'${n.nodeName}'`);
      const shown = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
      const [first] = list;
      return `  ${opType} (opset ${first?.opset}), ${list.length} node(s) ${shown}: ${first?.reason}`;
    })
    .join("\n");
}
