import { defineConfig } from "vite";

const output = { entryFileNames: "[name].js", assetFileNames: "[name][extname]" };

/** For pages without a bundler: one folder of page module, worker and ONNX Runtime. */
export default defineConfig({
  root: import.meta.dirname,
  // Each file is found from the one that asks for it.
  base: "./",
  build: {
    outDir: "dist/standalone",
    assetsDir: "",
    target: "es2023",
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      input: "dist/index.js",
      preserveEntrySignatures: "strict",
      output,
    },
  },
  worker: { format: "es", rolldownOptions: { output } },
});
