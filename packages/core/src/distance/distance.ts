import type { Value } from "@onnx-asma/autodiff";
import type { Operators } from "../attack/operators.ts";
import type { Random } from "../attack/random.ts";
import type { NormName } from "../attack/step-record.ts";
import type { ImageTensor } from "../image.ts";

/** How the size of a perturbation is measured; everything per image. */
export interface Distance {
  /** As the record names it. */
  readonly name: NormName;
  /** [N, 1, …]: the norm of a perturbation [N, …]. */
  norm(ops: Operators, perturbation: Value): Value;
  /** [N, 1, …]: the dual norm, that is ⟨gradient, steepest(gradient)⟩. */
  dual(ops: Operators, gradient: Value): Value;
  /** [N, …]: the direction of norm 1 in which ⟨gradient, ·⟩ is largest; 0 where the gradient is. */
  steepest(ops: Operators, gradient: Value): Value;
  /** [N, …]: the point of the ball around `x0` that is nearest to `u`. */
  project(ops: Operators, u: Value, x0: Value, epsilon: Value): Value;
  /** A point of the ball around an image, drawn uniformly and clipped to [0, 1]; on the host. */
  sample(original: ImageTensor, epsilon: number, random: Random): Float32Array;
}
