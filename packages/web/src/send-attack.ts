import type { AttackResult } from "@onnx-asma/core";
import { Parcel } from "./copy-in-slices.ts";
import type { SentAttack, SourceFiles } from "./messages.ts";

/** What an attack on a page came to, and everything that says how. */
export interface PageAttack extends Omit<SentAttack, "sources" | "result"> {
  readonly result: AttackResult;
  /** The files that the attack was given. @default none */
  readonly sources?: SourceFiles | undefined;
}

/** What goes to the worker; the page keeps its own arrays. */
export async function sendAttack({
  image,
  target,
  predictionBefore,
  region,
  ...attack
}: PageAttack) {
  const parcel = new Parcel();
  const { last: _last, ...result } = attack.result;
  const { best } = result;
  const message: SentAttack = {
    ...attack,
    sources: attack.sources ?? {},
    image: { ...image, data: await parcel.addData(image.data, "the image") },
    target: await parcel.add(target, "the target"),
    predictionBefore: await parcel.add(predictionBefore, "the prediction"),
    region: region && (await parcel.addData(region, "the region")),
    result: {
      ...result,
      best: {
        ...best,
        image: await parcel.add(best.image, "the adversarial image"),
        prediction: await parcel.add(best.prediction, "its prediction"),
      },
    },
  };
  return { message, transfer: parcel.transfer };
}
