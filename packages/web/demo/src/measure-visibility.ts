import type { Visibility } from "@onnx-asma/core/visibility";
import type { ImageTensor } from "@onnx-asma/web";
import type { VisibilityRequest } from "./visibility-worker.ts";

/** How much of a change can be seen, measured beside the page. */
export async function measureVisibility(
  image: ImageTensor,
  original: ImageTensor,
): Promise<Visibility> {
  const worker = new Worker(new URL("./visibility-worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<Visibility>) => resolve(data));
      worker.addEventListener("error", ({ message }) => reject(new Error(message)));
      const { levels = 256 } = original;
      const request: VisibilityRequest = {
        image: copyOf(image),
        original: copyOf(original),
        levels: Number.isFinite(levels) ? levels : 256,
      };
      worker.postMessage(request, [request.image.data.buffer, request.original.data.buffer]);
    });
  } finally {
    worker.terminate();
  }
}

function copyOf({ data, dims }: ImageTensor) {
  return { data: data.slice(), dims };
}
