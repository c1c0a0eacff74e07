import * as ort from "onnxruntime-node";
import type { Runtime, Session } from "@onnx-asma/autodiff";

type Create = Runtime["InferenceSession"]["create"];

/** What may be changed of a session before it is handed out. */
export interface SessionHooks {
  /** Called for each session; throws to let it fail. */
  readonly onCreate?: (count: number) => void | Promise<void>;
  /** Called before each run; throws to let it fail. */
  readonly onRun?: (count: number, session: Session) => void | Promise<void>;
  /** Changes what a run gives back. */
  readonly alter?: (results: Awaited<ReturnType<Session["run"]>>, session: Session) => void;
}

/** ONNX Runtime with its sessions counted, and with faults where a test wants them. */
export class CountingRuntime implements Runtime {
  readonly Tensor = ort.Tensor;
  readonly InferenceSession = { create: this.#create.bind(this) as Create };
  created = 0;
  released = 0;
  runs = 0;
  #hooks: SessionHooks;

  constructor(hooks: SessionHooks = {}) {
    this.#hooks = hooks;
  }

  /** Sessions that are loaded now. */
  get open(): number {
    return this.created - this.released;
  }

  async #create(...args: Parameters<Create>): Promise<Session> {
    await this.#hooks.onCreate?.(this.created + 1);
    const session = await ort.InferenceSession.create(...args);
    this.created += 1;
    const run = session.run.bind(session) as (...all: unknown[]) => ReturnType<Session["run"]>;
    const release = session.release.bind(session);
    let isReleased = false;
    session.run = (async (...all: unknown[]) => {
      this.runs += 1;
      if (isReleased) {
        throw new Error("Session already disposed.");
      }
      await this.#hooks.onRun?.(this.runs, session);
      const results = await run(...all);
      this.#hooks.alter?.(results, session);
      return results;
    }) as Session["run"];
    session.release = async () => {
      if (isReleased) {
        throw new Error("Session already disposed.");
      }
      isReleased = true;
      this.released += 1;
      await release();
    };
    return session;
  }
}
