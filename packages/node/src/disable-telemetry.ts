/**
 * ONNX Runtime 1.30 for Node sends events to a host of Microsoft's and writes under the home folder, unless
 * this is set before its binding is loaded. Who wants the events sets it to "0".
 */
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
