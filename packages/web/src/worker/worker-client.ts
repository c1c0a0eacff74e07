import { AsmaError } from "@onnx-asma/core";
import { fromErrorMessage } from "./error-message.ts";
import type { Backend, LoadProgress, RequestName, Requests, Response } from "../messages.ts";

/** What the worker tells without being asked. */
export interface ClientEvents {
  progress(progress: LoadProgress): void;
  backend(backend: Backend): void;
}

interface Pending {
  resolve(result: never): void;
  reject(error: AsmaError): void;
}

/** The page's end of the worker: requests become promises, and none is left waiting when it dies. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #events: ClientEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(error: AsmaError) => void>();
  #requests = 0;
  #end: AsmaError | undefined;

  constructor(worker: Worker, events: ClientEvents) {
    this.#worker = worker;
    this.#events = events;
    worker.addEventListener("message", ({ data }: MessageEvent<Response>) => this.#receive(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#die(workerError(event.message, this.#requests));
    });
    worker.addEventListener("messageerror", () =>
      this.#die(workerError("a message could not be read", this.#requests)),
    );
  }

  /** What ended the worker; `undefined` while it works. */
  get end(): AsmaError | undefined {
    return this.#end;
  }

  /**
   * Tells when the worker has ended, and why.
   *
   * @returns ends the listening
   */
  onEnd(listener: (error: AsmaError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the worker for something. */
  call<Name extends RequestName>(
    name: Name,
    params: Requests[Name]["params"],
    transfer: Transferable[] = [],
  ): Promise<Requests[Name]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const id = ++this.#requests;
      try {
        this.#worker.postMessage({ id, name, params }, transfer);
        this.#pending.set(id, { resolve, reject });
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        reject(
          new AsmaError(
            "ERR_OPTION",
            `Expected plain data, which can be sent to the worker, but found something else (${reason}): leave functions and objects of classes out.`,
            { cause },
          ),
        );
      }
    });
  }

  /** Ends the worker; its memory goes back to the system. */
  release(): void {
    this.#die(new AsmaError("ERR_RELEASED", "This model was released: load it again."));
  }

  #receive(response: Response): void {
    switch (response.kind) {
      case "progress":
        this.#events.progress(response.progress);
        return;
      case "backend":
        this.#events.backend(response.backend);
        return;
      case "lost":
        this.#die(fromErrorMessage(response.error));
        return;
      case "result":
        this.#take(response.id)?.resolve(response.result as never);
        return;
      case "error": {
        const error = fromErrorMessage(response.error);
        this.#take(response.id)?.reject(error);
        if (response.error.isFatal) {
          this.#die(error);
        }
      }
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #die(error: AsmaError): void {
    this.#end ??= error;
    this.#worker.terminate();
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) {
      reject(this.#end);
    }
    for (const listener of this.#listeners) {
      listener(this.#end);
    }
    this.#listeners.clear();
  }
}

function workerError(message: string | undefined, requests: number): AsmaError {
  const reason = message || "its script did not load";
  const hint =
    requests <= 1
      ? " In the development server of Vite 7 or older, name @onnx-asma/web in optimizeDeps.exclude; under a Content-Security-Policy, allow worker-src 'self'."
      : "";
  return new AsmaError(
    "ERR_WORKER",
    `The model's worker has ended: ${reason}. Load the model again.${hint}`,
  );
}
