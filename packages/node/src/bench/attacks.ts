import { appendFile, readFile } from "node:fs/promises";
import { Command } from "commander";
import { note, printResult, table } from "../cli/output.ts";
import { integer } from "../cli/parsers.ts";
import { loadModel } from "../load-model.ts";
import { caseGroups, heldOutPictures } from "./attack-cases.ts";
import { attackEntries } from "./attack-entries.ts";
import { runCase, type CaseFigures } from "./attack-run.ts";
import { median, medianInterval } from "./attack-statistics.ts";

/** One case of the table; a line of the file. */
interface Row extends CaseFigures {
  readonly norm: "l2" | "linf";
  readonly group: string;
  readonly picture: number;
  readonly attack: string;
  readonly passes: readonly number[];
}

const keyOf = ({ norm, group, picture, attack, passes }: Omit<Row, keyof CaseFigures>) =>
  JSON.stringify([norm, group, picture, attack, passes]);

const list = (text: string) => text.split(",");

const command = new Command("bench:attacks")
  .description(
    "compare asma+ with its peers on the bundled models: norm on the file's levels, passes, success",
  )
  .option("--cases <number>", "pictures of each group", integer, 20)
  .option("--passes <list>", "numbers of passes to look at", list, ["50", "100", "200", "500"])
  .option("--norm <norm>", "l2 or linf", "l2")
  .option("--groups <list>", "only groups whose names begin so", list)
  .option("--attacks <list>", "only attacks whose names begin so", list)
  .option(
    "--rows <file>",
    "keep finished cases there, and take them from there",
    "bench-attacks.jsonl",
  )
  .option("--json", "one JSON object on stdout")
  .parse();
const options = command.opts<{
  cases: number;
  passes: string[];
  norm: "l2" | "linf";
  groups?: string[];
  attacks?: string[];
  rows: string;
  json?: boolean;
}>();
const passes = options.passes.map(Number);
const wanted = (name: string, prefixes?: readonly string[]) =>
  prefixes === undefined || prefixes.some((prefix) => name.startsWith(prefix));

const rows = await finished(options.rows);
const groups = caseGroups.filter(({ name }) => wanted(name, options.groups));
const entries = attackEntries(options.norm).filter(({ name }) => wanted(name, options.attacks));
const pictures = (await heldOutPictures()).slice(0, options.cases + 1);
for (const group of groups) {
  const model = await loadModel(group.model, { preprocessor: false });
  const images = await Promise.all(pictures.map(async (path) => await model.readImage(path)));
  for (const [picture, image] of images.slice(0, options.cases).entries()) {
    const next = images[(picture + 1) % images.length] ?? image;
    const target = await group.target(model, image, next);
    if (target === undefined) continue;
    for (const entry of entries) {
      const key = { norm: options.norm, group: group.name, picture, attack: entry.name, passes };
      if (rows.has(keyOf(key))) continue;
      note(`${group.name}, picture ${picture + 1} of ${options.cases}: ${entry.name}`);
      const scene = { image, target, group };
      const row = { ...key, ...(await runCase(model, scene, entry, options.norm, passes)) };
      rows.set(keyOf(row), row);
      await appendFile(options.rows, `${JSON.stringify(row)}\n`);
    }
  }
  await model.release();
}
const summary = groups.flatMap(({ name }) => entries.map((entry) => summaryOf(name, entry.name)));
printResult(options.json === true, { norm: options.norm, passes, summary }, () => {
  const unit = options.norm === "linf" ? 255 : 1;
  const shown = (value: number) => (Number.isFinite(value) ? (unit * value).toFixed(2) : "–");
  const heading = ["group", "attack", "reached", "first", ...passes.map((n) => `at ${n}`)];
  return table([
    heading,
    ...summary.map(({ group, attack, cases, reached, first, norms }) => [
      group,
      attack,
      `${reached} of ${cases}`,
      Number.isFinite(first) ? String(first) : "–",
      ...norms.map(({ middle, low, high }) => `${shown(middle)} (${shown(low)} to ${shown(high)})`),
    ]),
  ]);
});

/** The rows of an earlier, interrupted run. */
async function finished(path: string): Promise<Map<string, Row>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => JSON.parse(line) as Row).map((row) => [keyOf(row), row]));
}

/** Medians over the cases, in which what was not reached counts as infinite. */
function summaryOf(group: string, attack: string) {
  const own = pictures.flatMap((_, picture) => {
    return rows.get(keyOf({ norm: options.norm, group, picture, attack, passes })) ?? [];
  });
  const infinite = (value: number | null | undefined) => value ?? Number.POSITIVE_INFINITY;
  return {
    group,
    attack,
    cases: own.length,
    reached: own.filter(({ first }) => first !== null).length,
    saved: own.filter(({ first, isSaved }) => first !== null && isSaved).length,
    first: median(own.map((row) => infinite(row.first))),
    norms: passes.map((count) => {
      const all = own.map(({ norms }) => infinite(norms[count]));
      const [low, high] = medianInterval(all);
      return { passes: count, middle: median(all), low, high };
    }),
  };
}
