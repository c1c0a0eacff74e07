import { normalisations, type Normalisation } from "@onnx-asma/core/normalisations";
import { loadModel } from "../load-model.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { modelOptionsOf, type ModelFlags } from "./model-flags.ts";
import { note } from "./output.ts";
import { readFeeds } from "./read-feeds.ts";

/** Loads a model as the flags say, and says which numbers a name among them stands for. */
export async function openModel(
  path: string,
  flags: ModelFlags & { readonly json?: boolean },
): Promise<LoadedModel> {
  const feeds = await readFeeds(flags.feed);
  const model = await loadModel(path, { ...modelOptionsOf(flags), feeds });
  const { mean: name, std } = flags;
  if (typeof name === "string" && flags.json !== true) {
    const { range, ...named }: Normalisation = normalisations[name];
    const divisor = std ?? named.std ?? [1];
    note(
      `\`mean: "${name}"\` is black ${range[0]}, white ${range[1]}, then mean ${(named.mean ?? [0]).join(", ")} and deviation ${divisor.join(", ")}${std === undefined ? "" : " as told"}.`,
    );
  }
  return model;
}
