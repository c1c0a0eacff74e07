import type { Verdict } from "@onnx-asma/core";
import type { ResultRecord } from "@onnx-asma/core/result-record";
import { percent, verdictWords } from "@onnx-asma/core/verdict-words";
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
  const words = verdictWords(record);
  return [
    words.goal,
    words.change,
    "",
    table([
      ["", `IoU (${record.iouDefinition})`, "pixel accuracy", "L2", "L∞"],
      row("saved file", saved),
      row("float image", float),
    ]),
    "",
    `  attack     ${attack.title}${logs.length === 0 ? "" : `; at the best step ${logs.join(", ")}`}`,
    `  cost       ${count(passes.forwards, "forward")} (${count(passes.judgements, "judgement")} among them), ${count(passes.backwards, "backward")}, ${seconds.attack.toFixed(1)} s`,
    `  pictures   ${folder}/overview.png, perturbation.png, trajectory.svg`,
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
