import { configDefaults, defineConfig } from "vitest/config";

const source = (name: string, file = "index.ts"): string =>
  new URL(`packages/${name}/src/${file}`, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    alias: {
      "@onnx-asma/autodiff/training-graph": source("autodiff", "training-graph/index.ts"),
      "@onnx-asma/autodiff": source("autodiff"),
      "@onnx-asma/core/npy": source("core", "npy/index.ts"),
      "@onnx-asma/core/describe-options": source("core", "attack/describe-options.ts"),
      "@onnx-asma/core/device-check": source("core", "device-check/index.ts"),
      "@onnx-asma/core/image-size": source("core", "image-size.ts"),
      "@onnx-asma/core/error-codes": source("core", "error-codes.ts"),
      "@onnx-asma/core/png": source("core", "png/index.ts"),
      "@onnx-asma/core/preprocessor": source("core", "preprocessor/index.ts"),
      "@onnx-asma/core/check-options": source("core", "check-options/index.ts"),
      "@onnx-asma/core/foreign-file": source("core", "foreign-file/index.ts"),
      "@onnx-asma/core/targets": source("core", "targets/index.ts"),
      "@onnx-asma/core/training-graph": source("core", "training-graph/index.ts"),
      "@onnx-asma/core": source("core"),
      "@onnx-asma/node": source("node"),
    },
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    // They need a browser: `test:web`.
    exclude: [...configDefaults.exclude, "test/web/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // onnxruntime-node keeps process-wide state, so every file gets a process of its own.
    pool: "forks",
  },
});
