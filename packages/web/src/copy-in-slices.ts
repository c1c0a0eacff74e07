import { refusal } from "@onnx-asma/core";

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

/** As {@link copyInSlices} for the data of an image or a label map; the copy's buffer may be moved. */
export async function copyToSend<T extends { readonly data: Float32Array | Int32Array }>(
  tensor: T,
  name: string,
): Promise<{ readonly copy: T; readonly buffer: ArrayBuffer }> {
  const data = await copyInSlices(tensor?.data, name);
  return { copy: { ...tensor, data }, buffer: data.buffer as ArrayBuffer };
}

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
