import { describe, expect, it } from "vitest";
import { classColour, ignoreColour } from "../images/palette.ts";
import { rightColour, wrongPixelsPicture } from "./wrong-pixels-picture.ts";

const prediction = { data: Int32Array.of(0, 1, 0, 1, 2, 2), dims: [2, 3] as const };
const target = { data: Int32Array.of(0, 0, 1, 1, 3, -1), dims: [2, 3] as const };

describe("wrongPixelsPicture", () => {
  it("draws wrong pixels in the colour of the class that they are to get", () => {
    const picture = wrongPixelsPicture(prediction, target, {
      colourOf: classColour,
      targeted: true,
    });
    expect(picture).toMatchObject({ width: 3, height: 2, wrong: 3 });
    expect([...picture.rgb]).toEqual(
      [
        rightColour,
        classColour(0),
        classColour(1),
        rightColour,
        classColour(3),
        ignoreColour,
      ].flat(),
    );
  });

  it("draws of labels to leave those that are still there", () => {
    const picture = wrongPixelsPicture(prediction, target, {
      colourOf: classColour,
      targeted: false,
    });
    expect(picture.wrong).toBe(2);
    expect([...picture.rgb]).toEqual(
      [classColour(0), rightColour, rightColour, classColour(1), rightColour, ignoreColour].flat(),
    );
  });

  it("refuses maps of different sizes", () => {
    expect(() =>
      wrongPixelsPicture(
        prediction,
        { data: new Int32Array(4), dims: [1, 4] },
        { colourOf: classColour, targeted: true },
      ),
    ).toThrow(expect.objectContaining({ code: "ERR_ARRAY_SHAPE" }));
  });
});
