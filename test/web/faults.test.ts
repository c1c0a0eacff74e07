import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { golden } from "../support/golden-scene.ts";
import { brokenGpu, keepDevices, loseDevice, realGpu } from "./support/gpu-device.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

const borderModes = new URL("../zoo/committed/border-modes", import.meta.url).pathname;
declare function codeOf(task: () => Promise<unknown>): Promise<{ code: string; message: string }>;
declare function scene(side?: number): {
  image: Api.ImageTensor;
  target: Api.LabelMap;
};

/** Helpers that the page's functions use. */
async function prepare({ page }: OpenPage): Promise<void> {
  await page.evaluate(() => {
    Object.assign(globalThis, {
      codeOf: async (task: () => Promise<unknown>) => {
        try {
          await task();
          return { code: "none", message: "" };
        } catch (error) {
          const { name, code, message } = error as Error & { code?: string };
          return { code: name === "AsmaError" ? code : String(error), message };
        }
      },
      scene: (side = 92) => ({
        image: {
          data: new Float32Array(3 * side * side).map((_, i) => ((i * 37) % 256) / 255),
          dims: [1, 3, side, side],
        },
        target: onnxAsma.disc([side, side], [side / 2, side / 2], side / 4),
      }),
    });
  });
}

const ortFolder = new URL("../../packages/web/node_modules/onnxruntime-web/dist/", import.meta.url);

