import type { Runtime, Session, SessionOptions, WrittenModel } from "@onnx-asma/autodiff";
import { AsmaError } from "./errors.ts";

/**
 * Loads a graph in the runtime.
 *
 * @param what names it in the error
 * @throws AsmaError `ERR_SESSION` with the runtime's reason and the execution providers asked for
 */
export async function openSession(
  runtime: Runtime,
  { bytes, externalData }: WrittenModel,
  options: SessionOptions | undefined,
  what: string,
): Promise<Session> {
  try {
    return await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: 3,
      ...options,
      externalData: [...externalData],
    });
  } catch (cause) {
    const providers = (options?.executionProviders ?? ["cpu"])
      .map((provider) => (typeof provider === "string" ? provider : provider.name))
      .join(", ");
    const text = cause instanceof Error ? cause.message : String(cause);
    // An exception of its own that a WebAssembly build lets through comes as its address.
    const reason = /^\d+$/.test(text)
      ? "it stopped without a reason (memory, or the device)"
      : text;
    throw new AsmaError(
      "ERR_SESSION",
      `ONNX Runtime cannot load ${what} on ${providers}: ${reason}. Try another execution provider.`,
      { cause },
    );
  }
}
