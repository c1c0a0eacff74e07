import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { ort } from "../onnxruntime.ts";
import type { Runtime } from "@onnx-asma/autodiff";
import {
  firstNumbers,
  Iterates,
  parseChoice,
  SegmentationModel,
  StepSession,
  type StepGraphOptions,
} from "@onnx-asma/core";
import { note, printResult, table } from "../cli/output.ts";
import { integer } from "../cli/parsers.ts";
import { median } from "./attack-statistics.ts";
import { paperUnet } from "./paper-unet.ts";
import { TorchSteps } from "./torch-steps.ts";

/** Figures of one model; seconds are medians of interleaved runs. */
interface Figures {
  readonly rounds: number;
  readonly modelBytes: number;
  readonly forwardSeconds: number;
  readonly stepSeconds: number;
  readonly stepOverForward: number;
  /** The same where the model sees the image rounded to 8 bits. */
  readonly roundedStepSeconds: number;
  readonly roundedStepOverForward: number;
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

/** The attack that is timed, with step sizes as its paper has them. */
const attack = { attack: "asma", beta: 1e-6, tau: 1e-7, lambda: 1 } as const;

async function measure(bytes: Uint8Array, rounds: number, torch?: TorchSteps): Promise<Figures> {
  const start = performance.now();
  const model = await SegmentationModel.load(ort as Runtime, bytes);
  const plain = await startSteps(model, undefined);
  const buildSeconds = (performance.now() - start) / 1000;
  const rounded = await startSteps(model, 256);
  const forward = await ort.InferenceSession.create(bytes);
  const { input } = model.description;
  const inputTensor = new ort.Tensor(
    "float32",
    new Float32Array(input.dims.reduce((n, d) => n * d, 1)).fill(0.5),
    input.dims,
  );
  const runs: Record<string, () => Promise<number>> = {
    forward: () => timed(() => forward.run({ [input.name]: inputTensor })),
    step: () => timed(plain.step),
    roundedStep: () => timed(rounded.step),
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
    roundedStepSeconds: median("roundedStep"),
    roundedStepOverForward: median("roundedStep") / median("forward"),
    buildSeconds,
    differentiateSeconds: plain.session.build.differentiateSeconds,
    stepGraphBytes: plain.session.build.graphBytes,
    stepGraphNodes: plain.session.build.nodes,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    ...(torch && {
      torchReferenceLoopSeconds: median("reference"),
      torchInputGradientSeconds: median("inputGradient"),
      torchChannelsLastSeconds: median("channelsLast"),
      stepOverTorchReferenceLoop: median("step") / median("reference"),
      stepOverTorchBest: median("step") / Math.min(median("inputGradient"), median("channelsLast")),
    }),
  };
  await Promise.all([forward.release(), plain.session.release(), rounded.session.release()]);
  await model.release();
  return figures;
}

/** A loaded step graph, and one step of it from a synthetic image, again and again the same. */
async function startSteps(model: SegmentationModel, levels: StepGraphOptions["levels"]) {
  const { batchDims, description } = model;
  const { classes, size } = description.head;
  const { definition, attackOptions, run } = parseChoice(attack, []);
  const recipe = definition.recipe(attackOptions as never, { classes });
  const options = { iou: "foreground", levels, target: "cpu" } as const;
  const session = await StepSession.create(model, recipe, options);
  const values = batchDims.reduce((n, d) => n * d, 1);
  const image = Float32Array.from({ length: values }, (_, i) => ((i * 2654435761) % 4096) / 4096);
  const width = size.at(-1) as number;
  const labels = Float32Array.from({ length: size.reduce((n, d) => n * d, 1) }, (_, i) =>
    i % width < width / 3 ? 1 : 0,
  );
  const iterates = new Iterates(session, {
    original: image,
    image,
    labels,
    region: undefined,
    state: {},
  });
  const { iterations } = run;
  const numbers = {
    ...firstNumbers,
    ...recipe.schedule({ iterations, values, classes }).next(0),
  };
  return { session, step: async () => await iterates.step([numbers]) };
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
  return Object.fromEntries([...seconds].map(([name, list]) => [name, median(list)]));
}

function print(name: string, f: Figures): string {
  const ms = (seconds: number | undefined) =>
    seconds === undefined ? "–" : `${(seconds * 1000).toFixed(1)} ms`;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const rows = [
    ["forward", ms(f.forwardSeconds)],
    ["step", ms(f.stepSeconds), `${f.stepOverForward.toFixed(2)} × forward`],
    ["step, 8 bits", ms(f.roundedStepSeconds), `${f.roundedStepOverForward.toFixed(2)} × forward`],
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
