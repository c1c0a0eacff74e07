import { AttackService } from "./attack-service.ts";
import { toErrorMessage } from "./error-message.ts";
import type { Request, RequestName, Response } from "../messages.ts";

/** The worker's global scope, as far as it is used; its own type library contradicts the page's. */
interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(message: Response, transfer: Transferable[]): void;
}

const scope = self as unknown as WorkerScope;

const send = (response: Response): void => scope.postMessage(response, []);

const service = new AttackService({
  progress: (progress) => send({ kind: "progress", progress }),
  backend: (backend) => send({ kind: "backend", backend }),
  lost: (error) => send({ kind: "lost", error: toErrorMessage(error) }),
});

// One request at a time, but for `abort`, which has to overtake the step it stops.
let turn: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: request }) => {
  if (request.name === "abort") {
    void answer(request);
  } else {
    turn = turn.then(() => answer(request));
  }
};

async function answer({ id, name, params }: Request): Promise<void> {
  try {
    const result = await service[name](params as never);
    const transfer = givesCopies(name) ? [...new Set(buffersOf(result, 6))] : [];
    scope.postMessage({ kind: "result", id, result }, transfer);
  } catch (error) {
    send({ kind: "error", id, error: toErrorMessage(await service.reasonOf(error)) });
  }
}

/** Whether the images and maps in a result belong to the page alone: then their memory moves there. */
function givesCopies(name: RequestName): boolean {
  return !["load", "describe", "begin", "abort"].includes(name);
}

function buffersOf(value: unknown, depth: number): Transferable[] {
  if (ArrayBuffer.isView(value)) {
    return [value.buffer as ArrayBuffer];
  }
  return typeof value === "object" && value !== null && depth > 0
    ? Object.values(value).flatMap((entry) => buffersOf(entry, depth - 1))
    : [];
}
