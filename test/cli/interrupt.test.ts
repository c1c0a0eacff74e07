import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { ResultRecord } from "@onnx-asma/node";
import { golden, unet, writeImage } from "../support/golden-scene.ts";
import { filesOf, namesIn, runCli, temporaryFolder } from "../support/run-cli.ts";

it.each(["SIGINT", "SIGTERM"] as const)("%s keeps the best so far and exits 130", async (name) => {
  const folder = temporaryFolder();
  const [image, out] = [writeImage(folder), join(folder, "out")];
  const { code, stdout, stderr } = await runCli(
    [
      "attack",
      unet,
      image,
      "--disc",
      "46,46,10",
      "-o",
      out,
      "--iou",
      "1",
      "--pixel-accuracy",
      "1",
      "--iterations",
      "100000",
      "--no-early-stop",
    ],
    { signal: { name, when: /attack \|/ } },
  );
  expect(code, stderr).toBe(130);
  expect(stderr).toContain("the best so far is kept");
  expect(stdout).toMatch(/^Not reached in .*\. It was stopped\.$/m);
  const record = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ResultRecord;
  expect(record.stopReason).toBe("aborted");
  expect(record.steps).toBeLessThan(100_000);
  expect(namesIn(out)).toEqual(filesOf(record));
});

it("takes no more memory after 200 steps than after 20", async () => {
  const script = join(temporaryFolder(), "memory.mjs");
  const node = fileURLToPath(new URL("../../packages/node/dist/index.js", import.meta.url));
  writeFileSync(
    script,
    `
    import { loadModel, readNpy } from ${JSON.stringify(node)};
    const npy = (name) => readNpy(${JSON.stringify(golden("trajectories/"))} + name);
    const model = await loadModel(${JSON.stringify(unet)}, { threads: 1 });
    const { data, dims } = await npy("two.image.npy");
    const target = await npy("two.moved.npy");
    const run = await model.attack(
      { data, dims },
      { data: Int32Array.from(target.data), dims: target.dims.slice(-2) },
      { iterations: 220, earlyStop: false, iouThreshold: 1 },
    );
    const rss = {};
    for await (const { step } of run) {
      // Regularly, so that garbage of the steps between is not taken for a leak.
      if (step % 10 === 0) {
        gc();
        rss[step] = process.memoryUsage().rss;
      }
    }
    console.log(JSON.stringify(rss));
    `,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script]);
  const rss = JSON.parse(stdout) as Record<"20" | "200", number>;
  expect(rss[200] / rss[20], stdout).toBeLessThan(1.05);
});