describe.skipIf(!hasBrowser)("what can go wrong in the browser", () => {
  let opened: OpenPage;
  const requests: string[] = [];
  beforeAll(async () => {
    opened = await openPage({
      folders: [golden(".")],
      onRequest: (url) => requests.push(url),
      intercept: (path, response) => {
        if (path.startsWith("/fallback/")) {
          // What hosts of single-page applications answer for files they lack.
          response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
          return true;
        }
        if (path.startsWith("/plain/") && path.endsWith(".mjs")) {
          response.writeHead(200, { "content-type": "text/plain" }).end("export default 1;");
          return true;
        }
        if (path.startsWith("/plain/")) {
          response.writeHead(200).end(Buffer.from([0, 0x61, 0x73, 0x6d]));
          return true;
        }
        if (path.startsWith("/untyped/")) {
          const type = path.endsWith(".mjs") ? "text/javascript" : "application/octet-stream";
          const file = readFileSync(new URL(path.slice("/untyped/".length), ortFolder));
          response.writeHead(200, { "content-type": type }).end(file);
          return true;
        }
        return undefined;
      },
    });
    await prepare(opened);
  });
  afterAll(async () => await opened.close());

  it.each([
    ["a model that is not there", "/none.onnx", "ERR_FILE_NOT_FOUND", /404/],
    ["a page in place of a model", "/fallback/m.onnx", "ERR_FILE_NOT_FOUND", /web page/],
    ["a file that is no model", "/retina.jpg", "ERR_MODEL_UNREADABLE", /not a protobuf|no graph/],
  ])("names %s", async (_, path, code, message) => {
    const error = await opened.page.evaluate(
      (p) => codeOf(() => onnxAsma.createAttack(p, { device: "wasm" })),
      path,
    );
    expect(error).toEqual({ code, message: expect.stringMatching(message) });
  });

  it("asks for the data file of a model, and takes it as a File or from beside the model", async () => {
    const found = await opened.page.evaluate(async () => {
      const { createAttack } = onnxAsma;
      const get = async (path: string) => await (await fetch(path)).blob();
      const model = new File([await get("/unet-dynamo.onnx")], "unet-dynamo.onnx");
      const data = await get("/unet-dynamo.onnx.data");
      const missing = await codeOf(() => createAttack(model, { device: "wasm" }));
      const other = await codeOf(() =>
        createAttack({ model, externalData: { "other.data": data } }, { device: "wasm" }),
      );
      const attack = await createAttack(
        { model, externalData: { "unet-dynamo.onnx.data": data } },
        { device: "wasm" },
      );
      const { grid } = await attack.describe();
      await attack.release();
      return { missing, other, grid: grid.size };
    });
    expect(found.missing).toMatchObject({ code: "ERR_EXTERNAL_DATA" });
    expect(found.missing.message).toMatch(/unet-dynamo\.onnx\.data.*no data file was given/);
    expect(found.other.message).toMatch(/only other\.data was given/);
    expect(found.grid).toEqual([52, 52]);
  });

  it.each([
    ["missing", "/nowhere/", /404/],
    ["answered by a page", "/fallback/", /web page/],
    ["served with the wrong type", "/plain/", /content type is 'text\/plain'/],
  ])("explains ONNX Runtime's files when they are %s", async (_, wasmPaths, message) => {
    const error = await opened.page.evaluate(
      (p) =>
        codeOf(() => onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm", wasmPaths: p })),
      wasmPaths,
    );
    expect(error).toEqual({ code: "ERR_WASM_FILES", message: expect.stringMatching(message) });
  });

  it.each([
    ["once", undefined, 1, []],
    ["twice when its type is wrong, and says so", "/untyped/", 2, [/'application\/wasm'/]],
  ])("fetches ONNX Runtime %s", async (_, wasmPaths, times, expected) => {
    requests.length = 0;
    const notices = await opened.page.evaluate(async (folder) => {
      const found: string[] = [];
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", {
        device: "wasm",
        wasmPaths: folder,
        onNotice: (text) => found.push(text),
      });
      await attack.predict(scene().image);
      await attack.release();
      return found;
    }, wasmPaths);
    expect(requests.filter((url) => url.endsWith(".wasm")).length).toBe(times);
    expect(notices).toEqual(expected.map((text) => expect.stringMatching(text)));
  });

  it("refuses WebGPU where there is none, and says so when it may choose", async () => {
    const found = await opened.page.evaluate(async () => {
      const notices: string[] = [];
      const error = await codeOf(() =>
        onnxAsma.createAttack("/unet-legacy.onnx", { device: "webgpu" }),
      );
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", {
        onNotice: (text) => notices.push(text),
      });
      await attack.release();
      return { error, notices, backend: attack.backend };
    });
    expect(found.error.code).toBe("ERR_DEVICE");
    expect(found.backend.device).toBe("wasm");
    expect(found.notices).toEqual([expect.stringMatching(/^On WebAssembly, since /)]);
    expect(found.backend.notice).toBe(found.notices[0]);
  });

  it("stops within one step, and keeps the best so far", async () => {
    const found = await opened.page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const controller = new AbortController();
      const options = { iouThreshold: 1, iterations: 10_000 };
      const run = await attack.run(image, target, { ...options, signal: controller.signal });
      let last = 0;
      for await (const { step } of run) {
        last = step;
        if (step === 3) {
          setTimeout(() => controller.abort(), 0);
        }
      }
      const aborted = await run.result;
      // Without anybody iterating: the signal alone.
      const second = new AbortController();
      const unwatched = await attack.run(image, target, { ...options, signal: second.signal });
      const { result } = unwatched;
      setTimeout(() => second.abort(), 500);
      const left = await attack.run(image, target, options);
      const unwatchedResult = await result;
      for await (const { step } of left) {
        if (step === 2) {
          break;
        }
      }
      const leftResult = await left.result;
      await attack.release();
      return {
        last,
        aborted: { reason: aborted.stopReason, steps: aborted.trajectory.length },
        bestSize: aborted.best.image.data.length,
        unwatched: unwatchedResult.stopReason,
        left: [leftResult.stopReason, leftResult.last.step],
      };
    });
    expect(found.aborted.reason).toBe("aborted");
    expect(found.last).toBeLessThanOrEqual(5);
    expect(found.aborted.steps).toBe(found.last + 1);
    expect(found.bestSize).toBe(3 * 92 * 92);
    expect(found.unwatched).toBe("aborted");
    expect(found.left).toEqual(["aborted", 2]);
  });

  it("runs one attack at a time; one that is aborted while it waits never starts", async () => {
    const found = await opened.page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const options = { iouThreshold: 1, iterations: 6 };
      const order: string[] = [];
      const controller = new AbortController();
      const watch = async (name: string, signal?: AbortSignal) => {
        const run = await attack.run(image, target, { ...options, signal });
        for await (const _ of run) {
          order.push(name);
        }
        return (await run.result).stopReason;
      };
      const first = watch("a");
      const aborted = codeOf(() => watch("b", controller.signal));
      const third = watch("c");
      controller.abort();
      const results = [await first, (await aborted).code, await third];
      await attack.release();
      return { order: order.join(""), results };
    });
    expect(found.order).toBe("aaaaaaaccccccc");
    expect(found.results).toEqual(["iterations", "ERR_ABORTED", "iterations"]);
  });

  it("waits while nobody asks for the next step", async () => {
    const steps = await opened.page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const run = await attack.run(image, target, { iouThreshold: 1, iterations: 20 });
      const iterator = run[Symbol.asyncIterator]();
      const first = await iterator.next();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const second = await iterator.next();
      const gone = await codeOf(() => (first.value as Api.WebAttackStep).image());
      await iterator.return();
      await attack.release();
      return [first.value?.step, second.value?.step, gone.code];
    });
    expect(steps).toEqual([0, 1, "ERR_STEP_GONE"]);
  });

  it("names what does not fit, with the codes of core", async () => {
    const codes = await opened.page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const attempt = (i: Api.ImageTensor, t: Api.LabelMap, options = {}) =>
        codeOf(async () => await (await attack.run(i, t, options)).result);
      const wrongRange = { ...image, data: image.data.map((v) => v * 255) };
      const wrongClass = { ...target, data: target.data.map(() => 7) };
      const results = [
        await attempt(wrongRange, target),
        await attempt(image, wrongClass),
        await attempt(image, onnxAsma.disc([9, 9], [4, 4], 2)),
        await attempt(image, target, { iterations: 0 }),
        await codeOf(() => attack.verify(new Uint8Array(9), target, { original: image })),
      ];
      await attack.release();
      results.push(await codeOf(() => attack.predict(image)));
      return results.map(({ code }) => code);
    });
    expect(codes).toEqual([
      "ERR_IMAGE_RANGE",
      "ERR_TARGET_CLASS",
      "ERR_TARGET_SIZE",
      "ERR_OPTION",
      "ERR_IMAGE_UNREADABLE",
      "ERR_RELEASED",
    ]);
  });

  it("rejects what is pending when the worker dies, and starts afresh", async () => {
    const { page } = opened;
    const broken = await page.evaluate(() =>
      codeOf(() =>
        onnxAsma.createAttack("/unet-legacy.onnx", {
          createWorker: () => new Worker("/nowhere.js", { type: "module" }),
        }),
      ),
    );
    expect(broken.code).toBe("ERR_WORKER");
    const started = page.waitForEvent("worker");
    const running = page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", {
        device: "wasm",
        threads: 1,
      });
      const { image, target } = scene();
      const run = await attack.run(image, target, { iouThreshold: 1, iterations: 100_000 });
      let steps = 0;
      const error = await codeOf(async () => {
        for await (const _ of run) {
          steps += 1;
          Object.assign(globalThis, { steps });
        }
      });
      const result = await codeOf(() => run.result);
      const again = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { opset } = await again.describe([92, 92]);
      await again.release();
      return { steps, error, result, opset };
    });
    const worker = await started;
    await page.waitForFunction(() => ((globalThis as { steps?: number }).steps ?? 0) > 2);
    await worker.evaluate(() => {
      setTimeout(() => {
        throw new Error("something broke");
      });
    });
    const found = await running;
    expect(found.error).toEqual({
      code: "ERR_WORKER",
      message: expect.stringMatching(/something broke/),
    });
    expect(found.result.code).toBe("ERR_WORKER");
    expect(found.opset).toBeGreaterThan(10);
  });

  it("says that memory ran out, and starts afresh", async () => {
    const found = await opened.page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene(7200);
      const error = await codeOf(async () => await (await attack.run(image, target)).result);
      const after = await codeOf(() => attack.predict(scene().image));
      const again = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "wasm" });
      const labels = await again.predict(scene().image);
      await again.release();
      return { error, after, labels: labels.dims };
    });
    expect(found.error.code).toBe("ERR_OUT_OF_MEMORY");
    expect(found.after.code).toBe("ERR_OUT_OF_MEMORY");
    expect(found.labels).toEqual([52, 52]);
  });
});

