import {
  type ImageLike,
  type ImageTensor,
  type LabelsLike,
  type NdarrayLike,
  refusal,
} from "@onnx-asma/core";

/** Elements that are copied without a pause: 2 MiB of float32, about a millisecond. */
const slice = 1 << 19;

/**
 * A copy whose memory can be moved to the worker. What `postMessage` clones it clones in one go, which
 * for a large image keeps the page from answering; here it may answer between slices.
 *
 * @param name what the data are, for the message
 * @throws AsmaError `ERR_ARRAY_DTYPE` when the data are no typed array
 */
export async function copyInSlices<A extends Float32Array | Int32Array>(
  data: A,
  name: string,
): Promise<A> {
  if (!ArrayBuffer.isView(data) || data instanceof DataView) {
    throw refusal("ERR_ARRAY_DTYPE", {
      expected: `a typed array as the data of ${name}`,
      found: `found ${Object.prototype.toString.call(data).slice(8, -1)}`,
      wayOut: "images are Float32Array, label maps Int32Array",
    });
  }
  const copy = new (data.constructor as new (length: number) => A)(data.length);
  for (let from = 0; from < data.length; from += slice) {
    if (from > 0) {
      await nextTask();
    }
    copy.set(data.subarray(from, from + slice), from);
  }
  return copy;
}

/** Gathers what is sent to the worker: copies, and their memory, which may be moved. */
export class Parcel {
  readonly transfer: Transferable[] = [];

  /** An image or labels, tensor or ndarray; see {@link copyInSlices}. */
  async add<T extends ImageLike | LabelsLike>(array: T, name: string): Promise<T> {
    const { data: given, dims, levels, shape, stride, offset } = (array ?? {}) as Fields;
    const data = await this.addData(given, name);
    const copy =
      shape === undefined
        ? { data, dims, ...(levels !== undefined && { levels }) }
        : // Of an ndarray's class the fields alone can be sent.
          { data, shape: [...shape], stride: [...(stride ?? [])], offset };
    return copy as Fields as T;
  }

  async addData<A extends Float32Array | Int32Array>(data: A, name: string): Promise<A> {
    const copy = await copyInSlices(data, name);
    this.transfer.push(copy.buffer as ArrayBuffer);
    return copy;
  }
}

type Fields = { readonly data: Float32Array | Int32Array } & Partial<
  Pick<ImageTensor, "dims" | "levels"> &
    Pick<NdarrayLike<Float32Array>, "shape" | "stride" | "offset">
>;

/** A task of its own, at once: timers wait for milliseconds, and in hidden pages for seconds. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
