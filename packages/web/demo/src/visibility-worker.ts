import { visibility } from "@onnx-asma/core/visibility";
import type { ImageTensor } from "@onnx-asma/web";

/** What is asked: how much of a change can be seen, in levels of a file. */
export interface VisibilityRequest {
  readonly image: ImageTensor;
  readonly original: ImageTensor;
  readonly levels: number;
}

// In a worker, since structural similarity of a large picture takes a second.
addEventListener("message", ({ data }: MessageEvent<VisibilityRequest>) => {
  postMessage(visibility(data.image, data.original, data.levels));
});
