import { appendFileSync } from "node:fs";
import { it } from "vitest";
import { createAttack, hideClass, disc, readImage } from "@onnx-asma/node";
import { openPage, models } from "./support/open-page.ts";
import { bundledScenes, served } from "./support/parity-scenes.ts";
declare const onnxAsma: any;
it("noise", { timeout: 3600000 }, async () => {
  const opened = await openPage({ folders: [served.folder] });
  const image = await readImage(`${models}/retina.jpg`, { channels: 3 });
  await opened.page.evaluate((d) => {
    (globalThis as any).image = new Float32Array(
      Uint8Array.from(atob(d), (c) => c.charCodeAt(0)).buffer,
    );
  }, Buffer.from(image.data.buffer).toString("base64"));
  for (const scene of bundledScenes)
    for (const [kind, f] of [
      ["hide", 0.3],
      ["page", 0.3],
      ["hide", 0.1],
      ["page", 0.1],
    ] as const) {
      const attack = await createAttack(scene.path, {});
      const S = [1411, 1411] as const;
      await attack.model(S);
      const target =
        kind === "hide"
          ? hideClass(await attack.predict(image), 1)
          : disc(S, [0.3 * S[0], 0.4 * S[1]], 0.09 * S[0]);
      const one = await attack.run(image, target, { iterations: 1, earlyStop: false });
      const { scale } = await one.result;
      const o = { iterations: 20, earlyStop: false, beta: scale.beta * f, tau: scale.tau * f };
      const run = await attack.run(image, target, o);
      const ref: any[] = [];
      for await (const s of run)
        ref.push({ l2: s.l2, linf: s.linf, iou: s.iou, p: s.prediction().data.slice() });
      await attack.release();
      await opened.page.evaluate((d) => {
        (globalThis as any).target = new Int32Array(
          Uint8Array.from(atob(d), (c) => c.charCodeAt(0)).buffer,
        );
      }, Buffer.from(target.data.buffer).toString("base64"));
      const found: any[] = await opened.page.evaluate(
        async ({ address, dims, tdims, o }) => {
          const a = await onnxAsma.createAttack(address, { device: "wasm" });
          const r = await a.run(
            { data: (globalThis as any).image, dims },
            { data: (globalThis as any).target, dims: tdims },
            o,
          );
          const steps: any[] = [];
          for await (const s of r) {
            const p = (await s.prediction()).data;
            steps.push({
              l2: s.l2,
              linf: s.linf,
              iou: s.iou,
              p: btoa(Array.from(p as number[], (v) => String.fromCharCode(v)).join("")),
            });
          }
          await a.release();
          return steps;
        },
        { address: served.addressOf(scene.path), dims: image.dims, tdims: target.dims, o },
      );
      for (const s of found) s.p = Buffer.from(s.p, "base64");
      const px = found.map(
        (s, i) => ref[i].p.filter((v: number, j: number) => v !== s.p[j]).length,
      );
      const nm = found.map((s, i) =>
        Math.max(
          Math.abs(s.l2 - ref[i].l2) / Math.max(ref[i].l2, 1e-6),
          Math.abs(s.linf - ref[i].linf),
        ),
      );
      appendFileSync(
        "/tmp/search2.log",
        `${scene.name} full ${kind} x${f}: iou ${ref[0].iou.toFixed(3)} to ${ref.at(-1).iou.toFixed(3)} l2 ${ref.at(-1).l2.toFixed(3)}; wasm first ${px.findIndex((n) => n > 0)}, most ${px.reduce((a, b) => Math.max(a, b), 0)}, norm ${nm.reduce((a, b) => Math.max(a, b), 0).toExponential(1)}\n`,
      );
    }
  await opened.close();
});
