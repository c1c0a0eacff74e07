import type { Tensor } from "./step-session.ts";

/** Where an iterate is kept: the best so far, or one that the judge has not seen yet. */
export type Slot = "best" | "candidate";

/** Image and prediction of one iterate; the arrays are the receiver's. */
export interface IterateArrays {
  /** float32 [1, C, …size], as the model saw it. */
  readonly image: Float32Array;
  /** Labels on the output grid. */
  readonly prediction: Int32Array;
}

/** Tensors of all N images. */
interface KeptTensors {
  readonly seen: Tensor;
  readonly prediction: Tensor;
}

type Kept = IterateArrays | KeptTensors;

/** Iterates worth keeping, one for each slot and image: copies in memory, or tensors that stay on the GPU. */
export class KeptIterates {
  readonly #images: number;
  readonly #slots = new Map<string, Kept>();

  constructor(images: number) {
    this.#images = images;
  }

  /**
   * Keeps an iterate of one image.
   *
   * @returns tensors on a GPU that left the slot
   */
  keep(slot: Slot, image: number, { seen, prediction }: KeptTensors): Tensor[] {
    const key = keyOf(slot, image);
    const former = this.#slots.get(key);
    if (seen.location !== "cpu") {
      this.#slots.set(key, { seen, prediction });
      return tensorsOf(former);
    }
    const size = seen.size / this.#images;
    const pixels = prediction.size / this.#images;
    const arrays =
      former !== undefined && "image" in former
        ? former
        : { image: new Float32Array(size), prediction: new Int32Array(pixels) };
    arrays.image.set((seen.data as Float32Array).subarray(image * size, (image + 1) * size));
    arrays.prediction.set(
      (prediction.data as Float32Array).subarray(image * pixels, (image + 1) * pixels),
    );
    this.#slots.set(key, arrays);
    return [];
  }

  /**
   * Empties a slot into the other.
   *
   * @returns tensors on a GPU that left it
   */
  move(from: Slot, to: Slot, image: number): Tensor[] {
    const former = this.#slots.get(keyOf(to, image));
    this.#slots.set(keyOf(to, image), this.#slots.get(keyOf(from, image)) as Kept);
    this.#slots.delete(keyOf(from, image));
    return tensorsOf(former);
  }

  async read(slot: Slot, image: number): Promise<IterateArrays> {
    const kept = this.#slots.get(keyOf(slot, image)) as Kept;
    if ("image" in kept) {
      return { image: kept.image.slice(), prediction: kept.prediction.slice() };
    }
    const part = async (tensor: Tensor) => {
      const data = (await tensor.getData()) as Float32Array;
      const length = data.length / this.#images;
      return data.slice(image * length, (image + 1) * length);
    };
    return {
      image: await part(kept.seen),
      prediction: Int32Array.from(await part(kept.prediction)),
    };
  }

  /** Whether a slot holds this tensor. */
  has(tensor: Tensor): boolean {
    return [...this.#slots.values()].some(
      (kept) => "seen" in kept && (kept.seen === tensor || kept.prediction === tensor),
    );
  }

  /** Empties all slots; gives back what was in them on a GPU. */
  clear(): Tensor[] {
    const all = [...this.#slots.values()].flatMap(tensorsOf);
    this.#slots.clear();
    return all;
  }
}

function tensorsOf(kept: Kept | undefined): Tensor[] {
  return kept === undefined || "image" in kept ? [] : [kept.seen, kept.prediction];
}

function keyOf(slot: Slot, image: number): string {
  return `${slot} ${image}`;
}
