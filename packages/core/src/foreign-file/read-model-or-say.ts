import { readModel, type Model, type ReadModelOptions } from "@onnx-asma/autodiff";
import { isAsmaError, refusal } from "../errors.ts";
import { foreignFile } from "./foreign-file.ts";

/**
 * Reads a model as `readModel` does; of a file that is none it is said what it is, and the way to a model.
 *
 * @throws AsmaError `ERR_MODEL_UNREADABLE`; AutodiffError `ERR_EXTERNAL_DATA`, `ERR_MODEL_UNREADABLE` for damage
 *   inside a model
 */
export async function readModelOrSay(bytes: Uint8Array, options: ReadModelOptions): Promise<Model> {
  if (bytes.length > small && bytes[0] !== irVersionKey) {
    const known = unreadable(bytes, options.location ?? "the file", undefined);
    if (known !== undefined) {
      throw known;
    }
  }
  try {
    return checkVersion(await readModel(bytes, options), options.location ?? "the file");
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODEL_UNREADABLE") {
      throw cause;
    }
    throw isAsmaError(cause)
      ? cause
      : (unreadable(bytes, options.location ?? "the file", cause) ?? cause);
  }
}

/** What takes no time to look through for a message of Protocol Buffers, whatever it is. */
const small = 1 << 22;

/** What models begin with. */
const irVersionKey = 8;

/** Far beyond what there is, which was 14 in 2026: other files that begin alike; what is newer is refused by name. */
const largestVersion = 1000n;

function checkVersion(model: Model, location: string): Model {
  const { irVersion } = model.proto;
  if (irVersion < 1n || irVersion > largestVersion) {
    throw refusal("ERR_MODEL_UNREADABLE", {
      expected: `an ONNX model in '${location}'`,
      found: `its ir_version is ${irVersion}, which no version of ONNX has`,
      wayOut: "export it again",
      details: { location },
    });
  }
  return model;
}

/** The error for a file that is no model; `undefined` where nothing can be told of it. */
export function unreadable(bytes: Uint8Array, location: string, cause: unknown) {
  const foreign = foreignFile(bytes);
  return (
    foreign &&
    refusal("ERR_MODEL_UNREADABLE", {
      expected: `an ONNX model in '${location}'`,
      found: `it is ${foreign.is}`,
      wayOut: foreign.wayOut,
      cause,
      details: { location, is: foreign.is },
    })
  );
}
