/**
 * Where a graph will run. `any` uses what every execution provider has; `cpu` prefers forms that ONNX
 * Runtime's CPU provider runs fast.
 */
export type Target = "any" | "cpu";
