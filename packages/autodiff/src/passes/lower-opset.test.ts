import { expect, it } from "vitest";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { readModel } from "../model/read-model.ts";
import { lowerOpset } from "./lower-opset.ts";

async function lowered(opset: number, opType = "Relu", domain = ""): Promise<number> {
  const model = await readModel(
    tinyModel({ opset, inputs: { x: { dims: [2] } }, nodes: [[opType, ["x"], "y"]] }),
  );
  Object.assign(model.graph.node[0] as object, { domain });
  expect(lowerOpset(model)).toBe(model.opset !== opset);
  return model.opset;
}

it.each([
  [11, 11],
  [21, 21],
  [22, 21],
  [23, 21],
  [25, 21],
])("makes opset %i %i", async (opset, expected) => {
  expect(await lowered(opset)).toBe(expected);
});

it("lowers the IR version with the opset, which the runtime may not know yet", async () => {
  const model = await readModel(
    tinyModel({ opset: 25, inputs: { x: { dims: [2] } }, nodes: [["Relu", ["x"], "y"]] }),
  );
  model.proto.irVersion = 99n;
  expect(lowerOpset(model)).toBe(true);
  expect(model.proto.irVersion).toBe(10n);
});

it("keeps the opset of operators that 21 does not have", async () => {
  expect(await lowered(24, "Swish")).toBe(24);
  expect(await lowered(24, "Swish", "com.example")).toBe(21);
});
