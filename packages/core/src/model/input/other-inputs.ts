import type { Feed, GraphBuilder, Model, Value } from "@onnx-asma/autodiff";
import type { ModelOptions } from "../model-options.ts";

/**
 * Appends the values of all inputs but the image, which the untouched model asks for: those of `feeds`, and
 * zeros for what no output needs.
 *
 * @returns for each input the name of the output that gives its value
 */
export function appendOtherInputs(
  b: GraphBuilder,
  model: Model,
  image: string,
  { feeds, dims }: Pick<ModelOptions, "feeds" | "dims">,
): Record<string, string> {
  const others = model.declaredInputs().filter(({ name }) => name !== image);
  const outputs = others.map(({ name, dtype = "float32", dims: declared = [] }, i) => {
    const feed: Feed = feeds?.[name] ?? 0;
    let value: Value;
    if (typeof feed === "number") {
      const known = dims?.[name] ?? declared.map((d) => d ?? 1);
      value = b.fill(feed, { dtype, dims: known });
    } else {
      value = b.constant(dtype, feed.dims, Array.from(feed.data));
    }
    return [name, b.output(value, `other_${i}`).name];
  });
  return Object.fromEntries(outputs) as Record<string, string>;
}
