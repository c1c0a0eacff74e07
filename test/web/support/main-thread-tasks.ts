import type { Page } from "playwright-core";

/** Milliseconds of one task: by the clock, and of the processor. */
export interface Task {
  readonly wall: number;
  readonly cpu: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Records the page's main thread until the function that comes back is called: it gives all tasks. */
export async function recordTasks(page: Page): Promise<() => Promise<Task[]>> {
  const browser = page.context().browser();
  if (browser === null) {
    throw new Error("The page has no browser.");
  }
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
  return async () => {
    const bytes = await browser.stopTracing();
    const { traceEvents } = JSON.parse(bytes.toString()) as { traceEvents: TraceEvent[] };
    const thread = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
    const mains = new Set(
      traceEvents
        .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
        .map(thread),
    );
    return traceEvents
      .filter((event) => event.ph === "X" && /\bRunTask$/.test(event.name))
      .filter((event) => mains.has(thread(event)))
      .map(({ dur = 0, tdur = dur }) => ({ wall: dur / 1000, cpu: tdur / 1000 }));
  };
}
