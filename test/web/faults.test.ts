import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type * as Api from "@onnx-asma/web";
import { files } from "../foreign-files/files.ts";
import { golden } from "../support/golden-scene.ts";
import { brokenGpu, keepDevices, loseDevice, realGpu } from "./support/gpu-device.ts";
import { hasBrowser, openPage, type OpenPage } from "./support/open-page.ts";

declare const onnxAsma: typeof Api;

const borderModes = new URL("../zoo/committed/border-modes", import.meta.url).pathname;
declare function codeOf(task: () => Promise<unknown>): Promise<{ code: string; message: string }>;
declare const createOwnWorker: () => Worker;
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
    ["a file that is no model", "/retina.jpg", "ERR_MODEL_UNREADABLE", /JPEG picture.*model first/],
  ])("names %s", async (_, path, code, message) => {
    const error = await opened.page.evaluate(
      (p) => codeOf(() => onnxAsma.loadModel(p, { device: "wasm" })),
      path,
    );
    expect(error).toEqual({ code, message: expect.stringMatching(message) });
  });

  it("says what files are that are no model", async () => {
    const chosen = Object.entries(files)
      .filter(([, { code }]) => code === "ERR_MODEL_UNREADABLE")
      .filter((_, i) => i % 5 === 0);
    const found = await opened.page.evaluate(
      async (all) => {
        const errors: { code: string; message: string }[] = [];
        for (const [name, bytes] of all) {
          const file = new File([new Uint8Array(bytes)], name);
          errors.push(await codeOf(() => onnxAsma.loadModel(file, { device: "wasm" })));
        }
        return errors;
      },
      chosen.map(([, { name, bytes }]) => [name, [...bytes]] as const),
    );
    expect(found.length).toBeGreaterThan(8);
    chosen.forEach(([what, { code, says }], i) => {
      expect({ what, ...found[i] }).toEqual({ what, code, message: expect.stringMatching(says) });
    });
  });

  it("asks for the data file of a model, and takes it as a File or from beside the model", async () => {
    const found = await opened.page.evaluate(async () => {
      const { loadModel } = onnxAsma;
      const get = async (path: string) => await (await fetch(path)).blob();
      const file = new File([await get("/unet-dynamo.onnx")], "unet-dynamo.onnx");
      const data = await get("/unet-dynamo.onnx.data");
      const missing = await codeOf(() => loadModel(file, { device: "wasm" }));
      const load = async (externalData: Api.ModelWithData["externalData"]) => {
        const model = await loadModel({ model: file, externalData }, { device: "wasm" });
        const { grid } = await model.describe();
        await model.release();
        return grid.size;
      };
      const other = await codeOf(() => load({ "other.data": data }));
      return {
        missing,
        other,
        byName: await load({ "unet-dynamo.onnx.data": data }),
        asFile: await load([new File([data], "unet-dynamo.onnx.data")]),
      };
    });
    expect(found.missing).toMatchObject({ code: "ERR_EXTERNAL_DATA" });
    expect(found.missing.message).toMatch(/unet-dynamo\.onnx\.data.*no data file was given/);
    expect(found.other.message).toMatch(/only other\.data was given/);
    expect(found.byName).toEqual([52, 52]);
    expect(found.asFile).toEqual([52, 52]);
  });

  it.each([
    ["missing", "/nowhere/", /404/],
    ["answered by a page", "/fallback/", /web page/],
    ["served with the wrong type", "/plain/", /content type is 'text\/plain'/],
  ])("explains ONNX Runtime's files when they are %s", async (_, wasmPaths, message) => {
    const error = await opened.page.evaluate(
      (p) =>
        codeOf(() => onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm", wasmPaths: p })),
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
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        device: "wasm",
        wasmPaths: folder,
        onNotice: (text) => found.push(text),
      });
      await model.predict(scene().image);
      await model.release();
      return found;
    }, wasmPaths);
    expect(requests.filter((url) => url.endsWith(".wasm")).length).toBe(times);
    expect(notices).toEqual(expected.map((text) => expect.stringMatching(text)));
  });

  it("refuses WebGPU where there is none, and says so when it may choose", async () => {
    const found = await opened.page.evaluate(async () => {
      const notices: string[] = [];
      const error = await codeOf(() =>
        onnxAsma.loadModel("/unet-legacy.onnx", { device: "webgpu" }),
      );
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        onNotice: (text) => notices.push(text),
      });
      await model.release();
      return { error, notices, backend: model.backend };
    });
    expect(found.error.code).toBe("ERR_DEVICE");
    expect(found.backend.device).toBe("wasm");
    expect(found.notices).toEqual([expect.stringMatching(/^On WebAssembly, since /)]);
    expect(found.backend.notice).toBe(found.notices[0]);
  });

  it("stops within one step, and keeps the best so far", async () => {
    const found = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const controller = new AbortController();
      const options = { iouThreshold: 1, iterations: 10_000 };
      const run = await model.attack(image, target, { ...options, signal: controller.signal });
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
      const unwatched = await model.attack(image, target, { ...options, signal: second.signal });
      const { result } = unwatched;
      // Requests are answered in turn: steps are taken between these.
      await model.predict(image);
      await model.predict(image);
      second.abort();
      const left = await model.attack(image, target, options);
      const unwatchedResult = await result;
      for await (const { step } of left) {
        if (step === 2) {
          break;
        }
      }
      const leftResult = await left.result;
      await model.release();
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

  it("takes attacks side by side, each as it runs alone", async () => {
    const found = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const iterations = 4;
      const choices: Api.AttackChoice[] = [
        { attack: "asma", iouThreshold: 1, iterations },
        { attack: "pgd", iouThreshold: 1, iterations },
      ];
      const order: number[] = [];
      const follow = async (choice: Api.AttackChoice, i: number) => {
        const run = await model.attack(image, target, choice);
        for await (const _ of run) {
          order.push(i);
          await model.predict(image);
        }
        const { attack, trajectory } = await run.result;
        return [attack.name, ...trajectory.map(({ l2 }) => l2)];
      };
      const together = await Promise.all(choices.map(follow));
      const interleaved = order.slice();
      const alone = [await follow(choices[0] as object, 0), await follow(choices[1] as object, 1)];
      await model.release();
      return { together, alone, interleaved };
    });
    expect(found.together).toEqual(found.alone);
    expect(found.together.map(([name]) => name)).toEqual(["asma", "pgd"]);
    expect(found.interleaved.slice(0, 4).toSorted()).toEqual([0, 0, 1, 1]);
  });

  it("does not begin an attack that is left before its first step", async () => {
    const found = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const run = await model.attack(image, target);
      const ended = await run[Symbol.asyncIterator]().return();
      const left = await codeOf(() => run.result);
      await model.release();
      return { done: ended.done, left: left.code };
    });
    expect(found).toEqual({ done: true, left: "ERR_ABORTED" });
  });

  it("rejects what is pending when the model is released during an attack", async () => {
    const codes = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iouThreshold: 1, iterations: 10_000 });
      const steps = run[Symbol.asyncIterator]();
      await steps.next();
      const pending = [codeOf(() => steps.next()), codeOf(() => model.predict(image))];
      await model.release();
      const codes = [...(await Promise.all(pending)), await codeOf(() => run.result)];
      codes.push(await codeOf(() => model.attack(image, target)));
      await model.release();
      return codes.map(({ code }) => code);
    });
    expect(codes).toEqual(["ERR_RELEASED", "ERR_RELEASED", "ERR_RELEASED", "ERR_RELEASED"]);
  });

  it("rejects the result of a paused attack when the model is released", async () => {
    const code = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iouThreshold: 1, iterations: 10_000 });
      await run[Symbol.asyncIterator]().next();
      const result = codeOf(() => run.result);
      await model.release();
      return (await result).code;
    });
    expect(code).toBe("ERR_RELEASED");
  });

  it("waits while nobody asks for the next step", async () => {
    const steps = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iouThreshold: 1, iterations: 20 });
      const iterator = run[Symbol.asyncIterator]();
      const first = await iterator.next();
      // The worker has done everything it was asked for before this.
      await model.predict(image);
      const second = await iterator.next();
      const gone = await codeOf(() => (first.value as Api.AttackStep).image());
      await iterator.return();
      const over = await codeOf(() => (second.value as Api.AttackStep).prediction());
      await model.release();
      return [first.value?.step, second.value?.step, gone.code, over.code];
    });
    expect(steps).toEqual([0, 1, "ERR_STEP_GONE", "ERR_STEP_GONE"]);
  });

  it("names what does not fit, with the codes of core", async () => {
    const codes = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene();
      const attempt = (i: Api.ImageTensor, t: Api.LabelMap, options = {}) =>
        codeOf(() => model.attack(i, t, options));
      const wrongRange = { ...image, data: image.data.map((v) => v * 255) };
      const wrongClass = { ...target, data: target.data.map(() => 7) };
      const results = [
        await attempt(wrongRange, target),
        await attempt(image, wrongClass),
        await attempt(image, onnxAsma.disc([9, 9], [4, 4], 2)),
        await attempt(image, target, { iterations: 0 }),
        await attempt(image, target, { attack: "none" }),
        await attempt(image, target, { attack: "pgd", beta: 1 }),
        await attempt(image, target, { beta: () => 1 }),
        await attempt(image, target, { region: [1, 0] }),
        await codeOf(() => model.verify(new Uint8Array(9), target, { original: image })),
      ];
      await model.release();
      results.push(await codeOf(() => model.predict(image)));
      return results.map(({ code }) => code);
    });
    expect(codes).toEqual([
      "ERR_IMAGE_RANGE",
      "ERR_TARGET_CLASS",
      "ERR_TARGET_SIZE",
      "ERR_OPTION",
      "ERR_ATTACK",
      "ERR_OPTION",
      "ERR_OPTION",
      "ERR_ARRAY_DTYPE",
      "ERR_IMAGE_UNREADABLE",
      "ERR_RELEASED",
    ]);
  });

  it("rejects what is pending when the worker dies, and starts afresh", async () => {
    const { page } = opened;
    const broken = await page.evaluate(() =>
      codeOf(() =>
        onnxAsma.loadModel("/unet-legacy.onnx", {
          createWorker: () => new Worker("/nowhere.js", { type: "module" }),
        }),
      ),
    );
    expect(broken.code).toBe("ERR_WORKER");
    const started = page.waitForEvent("worker");
    const running = page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        device: "wasm",
        threads: 1,
      });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iouThreshold: 1, iterations: 100_000 });
      let steps = 0;
      const error = await codeOf(async () => {
        for await (const _ of run) {
          steps += 1;
          Object.assign(globalThis, { steps });
        }
      });
      const result = await codeOf(() => run.result);
      const again = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
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

  it("says that memory ran out, and starts afresh", { timeout: 300_000 }, async () => {
    const found = await opened.page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
      const { image, target } = scene(7200);
      const error = await codeOf(async () => await (await model.attack(image, target)).result);
      const after = await codeOf(() => model.predict(scene().image));
      const again = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "wasm" });
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
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", {
        device: "wasm",
        onNotice: (text) => notices.push(text),
      });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iterations: 2, iouThreshold: 1 });
      const { trajectory } = await run.result;
      await model.release();
      return { threads: model.backend.threads, notices, steps: trajectory.length };
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
      if (!/(attack|own)-worker.*\.js$/.test(path)) {
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
      const model = await onnxAsma.loadModel("/unet-legacy.onnx", { device: "auto", onNotice });
      const { image, target } = scene();
      const run = await model.attack(image, target, { iterations: 2, iouThreshold: 1 });
      const { trajectory } = await run.result;
      await model.release();
      const refused = await codeOf(() =>
        onnxAsma.loadModel("/unet-legacy.onnx", { device: "webgpu" }),
      );
      return { backend: model.backend, notices, steps: trajectory.length, refused };
    });
    await opened.close();
    expect(found.backend.device).toBe("wasm");
    expect(found.notices).toEqual([
      expect.stringMatching(/since WebGPU failed: .*(no device today|it gives no device)/s),
    ]);
    expect(found.steps).toBe(3);
    expect(found.refused.code).toBe("ERR_DEVICE");
  });

  it("keeps the GPU when an error is none of the runtime's", async () => {
    const opened = await openChangedWorker(realGpu);
    await prepare(opened);
    const found = await opened.page.evaluate(async () => {
      const notices: string[] = [];
      const model = await onnxAsma.loadModel("/unet3.onnx", {
        createWorker: createOwnWorker,
        onNotice: (text) => notices.push(text),
      });
      const { image, target } = scene(76);
      const choice = { attack: "own-signs", fails: "while it is built" } as object;
      const error = await codeOf(() => model.attack(image, target, choice));
      const withoutDims = { data: target.data } as Api.LabelMap;
      const { code } = await codeOf(() => model.attack(image, withoutDims));
      await model.release();
      return { error, code, notices, device: model.backend.device };
    });
    await opened.close();
    expect(found.error.message).toMatch(/a fault of the attack's own/);
    expect(found.code).toBe("ERR_ARRAY_DTYPE");
    expect(found.notices).toEqual([]);
    expect(found.device).toBe("webgpu");
  });

  it("takes no numbers from a GPU that computes other ones", { timeout: 400_000 }, async () => {
    const opened = await openChangedWorker(realGpu, [borderModes]);
    await prepare(opened);
    const found = await opened.page.evaluate(async () => {
      const { image } = scene(44);
      const grey = { data: image.data.slice(0, 40 * 48), dims: [1, 1, 40, 48] as const };
      const options = { range: [-2, 2] as const };
      const follow = async (device: "auto" | "webgpu" | "wasm") => {
        const model = await onnxAsma.loadModel("/dynamo.onnx", { ...options, device });
        const { head } = await model.describe([40, 48]);
        const wanted = onnxAsma.disc(head.size, [20, 25], 10);
        const end = await model.attack(grey, wanted, { iterations: 3, earlyStop: false }).then(
          async (run) => (await run.result).trajectory.map(({ l2 }) => l2),
          (error: Api.AsmaError) => error.code,
        );
        await model.release();
        return { end, backend: model.backend };
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

  it("rejects what is pending when the device is lost", { timeout: 400_000 }, async () => {
    const opened = await openPage({ gpu: true, folders: [golden(".")] });
    await prepare(opened);
    const { page } = opened;
    keepDevices(page);
    const started = page.waitForEvent("worker");
    const running = page.evaluate(async () => {
      const model = await onnxAsma.loadModel("/unet3.onnx", { device: "webgpu" });
      const { image, target } = scene(76);
      const run = await model.attack(image, target, { iouThreshold: 1, iterations: 100_000 });
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
      { timeout: 300_000 },
    );
    await loseDevice(worker);
    const error = await running;
    await opened.close();
    expect(error.code).toBe("ERR_DEVICE_LOST");
  });
});
