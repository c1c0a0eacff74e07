import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import * as ort from "onnxruntime-node";
import type { Runtime } from "@onnx-asma/autodiff";
import { prepareAsma, SegmentationModel } from "@onnx-asma/core";
import { note, printResult, table } from "../cli/output.ts";
import { integer } from "../cli/parsers.ts";
import { paperUnet } from "./paper-unet.ts";
import { TorchSteps } from "./torch-steps.ts";

/** Figures of one model; seconds are medians of interleaved runs. */
interface Figures {
  readonly rounds: number;
  readonly modelBytes: number;
  readonly forwardSeconds: number;
  readonly stepSeconds: number;
  readonly stepOverForward: number;
  /** Resolving, differentiating and loading the step graph. */
  readonly buildSeconds: number;
  readonly differentiateSeconds: number;
  readonly stepGraphBytes: number;
  readonly stepGraphNodes: number;
  /** Peak resident memory of this process so far. */
  readonly peakMemoryBytes: number;
  readonly torchReferenceLoopSeconds?: number;
  readonly torchInputGradientSeconds?: number;
  readonly torchChannelsLastSeconds?: number;
  readonly stepOverTorchReferenceLoop?: number;
  readonly stepOverTorchBest?: number;
}

async function measure(bytes: Uint8Array, rounds: number, torch?: TorchSteps): Promise<Figures> {
  const start = performance.now();
  const model = await SegmentationModel.load(ort as Runtime, bytes);
  const session = await prepareAsma(model, { target: "cpu" });
  const buildSeconds = (performance.now() - start) / 1000;
  const { imageDims, description } = model;
  const count = imageDims.reduce((n, d) => n * d, 1);
  const data = Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 4096) / 4096);
  const [height, width] = description.head.size;
  const target = Int32Array.from({ length: height * width }, (_, i) =>
    i % width < width / 3 ? 1 : 0,
  );
  const step = session.step.begin(
    { data, dims: imageDims },
    { data: target, dims: [height, width] },
  );
  const forward = await ort.InferenceSession.create(bytes);
  const { input } = description;
  const inputTensor = new ort.Tensor(
    "float32",
    new Float32Array(input.dims.reduce((n, d) => n * d, 1)).fill(0.5),
    input.dims,
  );
  const runs: Record<string, () => Promise<number>> = {
    forward: () => timed(() => forward.run({ [input.name]: inputTensor })),
    step: () => timed(() => step(data, { beta: 1e-6, tau: 1e-7, lambda: 1 })),
    ...(torch && {
      reference: () => torch.step("reference"),
      inputGradient: () => torch.step("input_gradient"),
      channelsLast: () => torch.step("channels_last"),
    }),
  };
  const seconds = await interleaved(runs, rounds);
  const median = (name: string) => seconds[name] as number;
  const figures: Figures = {
    rounds,
    modelBytes: bytes.length,
    forwardSeconds: median("forward"),
    stepSeconds: median("step"),
    stepOverForward: median("step") / median("forward"),
    buildSeconds,
    differentiateSeconds: session.step.build.differentiateSeconds,
    stepGraphBytes: session.step.build.graphBytes,
    stepGraphNodes: session.step.build.nodes,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    ...(torch && {
      torchReferenceLoopSeconds: median("reference"),
      torchInputGradientSeconds: median("inputGradient"),
      torchChannelsLastSeconds: median("channelsLast"),
      stepOverTorchReferenceLoop: median("step") / median("reference"),
      stepOverTorchBest: median("step") / Math.min(median("inputGradient"), median("channelsLast")),
    }),
  };
  await Promise.all([forward.release(), session.step.release(), model.release()]);
  return figures;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** Medians over rounds in which every run has its turn; the first round warms up and does not count. */
async function interleaved(
  runs: Readonly<Record<string, () => Promise<number>>>,
  rounds: number,
): Promise<Record<string, number>> {
  const seconds = new Map(Object.keys(runs).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const taken = await run();
      if (round > 0) {
        seconds.get(name)?.push(taken);
      }
    }
  }
  return Object.fromEntries([...seconds].map(([name, list]) => [name, medianOf(list)]));
}

function medianOf(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

function print(name: string, f: Figures): string {
  const ms = (seconds: number | undefined) =>
    seconds === undefined ? "–" : `${(seconds * 1000).toFixed(1)} ms`;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const rows = [
    ["forward", ms(f.forwardSeconds)],
    ["step", ms(f.stepSeconds), `${f.stepOverForward.toFixed(2)} × forward`],
    ["build", ms(f.buildSeconds), `of which differentiating ${ms(f.differentiateSeconds)}`],
    [
      "step graph",
      `${(f.stepGraphBytes / 1024).toFixed(0)} KiB`,
      `${f.stepGraphNodes} nodes, besides ${mib(f.modelBytes)} of model`,
    ],
    ["peak memory", mib(f.peakMemoryBytes)],
  ];
  if (f.torchReferenceLoopSeconds !== undefined) {
    rows.push(
      [
        "PyTorch, authors' loop",
        ms(f.torchReferenceLoopSeconds),
        `step is ${f.stepOverTorchReferenceLoop?.toFixed(2)} of it`,
      ],
      ["PyTorch, input gradient", ms(f.torchInputGradientSeconds)],
      [
        "PyTorch, channels last",
        ms(f.torchChannelsLastSeconds),
        `step is ${f.stepOverTorchBest?.toFixed(2)} of the better of the two`,
      ],
    );
  }
  return `${name} (median of ${f.rounds})\n${table(rows)}`;
}

const command = new Command("bench")
  .description("time the attack step against the plain forward pass, and against PyTorch")
  .option("--torch", "also PyTorch's loops, side by side (needs python3 with torch)")
  .option("--rounds <number>", "interleaved runs of each", integer, 9)
  .option("--json", "one JSON object on stdout")
  .parse();
const {
  torch: withTorch,
  rounds,
  json,
} = command.opts<{ torch?: boolean; rounds: number; json?: boolean }>();
const torch = withTorch === true ? await TorchSteps.start() : undefined;
const bundledPath = fileURLToPath(new URL("../../../../models/optic-disc.onnx", import.meta.url));
note("Timing the bundled model …");
const bundled = await measure(new Uint8Array(await readFile(bundledPath)), rounds);
note("Timing the paper's U-Net …");
const paper = await measure(paperUnet(), rounds, torch);
torch?.stop();
printResult(json === true, { paperUnet: paper, bundled }, () =>
  [
    print("The paper's U-Net, 3×572×572, random weights", paper),
    print("The bundled optic-disc model", bundled),
  ].join("\n\n"),
);
