import type { Model } from "@onnx-asma/autodiff";
import type { ClassList } from "../model/model-options.ts";

/** What a model's `config.json` says that bears on its images and labels. */
export interface ModelConfig {
  /** Names of the classes; absent where there are none but placeholders. */
  readonly classList: ClassList | undefined;
  /** Class of the image processor that goes with the model. */
  readonly processorType: string | undefined;
}

/** Image processors by `model_type`, as transformers' `AutoImageProcessor` has them. */
const processors: Readonly<Record<string, string>> = {
  beit: "Beit",
  clip: "CLIP",
  conditional_detr: "ConditionalDetr",
  "data2vec-vision": "Beit",
  deformable_detr: "DeformableDetr",
  detr: "Detr",
  dpt: "DPT",
  eomt: "Eomt",
  glpn: "GLPN",
  pvt: "Pvt",
  sam: "Sam",
  sam2: "Sam2",
  segformer: "Segformer",
  siglip: "Siglip",
  yolos: "Yolos",
  clipseg: "ViT",
  convnext: "ConvNext",
  convnextv2: "ConvNext",
  deit: "DeiT",
  depth_anything: "DPT",
  dinov2: "Bit",
  maskformer: "MaskFormer",
  mask2former: "Mask2Former",
  mobilenet_v1: "MobileNetV1",
  mobilenet_v2: "MobileNetV2",
  mobilevit: "MobileViT",
  mobilevitv2: "MobileViT",
  oneformer: "OneFormer",
  rt_detr: "RTDetr",
  sam_hq: "Sam",
  seggpt: "SegGpt",
  swin: "ViT",
  swinv2: "ViT",
  upernet: "Segformer",
  vit: "ViT",
};

/**
 * Reads a Hugging Face `config.json`. One of another kind says nothing.
 *
 * @param text the file's content
 * @param source names the file in reasons
 */
export function readModelConfig(text: string, source: string): ModelConfig {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const { id2label, model_type: type } = (content ?? {}) as Readonly<Record<string, unknown>>;
  const processor =
    typeof type === "string" && Object.hasOwn(processors, type) ? processors[type] : undefined;
  const entries = typeof id2label === "object" && id2label !== null ? Object.entries(id2label) : [];
  const names = namesOf(entries);
  // What transformers writes where nobody named a class.
  const isNamed = names.some((name, i) => name !== `LABEL_${i}`);
  return {
    classList: isNamed ? { names, source: `id2label in ${source}${gapsIn(entries)}` } : undefined,
    processorType: processor && `${processor}ImageProcessor`,
  };
}

/**
 * The class names that ultralytics writes into a model: a Python dict or list as text, under `names` in its
 * metadata. `undefined` where there is none.
 */
export function classListOf(model: Pick<Model, "metadata">): ClassList | undefined {
  const text = model.metadata.get("names")?.trim() ?? "";
  if (!/^[{[].*[}\]]$/s.test(text)) {
    return undefined;
  }
  const entries = Array.from(
    text.matchAll(/(?:["']?(\d+)["']?\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/gs),
    ([, key, single, double], i) =>
      [key ?? String(i), (single ?? double ?? "").replace(/\\(.)/gs, "$1")] as const,
  );
  return entries.length === 0
    ? undefined
    : {
        names: namesOf(entries),
        source: `names in the model's metadata${gapsIn(entries)}`,
      };
}

/** Says so where the numbers of classes are not those from 0 on, each once. */
function gapsIn(entries: readonly (readonly [string, unknown])[]): string {
  const keys = new Set(entries.map(([key]) => Number(key)));
  const isWhole = entries.every((_, i) => keys.has(i));
  return isWhole
    ? ""
    : ` (whose ${entries.length} keys are not 0 to ${entries.length - 1}, but ${[...keys].slice(0, 8).join(", ")}${keys.size > 8 ? ", …" : ""})`;
}

/** More classes than any model has. */
const most = 1 << 16;

/** In the order of their numbers; what has no name is called by its number. */
function namesOf(entries: readonly (readonly [string, unknown])[]): string[] {
  const named = new Map(entries.map(([key, name]) => [Number(key), String(name)]));
  const last = Math.max(-1, ...[...named.keys()].filter((n) => Number.isInteger(n) && n < most));
  return Array.from({ length: last + 1 }, (_, i) => named.get(i) ?? `class ${i}`);
}
