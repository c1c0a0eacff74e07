import { readTensor, sliceOf } from "./read-tensor.ts";
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
interface IterateTensors {
  readonly seen: Tensor;
  readonly prediction: Tensor;
}

/** A copy of one image's part of a tensor in memory, or the tensor of all N images that stays on the GPU. */
type Held = Float32Array | Tensor;

interface Kept {
  readonly seen: Held;
  readonly prediction: Held;
}

/** Iterates worth keeping, one for each slot and image: copies in memory, or tensors that stay on the GPU. */
export class KeptIterates {
  readonly #images: number;
  readonly #slots = new Map<string, Kept>();

  constructor(images: number) {
    this.#images = images;
  }

  /**
   * Keeps an iterate of one image; its image may be in memory and its prediction on the GPU, as at x_0.
   *
   * @returns tensors on a GPU that left the slot
   */
  keep(slot: Slot, image: number, { seen, prediction }: IterateTensors): Tensor[] {
    const key = keyOf(slot, image);
    const former = this.#slots.get(key);
    this.#slots.set(key, {
      seen: this.#hold(seen, image, former?.seen),
      prediction: this.#hold(prediction, image, former?.prediction),
    });
    return tensorsOf(former);
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

  /** @throws AsmaError `ERR_RUNTIME` when the device does not give them */
  async read(slot: Slot, image: number): Promise<IterateArrays> {
    const { seen, prediction } = this.#slots.get(keyOf(slot, image)) as Kept;
    const read = async (held: Held) =>
      held instanceof Float32Array
        ? held.slice()
        : sliceOf(await readTensor(held), image, this.#images);
    return { image: await read(seen), prediction: Int32Array.from(await read(prediction)) };
  }

  /** Whether a slot holds this tensor. */
  has(tensor: Tensor): boolean {
    return [...this.#slots.values()].some(
      ({ seen, prediction }) => seen === tensor || prediction === tensor,
    );
  }

  /** Empties all slots; gives back what was in them on a GPU. */
  clear(): Tensor[] {
    const all = [...this.#slots.values()].flatMap(tensorsOf);
    this.#slots.clear();
    return all;
  }

  /** @param room an array that may be written over */
  #hold(tensor: Tensor, image: number, room: Held | undefined): Held {
    if (tensor.location !== "cpu") {
      return tensor;
    }
    const length = tensor.size / this.#images;
    const array = room instanceof Float32Array ? room : new Float32Array(length);
    const data = tensor.data as Float32Array;
    array.set(data.subarray(image * length, (image + 1) * length));
    return array;
  }
}

function tensorsOf(kept: Kept | undefined): Tensor[] {
  return [kept?.seen, kept?.prediction].filter(
    (held): held is Tensor => held !== undefined && !(held instanceof Float32Array),
  );
}

function keyOf(slot: Slot, image: number): string {
  return `${slot} ${image}`;
}
