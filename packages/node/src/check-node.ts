/** The oldest Node that is supported, as `engines` of the packages say. */
const oldest = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  throw new Error(
    `onnx-asma needs Node ${oldest.join(".")} or newer, but this is Node ${process.versions.node}: install a newer one (https://nodejs.org).`,
  );
}

export {};
