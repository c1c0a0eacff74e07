import { readFileSync, readdirSync } from "node:fs";

/** A tensor of a case file: dtype, dims and little-endian bytes. */
export interface CaseTensor {
  readonly name: string;
  readonly dtype: "float32" | "float64" | "int32" | "int64" | "bool";
  readonly dims: readonly number[];
  readonly data: string;
  /** Expected gradient; present when this input is a variable. */
  readonly gradient?: string;
  /** Present when this input is fed but has no gradient: integers or booleans. */
  readonly computed?: true;
}

/** One operator with attributes, inputs, expected outputs and gradients (test/operators/README.md). */
export interface OperatorCase {
  readonly name: string;
  readonly opType: string;
  /** Domain of the operator, at its version 1; absent: the default one. */
  readonly domain?: string;
  readonly opset: number;
  readonly attributes: Readonly<
    Record<
      string,
      | number
      | string
      | readonly number[]
      | readonly string[]
      | { readonly float: number }
      | readonly { readonly float: number }[]
    >
  >;
  readonly inputs: readonly (CaseTensor | null)[];
  readonly outputs: readonly {
    /** @default "float32" */
    readonly dtype?: CaseTensor["dtype"];
    readonly dims: readonly number[];
    readonly data: string;
    readonly upstream?: string;
  }[];
  readonly oracle: string;
  readonly tie?: boolean;
}

const folder = new URL("../operators/cases/", import.meta.url);

/** The cases of one operator, or of all. */
export function operatorCases(opType?: string): OperatorCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && (opType === undefined || file === `${opType}.json`))
    .flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as OperatorCase[]);
}

/** The little-endian bytes behind base64. */
export function decodeBytes(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** float32 numbers behind base64. */
export function decodeFloats(base64: string): Float32Array {
  return new Float32Array(decodeBytes(base64).buffer);
}

/** Numbers of a case's tensor as ONNX Runtime takes them. */
export function decodeNumbers(
  base64: string,
  dtype: CaseTensor["dtype"] = "float32",
): Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array {
  const bytes = decodeBytes(base64);
  switch (dtype) {
    case "float32":
      return new Float32Array(bytes.buffer);
    case "float64":
      return new Float64Array(bytes.buffer);
    case "int32":
      return new Int32Array(bytes.buffer);
    case "int64":
      return new BigInt64Array(bytes.buffer);
    case "bool":
      return bytes;
  }
}
