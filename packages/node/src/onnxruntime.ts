// First: the binding reads it when it is loaded.
import "./disable-telemetry.ts";
import * as ort from "onnxruntime-node";

export { ort };
