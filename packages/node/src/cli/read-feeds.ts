import type { ModelOptions } from "@onnx-asma/core";
import { readNpy } from "../images/npy.ts";

/**
 * Reads the values of `--feed`: numbers as they are, arrays from their files.
 *
 * @throws AsmaError as `readNpy`
 */
export async function readFeeds(
  feeds: Readonly<Record<string, number | string>> | undefined,
): Promise<ModelOptions["feeds"]> {
  if (feeds === undefined) {
    return undefined;
  }
  const read = Object.entries(feeds).map(async ([name, value]) => {
    if (typeof value === "number") {
      return [name, value] as const;
    }
    const { data, dims } = await readNpy(value);
    return [name, { data, dims }] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
