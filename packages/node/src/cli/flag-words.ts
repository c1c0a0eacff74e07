import { sayOptions } from "@onnx-asma/core";

/** Flags that are not called as their option is. */
const flags: Readonly<Record<string, string>> = {
  dims: "--shape",
  feeds: "--feed",
  // What autodiff calls the value that segments.
  scores: "--output",
  executionProviders: "--provider",
  iouThreshold: "--iou",
  threshold: "--mask-threshold",
  pixelAccuracyThreshold: "--pixel-accuracy",
};

/** A text of the library with its options as flags: `outputKind: "logit"` is --output-kind logit. */
export function sayFlags(text: string): string {
  return sayOptions(text, (key, value) => {
    const name = key.replace(/^trainingGraph\./, "");
    if (name.includes(".")) {
      return undefined;
    }
    if (key === "preprocessor" && value === "false") {
      return "--no-preprocessor";
    }
    if (key === "levels" && value === '"float"') {
      return "--float";
    }
    const flag = flags[name] ?? `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    if (value === undefined) {
      return flag;
    }
    const argument = argumentOf(value);
    return argument && `${flag} ${argument}`;
  });
}

/** A value as it is given to a flag; `undefined` for what the library did not write. */
function argumentOf(json: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value)
      ? value.join(",")
      : Object.entries(value)
          .map(([name, list]) => quoted(`${name}=${String(list)}`))
          .join(" ");
  }
  return quoted(String(value));
}

/** In quotes where a shell would take it apart. */
function quoted(argument: string): string {
  return /^[\w.,:;=/@%+-]+$/.test(argument) ? argument : `'${argument}'`;
}
