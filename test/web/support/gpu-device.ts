import type { Page, Worker } from "playwright-core";

/** Keeps the GPU device that a worker of the page will ask for, so that {@link loseDevice} finds it. */
export function keepDevices(page: Page): void {
  page.on("worker", (worker) => {
    void worker
      .evaluate(() => {
        const { GPUAdapter } = globalThis as unknown as {
          GPUAdapter: { prototype: { requestDevice(...options: unknown[]): Promise<unknown> } };
        };
        const { requestDevice } = GPUAdapter.prototype;
        GPUAdapter.prototype.requestDevice = async function (...options) {
          const device = await requestDevice.apply(this, options);
          Object.assign(globalThis, { device });
          return device;
        };
      })
      .catch(() => undefined);
  });
}

/** Takes the GPU device away from a worker. */
export async function loseDevice(worker: Worker): Promise<void> {
  await worker.evaluate(() =>
    (globalThis as unknown as { device: { destroy(): void } }).device.destroy(),
  );
}

/** Put before a worker's script: the software adapter passes for a real one. */
export const realGpu = `
Object.defineProperty(GPUAdapter.prototype, "info", { value: { isFallbackAdapter: false } });
`;

/** As {@link realGpu}, but it gives no device. */
export const brokenGpu = `${realGpu}
GPUAdapter.prototype.requestDevice = async () => { throw new Error("no device today"); };
`;