describe.skipIf(!hasBrowser)("on a page without cross-origin isolation", () => {
  it("runs on one thread and says so", async () => {
    const opened = await openPage({ isolated: false, folders: [golden(".")] });
    await prepare(opened);
    const found = await opened.page.evaluate(async () => {
      const notices: string[] = [];
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", {
        device: "wasm",
        onNotice: (text) => notices.push(text),
      });
      const { image, target } = scene();
      const run = await attack.run(image, target, { iterations: 2, iouThreshold: 1 });
      const { trajectory } = await run.result;
      await attack.release();
      return { threads: attack.backend.threads, notices, steps: trajectory.length };
    });
    await opened.close();
    expect(found).toEqual({
      threads: 1,
      notices: [expect.stringMatching(/not cross-origin isolated/)],
      steps: 3,
    });
  });
});

/** The test page with a GPU, and a script that its workers run first. */
async function openChangedWorker(before: string, folders: string[] = []): Promise<OpenPage> {
  return await openPage({
    gpu: true,
    folders: [golden("."), ...folders],
    intercept: (path, response) => {
      if (!/attack-worker.*\.js$/.test(path)) {
        return undefined;
      }
      const script = readFileSync(join(inject("site"), path), "utf8");
      response.writeHead(200, { "content-type": "text/javascript" }).end(before + script);
      return true;
    },
  });
}

