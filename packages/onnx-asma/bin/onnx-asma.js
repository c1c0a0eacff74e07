#!/usr/bin/env node
// What the command is made of may not even load in an older Node: it is asked for after the check.
try {
  await import("@onnx-asma/node/check-node");
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const { main } = await import("@onnx-asma/node/cli");
process.exitCode = await main(process.argv.slice(2));
