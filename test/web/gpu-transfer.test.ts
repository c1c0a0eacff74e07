import { expect, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { tinyModel } from "../support/tiny-model.ts";
import { hasBrowser, openPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

/** Bytes that a worker has moved to and from the GPU; sizes of kernels, which are small, apart. */
interface Moved {
  up: number;
  down: number;
  small: number;
}

/** Counts, in a worker, what is written to GPU buffers and what is read back. */
function countTransfers(): void {
  const small = 1024;
  const scope = globalThis as unknown as {
    moved: Moved;
    GPUQueue: { prototype: Record<"writeBuffer", unknown> };
    GPUDevice: { prototype: Record<"createBuffer", unknown> };
    GPUBuffer: { prototype: Record<"mapAsync", unknown> };
  };
  const moved = { up: 0, down: 0, small: 0 };
  scope.moved = moved;
  const count = (way: "up" | "down", bytes: number) => {
    moved[bytes > small ? way : "small"] += bytes;
  };
  type Method = (this: { size: number }, ...parameters: never[]) => unknown;
  const wrap = (
    prototype: object,
    name: string,
    look: (self: { size: number }, p: unknown[]) => void,
  ) => {
    const known = prototype as Record<string, Method>;
    const original = known[name] as Method;
    known[name] = function (...parameters) {
      look(this, parameters);
      return original.apply(this, parameters);
    };
  };
  wrap(scope.GPUQueue.prototype, "writeBuffer", (_, [, , data, offset = 0, size]) => {
    const view = data as Uint8Array;
    count("up", Number(size ?? view.byteLength - Number(offset)));
  });
  wrap(scope.GPUDevice.prototype, "createBuffer", (_, [descriptor]) => {
    const { mappedAtCreation, size } = descriptor as { mappedAtCreation?: boolean; size: number };
    count("up", mappedAtCreation ? size : 0);
  });
  wrap(scope.GPUBuffer.prototype, "mapAsync", ({ size }) => {
    count("down", size);
  });
}

const side = 64;

/** As small as it can be: software compiles every kernel of it for seconds. */
const model = tinyModel({
  inputs: { image: { dims: [1, 3, side, side] } },
  constants: {
    w: { dims: [2, 3, 1, 1], data: [-1, -1, -1, 1, 1, 1] },
    b: { dims: [2], data: [1.5, -1.5] },
  },
  nodes: [["Conv", ["image", "w", "b"], "scores"]],
});

it.skipIf(!hasBrowser).for(["asma", "mi-fgsm"] as const)(
  "only numbers cross between two steps of %s on WebGPU",
  { timeout: 200_000 },
  async (attack) => {
    const opened = await openPage({
      gpu: true,
      intercept: (path, response) => {
        if (path === "/bright.onnx") {
          response.writeHead(200, { "content-type": "application/octet-stream" }).end(model);
          return true;
        }
        return undefined;
      },
    });
    const { page } = opened;
    const started = page.waitForEvent("worker");
    await page.evaluate(
      async ([n, attack]) => {
        const model = await onnxAsma.loadModel("/bright.onnx", { device: "webgpu" });
        const image = {
          data: new Float32Array(3 * n * n).map((_, i) => ((i * 37) % 256) / 255),
          dims: [1, 3, n, n] as const,
        };
        const target = onnxAsma.disc([n, n], [n / 2, n / 2], n / 4);
        const run = await model.attack(image, target, {
          attack,
          iouThreshold: 1,
          earlyStop: false,
        });
        const steps = run[Symbol.asyncIterator]();
        Object.assign(globalThis, { steps });
      },
      [side, attack] as const,
    );
    const worker = await started;
    await worker.evaluate(countTransfers);
    const movedAfter = async (count: number): Promise<Moved> => {
      await page.evaluate(async (n) => {
        const { steps } = globalThis as unknown as { steps: AsyncGenerator };
        for (let i = 0; i < n; i++) {
          await steps.next();
        }
      }, count);
      return await worker.evaluate(() => ({
        ...(globalThis as unknown as { moved: Moved }).moved,
      }));
    };
    const first = await movedAfter(3);
    const then = await movedAfter(5);
    await opened.close();
    const image = 4 * 3 * side ** 2;
    console.log(
      `image ${image} bytes; five steps of ${attack} move ${then.up - first.up} bytes up, ${then.down - first.down} down, and ${then.small - first.small} in pieces of up to a kilobyte`,
    );
    // The counters see what is moved: the image had to come.
    expect(first.up).toBeGreaterThanOrEqual(image);
    expect(then).toMatchObject({ up: first.up, down: first.down });
    expect(then.small).toBeGreaterThan(first.small);
  },
);
