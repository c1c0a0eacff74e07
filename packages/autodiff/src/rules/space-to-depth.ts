import type { GradientRule } from "./gradient-rule.ts";

/**
 * DepthToSpace (opset 1; `mode` from 11): dx = the blocks of dy back into channels.
 *
 * @see https://onnx.ai/onnx/operators/onnx__DepthToSpace.html
 */
export const depthToSpace: GradientRule = {
  opType: "DepthToSpace",
  build: (c) => [
    () => {
      const [n, channels, height, width] = c.y().dims as [number, number, number, number];
      const size = c.int("blocksize", 1);
      const blocks = c.b.reshape(c.dy(), [n, channels, height / size, size, width / size, size]);
      const isChannelFirst = c.string("mode", "DCR") === "CRD";
      const perm = isChannelFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
      return c.b.reshape(c.b.transpose(blocks, perm), c.x().dims);
    },
  ],
};

/**
 * SpaceToDepth (opset 1): dx = DepthToSpace of dy.
 *
 * @see https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html
 */
export const spaceToDepth: GradientRule = {
  opType: "SpaceToDepth",
  build: (c) => [
    // Its default mode, DCR, is the one before opset 11 too.
    () => c.b.op("DepthToSpace", [c.dy()], { blocksize: c.int("blocksize", 1) }),
  ],
};
