import type { PassContext } from "../passes/pass.ts";
import type { Probe } from "./probe.ts";

/** What passes are told that ask a runtime. */
export interface ResolveContext extends PassContext {
  readonly probe: Probe;
}
