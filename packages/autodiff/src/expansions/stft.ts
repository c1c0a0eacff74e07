import { arithmetic } from "../graph/arithmetic.ts";
import { RuleRefusal } from "../rules/gradient-rule.ts";
import type { Expansion } from "./expansion.ts";

/**
 * STFT (opset 17): the discrete Fourier transform of overlapping frames of a signal [batch, length, 1],
 * or [batch, length, 2] of complex numbers, each times the window.
 *
 * @see https://onnx.ai/onnx/operators/onnx__STFT.html
 */
export const stft: Expansion = {
  opType: "STFT",
  expand: (c) => {
    const { b } = c;
    const { mul } = arithmetic(b);
    const signal = c.x();
    const [, samples, parts] = signal.dims as readonly [number, number, number];
    const constant = (i: number, name: string) => {
      const numbers = c.constant(i);
      if (numbers === undefined) {
        throw new RuleRefusal(`its ${name} is computed; it has to be a constant`);
      }
      return numbers[0] as number;
    };
    const step = constant(1, "frame_step");
    const length = c.hasInput(3) ? constant(3, "frame_length") : (c.x(2).dims[0] as number);
    const frames = Math.floor((samples - length) / step) + 1;
    const places = Array.from(
      { length: frames * length },
      (_, i) => Math.floor(i / length) * step + (i % length),
    );
    const framed = b.op("Gather", [signal, b.constant("int64", [frames, length], places)], {
      axis: 1,
    });
    const windowed = c.hasInput(2) ? mul(framed, b.reshape(c.x(2), [length, 1])) : framed;
    const complex = b.pad(windowed, [0, 0, 0, 0, 0, 0, 0, 2 - parts]);
    const spectrum = b.dft(complex, 2, false);
    const bins = c.int("onesided", 1) === 1 ? Math.floor(length / 2) + 1 : length;
    return [bins === length ? spectrum : b.slice(spectrum, [2], [0], [bins])];
  },
};
