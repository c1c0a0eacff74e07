import type { ImageTensor, LabelMap } from "../image.ts";
import type { Host } from "./host.ts";
import type { SizedModel } from "./model-pool.ts";

/** What the untouched model predicts for an image, with all that is doubtful about it, which is kept. */
export async function look(
  loaded: SizedModel,
  image: ImageTensor,
  { doubt }: Pick<Host, "doubt">,
): Promise<LabelMap> {
  const { model, check } = loaded;
  const prediction = await model.predict(image);
  await check?.prediction(image, prediction);
  const doubts = (await doubt?.(model, image, prediction)) ?? [];
  const notices = [...(prediction.notices ?? []), ...doubts];
  loaded.seen = { data: image.data, notices };
  return notices.length === 0 ? prediction : { ...prediction, notices };
}

/** What is doubtful about an image, which is looked at where it was not the last one. */
export async function doubtsOf(
  loaded: SizedModel,
  image: ImageTensor,
  host: Pick<Host, "doubt">,
): Promise<readonly string[]> {
  const { seen, model } = loaded;
  if (seen?.data.every((value, i) => value === image.data[i]) === true) {
    return seen.notices;
  }
  const isDoubted = host.doubt !== undefined || model.description.head.isUnsure;
  return (isDoubted ? (await look(loaded, image, host)).notices : undefined) ?? [];
}
