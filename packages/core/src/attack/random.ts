import { mulberry32 } from "@onnx-asma/autodiff";

/** Random numbers of one image of one run: the same for the same seed, on every machine. */
export interface Random {
  /** Uniform in [0, 1), in steps of 2⁻³². */
  uniform(): number;
  /** Normal, mean 0, deviation 1 (Box and Muller). */
  normal(): number;
}

/** @param seed an integer; only its low 32 bits count */
export function seededRandom(seed: number): Random {
  const uniform = mulberry32(seed | 0);
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
