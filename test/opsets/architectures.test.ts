import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { differentiate, readModel, resolve, writeModel } from "@onnx-asma/autodiff";

type Span = readonly [start: number, length: number];
interface Packed {
  readonly dims: readonly number[];
  readonly at: Span;
}
interface Case {
  readonly name: string;
  readonly opset: number;
  readonly exporter: string;
  readonly expected: "symmetric" | "asymmetric";
  readonly at: Span;
}
interface Header {
  readonly cases: readonly Case[];
  readonly tensors: Readonly<
    Record<
      string,
      Record<"image" | "logits_grad", Packed> &
        Partial<Record<Case["expected"], Record<"logits" | "image_grad", Packed>>>
    >
  >;
}

const packed = gunzipSync(readFileSync(new URL("architectures.bin.gz", import.meta.url)));
const headerLength = packed.readUInt32LE();
const { cases, tensors } = JSON.parse(packed.toString("utf8", 4, 4 + headerLength)) as Header;
const bytesAt = ([start, length]: Span) =>
  Uint8Array.from(packed.subarray(4 + headerLength + start, 4 + headerLength + start + length));
const floats = ({ at }: Packed) => new Float32Array(bytesAt(at).buffer);

/** Largest difference, over the largest expected number. */
function errorOf(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  const largest = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return (
    expected.reduce((max, v, i) => Math.max(max, Math.abs(v - (found[i] as number))), 0) / largest
  );
}

const errors: { readonly label: string; readonly error: number }[] = [];

for (const name of Object.keys(tensors)) {
  describe(name, () => {
    it.each(cases.filter((c) => c.name === name))(
      "of opset $opset ($exporter) has autograd's gradient",
      async ({ opset, exporter, expected, at }) => {
        const model = await readModel(bytesAt(at));
        expect(model.opset).toBe(opset);
        const { image, logits_grad, ...kinds } = tensors[name] as Header["tensors"][string];
        const derived = differentiate(await resolve(model, ort));
        const session = await ort.InferenceSession.create(writeModel(derived.model, "embed").bytes);
        const results = await session.run({
          image: new ort.Tensor("float32", floats(image), image.dims),
          logits_grad: new ort.Tensor("float32", floats(logits_grad), logits_grad.dims),
        });
        await session.release();
        const wanted = kinds[expected] as Record<"logits" | "image_grad", Packed>;
        const [forward, error] = (["logits", "image_grad"] as const).map((key) =>
          errorOf(results[key]?.data as Float32Array, floats(wanted[key])),
        ) as [number, number];
        errors.push({ label: `${name} of opset ${opset} (${exporter})`, error });
        expect(forward).toBeLessThan(1e-5);
        expect(error).toBeLessThan(1e-5);
      },
    );
  });
}

it("has them all, and is within 1e-6 in the median", () => {
  const found = (name: string) =>
    [...new Set(cases.filter((c) => c.name === name).map(({ opset }) => opset))].toSorted(
      (a, b) => a - b,
    );
  const from = (first: number) => Array.from({ length: 23 - first }, (_, i) => first + i);
  // MaxUnpool came with opset 9.
  for (const name of Object.keys(tensors)) {
    expect([name, found(name)]).toEqual([name, from(name === "segnet" ? 9 : 7)]);
  }
  expect(Object.keys(tensors)).toHaveLength(12);
  const sorted = errors.toSorted((a, b) => a.error - b.error);
  expect(sorted).toHaveLength(cases.length);
  const worst = sorted.at(-1);
  console.log(`${cases.length} models, worst ${worst?.error.toExponential(1)}: ${worst?.label}`);
  expect(sorted[Math.floor(sorted.length / 2)]?.error).toBeLessThan(1e-6);
});
