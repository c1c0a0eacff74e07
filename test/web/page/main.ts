// What the tests call through page.evaluate.
import * as onnxAsma from "@onnx-asma/web";

Object.assign(globalThis, { onnxAsma });
