import type {
  InferenceSession,
  InferenceSessionFactory,
  TensorConstructor,
} from "onnxruntime-common";

/**
 * The port through which models are run: what `onnxruntime-node` and `onnxruntime-web` export.
 *
 * @example
 * import * as ort from "onnxruntime-node";
 * const model = await resolve(await readModel(bytes), ort);
 */
export interface Runtime {
  readonly InferenceSession: Pick<InferenceSessionFactory, "create">;
  readonly Tensor: TensorConstructor;
}

/** A loaded model (ONNX Runtime's own type). */
export type Session = InferenceSession;

/** Options given to every session (ONNX Runtime's own type), execution providers among them. */
export type SessionOptions = InferenceSession.SessionOptions;
