import * as Plot from "@observablehq/plot";
import { describe, expect, it } from "vitest";
import { deltaE, seenLab, visions } from "../../../../test/support/colour-vision.ts";
import { changeUnit, type ChangeMap } from "./change-map.ts";
import {
  changeNumber,
  changePicture,
  magnitudeScale,
  signedScale,
  unchangedDark,
  unchangedLight,
} from "./change-scales.ts";

const mapOf = (parts: Partial<ChangeMap>): ChangeMap => ({
  width: 4,
  height: 1,
  unit: changeUnit(256),
  values: Float32Array.of(0, 1, -10, 100),
  changed: 3,
  smallest: 1,
  p99: 100,
  largest: 100,
  clipped: 0,
  ...parts,
});
const inferno = (t: number) => {
  const scale = Plot.scale({ color: { type: "linear", scheme: "inferno", domain: [0, 1] } });
  const colour = scale.apply(t) as string;
  return [1, 3, 5].map((k) => Number.parseInt(colour.slice(k, k + 2), 16));
};
const lightness = (colour: readonly [number, number, number], vision: string) =>
  seenLab(colour, vision)[0];

describe("|change|", () => {
  it("has colours by its logarithm, from one level to the largest", () => {
    const { rgb } = changePicture(mapOf({}), magnitudeScale(mapOf({})));
    // 1, 10 and 100 of 1 to 100: both ends of the part of the scheme that is used, and its middle.
    const expected = [unchangedDark, inferno(0.28), inferno(0.64), inferno(1)].flat();
    expect(rgb).toHaveLength(12);
    rgb.forEach((value, k) => expect(Math.abs(value - (expected[k] as number))).toBeLessThan(2));
  });

  it("shows small changes however large one of them is", () => {
    for (const largest of [4, 255, 65_535]) {
      const unit = changeUnit(largest > 255 ? 65_536 : 256);
      const { colourOf } = magnitudeScale(mapOf({ largest, unit }));
      for (const vision of visions) {
        const seen = [unchangedDark, colourOf(1), colourOf(largest)].map((c) => seenLab(c, vision));
        expect(deltaE(seen[0] as never, seen[1] as never)).toBeGreaterThan(15);
        expect(deltaE(seen[1] as never, seen[2] as never)).toBeGreaterThan(50);
      }
      // What 99 % of the changes of the demo are, 1 to 7, has a part of the scale that is plain to see.
      const [least, most] = [colourOf(1), colourOf(Math.min(7, largest))].map((c) => seenLab(c));
      expect(deltaE(least as never, most as never)).toBeGreaterThan(10);
    }
  });

  it("becomes lighter all the way, for every common colour vision", () => {
    const scale = magnitudeScale(mapOf({}));
    for (const vision of visions) {
      const path = Array.from({ length: 41 }, (_, k) =>
        lightness(scale.colourOf(scale.at(k / 40)), vision),
      );
      path.slice(1).forEach((value, k) => expect(value).toBeGreaterThan(path[k] as number));
    }
  });

  it("has ticks at its ends and at round numbers between, none close to another", () => {
    const labels = (parts: Partial<ChangeMap>) =>
      magnitudeScale(mapOf(parts)).ticks.map(({ label }) => label);
    expect(labels({ largest: 40 })).toEqual(["1", "2", "5", "10", "20", "40"]);
    expect(labels({ largest: 1 })).toEqual(["1", "2"]);
    expect(labels({ largest: 1234, unit: changeUnit(65_536) })).toEqual([
      "1",
      "10",
      "100",
      "1,234",
    ]);
    expect(
      labels({ unit: changeUnit(undefined), smallest: 3e-9, largest: 0.02, p99: 0.01 }),
    ).toEqual(["1e−6", "1e−5", "1e−4", "0.001", "0.02"]);
    for (let largest = 2; largest < 70_000; largest = Math.ceil(largest * 1.31)) {
      const { positionOf, ticks } = magnitudeScale(mapOf({ largest }));
      const positions = ticks.map(({ change }) => positionOf(change));
      expect([positions[0], positions.at(-1)]).toEqual([0, 1]);
      positions
        .slice(1)
        .forEach((p, k) => expect(p - (positions[k] as number)).toBeGreaterThan(0.1));
    }
  });

  it("is dark where nothing changed at all", () => {
    const map = mapOf({ values: new Float32Array(4), changed: 0, smallest: 0, p99: 0, largest: 0 });
    const { rgb } = changePicture(map, magnitudeScale(map));
    expect([...rgb.subarray(0, 3)]).toEqual(unchangedDark);
  });
});

describe("signed change", () => {
  const map = mapOf({ p99: 8, largest: 200 });
  const scale = signedScale(map);

  it("ends at the 99th percentile: what is beyond has the colour of the end", () => {
    expect(scale.colourOf(200)).toEqual(scale.colourOf(8));
    expect(scale.colourOf(-200)).toEqual(scale.colourOf(-8));
    expect(scale.colourOf(7)).not.toEqual(scale.colourOf(8));
    expect([-8, -4, 0, 4, 8].map(scale.positionOf)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(scale.ticks.map(({ label }) => label)).toEqual(["−8", "−4", "0", "+4", "+8"]);
  });

  it("tells brighter from darker and both from unchanged, for every common colour vision", () => {
    for (const vision of visions) {
      for (const change of [1, 2, 4, 8]) {
        const [more, less, none] = [change, -change, 0].map((v) =>
          seenLab(scale.colourOf(v), vision),
        ) as [never, never, never];
        expect(deltaE(more, less), `${vision} ${change}`).toBeGreaterThan(20);
        expect(deltaE(more, none), `${vision} ${change}`).toBeGreaterThan(10);
        expect(deltaE(less, none), `${vision} ${change}`).toBeGreaterThan(10);
      }
    }
  });

  it("is white where nothing changed", () => {
    expect(scale.colourOf(0)).toEqual(unchangedLight);
    expect(signedScale(mapOf({ p99: 0 })).colourOf(0)).toEqual(unchangedLight);
  });
});

it("writes numbers short", () => {
  expect([0, 7, 0.25, 1234.003, 65_535, 0.0314, 3e-5, 1.26e-7].map(changeNumber)).toEqual([
    "0",
    "7",
    "0.25",
    "1,234",
    "65,535",
    "0.0314",
    "3e−5",
    "1.3e−7",
  ]);
});