describe.skipIf(!hasBrowser)("on WebGPU", () => {
  it("goes on with WebAssembly where the GPU fails and the choice is free, and says so", async () => {
    const opened = await openChangedWorker(brokenGpu);
    await prepare(opened);
    const found = await opened.page.evaluate(async () => {
      const notices: string[] = [];
      const onNotice = (text: string) => notices.push(text);
      const attack = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "auto", onNotice });
      const first = attack.backend.device;
      const { image, target } = scene();
      const run = await attack.run(image, target, { iterations: 2, iouThreshold: 1 });
      const { trajectory } = await run.result;
      await attack.release();
      const fixed = await onnxAsma.createAttack("/unet-legacy.onnx", { device: "webgpu" });
      const refused = await codeOf(() => fixed.predict(image));
      await fixed.release();
      return { first, backend: attack.backend, notices, steps: trajectory.length, refused };
    });
    await opened.close();
    expect(found.first).toBe("webgpu");
    expect(found.backend.device).toBe("wasm");
    expect(found.notices).toEqual([
      expect.stringMatching(/since WebGPU failed: .*(no device today|without a reason)/s),
    ]);
    expect(found.steps).toBe(3);
    expect(found.refused.code).toBe("ERR_SESSION");
  });

  it("takes no numbers from a GPU that computes other ones than the processor", async () => {
    const opened = await openChangedWorker(realGpu, [borderModes]);
    await prepare(opened);
    const found = await opened.page.evaluate(async () => {
      const { image } = scene(44);
      const grey = { data: image.data.slice(0, 40 * 48), dims: [1, 1, 40, 48] as const };
      const options = { range: [-2, 2] as const };
      const follow = async (device: "auto" | "webgpu" | "wasm") => {
        const attack = await onnxAsma.createAttack("/dynamo.onnx", { ...options, device });
        const { head } = await attack.describe([40, 48]);
        const wanted = onnxAsma.disc(head.size, [20, 25], 10);
        const run = await attack.run(grey, wanted, { iterations: 3, earlyStop: false });
        const end = await run.result.then(
          ({ trajectory }) => trajectory.map(({ l2 }) => l2),
          (error: { code: string }) => error.code,
        );
        await attack.release();
        return { end, backend: attack.backend };
      };
      return {
        auto: await follow("auto"),
        webgpu: await follow("webgpu"),
        wasm: await follow("wasm"),
      };
    });
    await opened.close();
    // A convolution of six channels with stride 2, which ONNX Runtime 1.30 computes wrong on WebGPU. Where
    // this fails because it does no more, another operator of OPERATORS.md has to take its place.
    expect(found.webgpu.end).toBe("ERR_DEVICE_NUMBERS");
    expect(found.auto.backend.device).toBe("wasm");
    expect(found.auto.backend.notice).toMatch(/computes other numbers than the processor/);
    expect(found.auto.end).toEqual(found.wasm.end);
  });

  it("rejects what is pending when the device is lost", async () => {
    const opened = await openPage({ gpu: true, folders: [golden(".")] });
    await prepare(opened);
    const { page } = opened;
    keepDevices(page);
    const started = page.waitForEvent("worker");
    const running = page.evaluate(async () => {
      const attack = await onnxAsma.createAttack("/unet3.onnx", { device: "webgpu" });
      const { image, target } = scene(76);
      const run = await attack.run(image, target, { iouThreshold: 1, iterations: 100_000 });
      return await codeOf(async () => {
        for await (const { step } of run) {
          Object.assign(globalThis, { steps: step });
        }
      });
    });
    const worker = await started;
    await page.waitForFunction(
      () => ((globalThis as { steps?: number }).steps ?? 0) > 0,
      undefined,
      { timeout: 100_000 },
    );
    await loseDevice(worker);
    const error = await running;
    await opened.close();
    expect(error.code).toBe("ERR_DEVICE_LOST");
  });
});
