import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// What no user of the package needs.
import { opsetChanges } from "../../packages/autodiff/src/passes/opset-changes.ts";

type Kind = "added" | "changed";

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));

/** Where the signature of an operator changed (make_operator_changes.py). */
const changes = read("operator-changes.json") as Readonly<Record<string, Record<string, Kind>>>;
/** Opsets that brought or changed every operator. */
const opsets = read("../operators/operators.json") as Readonly<Record<string, readonly number[]>>;

const list = Object.entries(changes).flatMap(([opType, kinds]) =>
  Object.entries(kinds).map(([opset, kind]) => ({ opType, opset: Number(opset), kind })),
);
const isRewritten = (opType: string, opset: number) =>
  opsetChanges.some(([from, operator]) => from === opset && operator.test(opType));

/** Changes of a signature that leave what was written before as it is. */
const unchangedInMeaning: Readonly<Record<string, string>> = {
  "Constant 11": "one of several attributes is required instead of the only one",
  "Gemm 11": "its third input may be left out",
  "OptionalHasElement 18": "its input may be left out",
  "Resize 13": "roi and scales may be left out",
  "Upsample 10": "deprecated: it is Resize from 11 on",
};

/** Additions that are left out in what was written before, and whose default is what it meant. */
const additions = [
  ..."ArgMax 12,ArgMin 12,Attention 24,Attention 25,AveragePool 10,AveragePool 19,Cast 19,Cast 24".split(
    ",",
  ),
  ..."CastLike 19,CastLike 24,Constant 12,DepthToSpace 11,DequantizeLinear 13,DequantizeLinear 21".split(
    ",",
  ),
  ..."DequantizeLinear 23,GRU 14,GatherND 12,LSTM 14,LpPool 18,MaxPool 8,MaxPool 10,Pad 18".split(
    ",",
  ),
  ..."QuantizeLinear 13,QuantizeLinear 19,QuantizeLinear 21,QuantizeLinear 23,RNN 14,Range 27".split(
    ",",
  ),
  ..."Reshape 14,Resize 18,ScatterElements 16,ScatterND 16,Shape 15,SpaceToDepth 28,TopK 11".split(
    ",",
  ),
];

it("rewrites or refuses every operator whose signature changed, or says why not", () => {
  const open = list
    .filter(({ opType, opset }) => !isRewritten(opType, opset))
    .map(({ opType, opset, kind }) => ({ key: `${opType} ${opset}`, kind }));
  const of = (kind: Kind) => open.filter((entry) => entry.kind === kind).map(({ key }) => key);
  expect(of("changed")).toEqual(Object.keys(unchangedInMeaning));
  expect(of("added")).toEqual(additions);
});

it("rewrites nothing that ONNX did not change", () => {
  const all = Object.entries(opsets).flatMap(([opType, versions]) =>
    versions.filter((opset) => isRewritten(opType, opset)).map((opset) => ({ opType, opset })),
  );
  const known = new Set(list.map(({ opType, opset }) => `${opType} ${opset}`));
  expect(all.filter(({ opType, opset }) => !known.has(`${opType} ${opset}`))).toEqual([]);
  // Every row is about an operator of that opset, but that of those which ONNX has no more.
  const idle = opsetChanges.filter(
    ([opset, operator]) => !all.some((c) => c.opset === opset && operator.test(c.opType)),
  );
  expect(idle.map(([opset, operator]) => [opset, operator.test("ImageScaler")])).toEqual([
    [10, true],
  ]);
});

it("goes through the opsets in order", () => {
  const order = opsetChanges.map(([opset]) => opset);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});
