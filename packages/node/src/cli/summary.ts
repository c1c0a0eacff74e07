import type { Verdict } from "@onnx-asma/core";
import { percent } from "../report/percent.ts";
import type { ResultRecord } from "@onnx-asma/core/result-record";
import { table } from "./output.ts";

/** What an attack came to, for people. */
export function summary(record: ResultRecord, folder: string): string {
  const { attack, best, float, passes, pictures, saved, seconds } = record;
  const { slice } = pictures ?? {};
  const row = (name: string, v: Verdict) => [
    name,
    percent(v.iou),
    percent(v.pixelAccuracy),
    v.l2.toPrecision(4),
    `${v.linf.toPrecision(3)} (${(v.linf * 255).toFixed(1)}/255)`,
  ];
  const logs = Object.entries(best.logs).map(
    ([name, value]) => `${name} ${value?.toPrecision(3) ?? "?"}`,
  );
  const count = (n: number, of: string) => `${n} ${of}${n === 1 ? "" : "s"}`;
  return [
    headline(record),
    "",
    table([
      ["", `IoU (${record.iouDefinition})`, "pixel accuracy", "L2", "L∞"],
      row("saved file", saved),
      row("float image", float),
    ]),
    "",
    `  change     ${changeOf(record)}`,
    ...worstOf(record),
    `  attack     ${attack.title}${logs.length === 0 ? "" : `; at the best step ${logs.join(", ")}`}`,
    `  cost       ${count(passes.forwards, "forward")} (${count(passes.judgements, "judgement")} among them), ${count(passes.backwards, "backward")}, ${seconds.attack.toFixed(1)} s`,
    `  pictures   ${folder}/overview.png, perturbation.png (×${pictures?.perturbationFactor}), trajectory.svg`,
    `  images     ${folder}/${record.files
      .map(({ file }) => file)
      .filter((name) => name.startsWith("adversarial"))
      .join(", ")}`,
    ...(slice === undefined
      ? []
      : [
          `  slice      pictures show slice ${slice.imageIndex + 1} of ${slice.of}: ${slice.because}`,
        ]),
    `  figures    ${folder}/result.json, trajectory.csv`,
  ].join("\n");
}

function headline({ best, reached, saved, steps, stopReason }: ResultRecord): string {
  if (reached) {
    return `Reached in ${best.step} steps: the model draws the target on the saved file.`;
  }
  const why = stopReason === "reached" ? "by the float image only" : stopReason;
  return `Not reached (${why}): best IoU ${percent(saved.iou)} after ${steps} steps.`;
}

/** What can be seen of it. */
function changeOf({ visibility: v }: ResultRecord): string {
  const quality = [
    ...(v.psnr === null ? [] : [`PSNR ${v.psnr.toFixed(1)} dB`]),
    ...(v.ssim === null ? [] : [`SSIM ${v.ssim.toFixed(4)}`]),
  ].join(", ");
  const levels = (n: number) => Number(n.toFixed(1));
  return `${percent(v.changedPixels)} of the pixels by at most ${levels(v.largestLevels)} of ${v.levels - 1} levels (99 % of the changed values by ${levels(v.p99Levels)})${quality === "" ? "" : `; ${quality}`}`;
}

/** The class that is worst, where the figure above is a mean over several. */
function worstOf({ worstClass: worst, classes, iouDefinition }: ResultRecord): string[] {
  return worst === null || classes.length === 2 || !iouDefinition.startsWith("mean")
    ? []
    : [`  worst      class ${worst.class} ${worst.name}: IoU ${percent(worst.iouAfter ?? 0)}`];
}
