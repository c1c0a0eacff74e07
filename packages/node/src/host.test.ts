import { expect, it } from "vitest";
import { hostFor } from "./host.ts";

it("believes the processor, and compares anything else with it", () => {
  for (const options of [undefined, {}, { executionProviders: ["cpu"] }]) {
    expect(hostFor(options)).toMatchObject({ target: "cpu", processor: undefined });
  }
  const options = { executionProviders: [{ name: "cuda" }, "cpu"], intraOpNumThreads: 2 };
  expect(hostFor(options)).toMatchObject({
    sessionOptions: options,
    target: "any",
    processor: { sessionOptions: { executionProviders: ["cpu"], intraOpNumThreads: 2 } },
  });
  expect(hostFor(undefined, "any")).toMatchObject({ target: "any", processor: undefined });
});
