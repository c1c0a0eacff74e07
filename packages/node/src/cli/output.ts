import pc from "picocolors";
import { nearestFirst } from "@onnx-asma/core/nearest-first";
import { sayFlags } from "./flag-words.ts";

const colour = pc.createColors(process.stderr.isTTY && pc.isColorSupported);

/** Writes a result: the only thing that goes to stdout. */
export function printResult(json: boolean, object: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(object, undefined, 2)}\n` : `${text()}\n`);
}

/** Writes a remark to stderr, with options as flags. */
export function note(text: string): void {
  process.stderr.write(`${sayFlags(text)}\n`);
}

/** Says that only the first of several pages was read. */
export function notePages(path: string, { pages = 1 }: { readonly pages?: number }): void {
  if (pages > 1) note(`'${path}' holds ${pages} pages: the first one is read.`);
}

/** The message of an error, with options as flags where it is one of ours. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const { code, details } = (error ?? {}) as { code?: unknown; details?: ClassDetails };
  return String(code).startsWith("ERR_") ? `${sayFlags(message)}${nearestOf(details)}` : message;
}

/** What an error about the name of a class knows. */
interface ClassDetails {
  readonly class?: unknown;
  readonly names?: readonly string[];
}

function nearestOf({ class: wanted, names }: ClassDetails = {}): string {
  return typeof wanted === "string" && names !== undefined
    ? ` Did you mean '${nearestFirst(wanted, names)[0]}'?`
    : "";
}

/** Writes an error to stderr, and as an object to stdout for machines. */
export function printError(error: unknown, json: boolean): void {
  const {
    code = "ERR_UNEXPECTED",
    details,
    options,
  } = (error ?? {}) as { code?: string; details?: unknown; options?: readonly string[] };
  const message = messageOf(error);
  process.stderr.write(`${errorHeading(code)} ${message}\n`);
  if (code === "ERR_UNEXPECTED" && error instanceof Error && error.stack !== undefined) {
    process.stderr.write(`${colour.dim(error.stack)}\n`);
  }
  if (json) {
    printErrorObject(code, message, { details, options });
  }
}

/** What an error line on stderr starts with. */
export function errorHeading(code: string): string {
  return colour.red(code);
}

/** The object on stdout that stands for an error. */
export function printErrorObject(code: string, message: string, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ error: { code, message, ...more } }, undefined, 2)}\n`);
}

/** Rows of two or more columns, aligned. */
export function table(rows: readonly (readonly string[])[], indent = "  "): string {
  const widths = rows.reduce<number[]>(
    (w, row) => row.map((cell, i) => Math.max(w[i] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) => (indent + row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).trimEnd())
    .join("\n");
}
