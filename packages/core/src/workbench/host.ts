import type { Runtime, SessionOptions, Target } from "@onnx-asma/autodiff";
import type { StepHost } from "../step/step-session.ts";
import type { Processor } from "./processor.ts";

/** What a host gives: the runtime and how it computes. */
export interface Host extends StepHost {
  readonly runtime: Runtime;
  readonly sessionOptions: SessionOptions | undefined;
  /** Where step graphs run; the numbers are the same. */
  readonly target: Target;
  /** What a device is compared with. */
  readonly processor?: Processor | undefined;
  /** Told when something takes a while. */
  readonly onBuild?: (() => void) | undefined;
}
