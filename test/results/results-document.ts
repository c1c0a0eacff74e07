import type { Schema } from "./result-schema.ts";

const introduction = `# Results

\`onnx-asma attack … -o DIR\` and \`writeResults\` of \`@onnx-asma/node\` leave one folder: all of it or nothing. In a browser
\`LoadedModel.resultFiles\` of \`@onnx-asma/web\` gives the same files but for the pictures, and the demo page a zip of them.
\`result.json\` comes last and stands for the rest.

| File | What it holds |
|---|---|
| \`original.png\` or \`.npy\` | the untouched pixels as decoded; \`.npy\` where no PNG holds them |
| \`adversarial.png\` or \`.npy\` | the file that decides (\`savedFile\`) |
| \`adversarial.npy\` | the best iterate as float32, [1, C, H, W] in [0, 1] |
| \`target\` | the labels that the model shall draw, on its output grid |
| \`labels-before\`, \`labels-after\`, \`labels-float\` | what the untouched model draws on the untouched image, the saved file and the float image |
| \`region\` | where the image may change, 1 or 0 for each pixel, if that was asked for |
| \`prediction-before.png\`, \`prediction-after.png\` | the same, drawn over the images |
| \`perturbation.png\`, \`overview.png\` | pictures for people |
| \`trajectory.csv\`, \`trajectory.svg\` | numbers of every step |
| \`result.json\` | everything below |

Label maps are PNG of the class numbers (8 or 16 bits), or \`.npy\` where no PNG holds them.

The JSON Schema is \`result.schema.json\` of \`@onnx-asma/core\` (\`import schema from "@onnx-asma/core/result.schema.json"\`). A field
that is not there, or \`null\`, has no value. Numbers of images are in units of [0, 1]; where it says levels, in those
of the file.

## Recompute the figures

Every figure can be worked out again without this project. [recompute.py](../test/results/recompute.py) does so with numpy
and ONNX Runtime: it reads \`result.json\` and fails at each number and each hash that it cannot find again from the folder
and the model, to 10⁻⁶ of its size (of 1 for smaller ones). It also runs the model on \`original\` and \`adversarial\` and
compares what it draws with the label maps.

\`\`\`sh
pip install numpy onnxruntime pillow pypng tifffile
python recompute.py DIR --model model.onnx --image scan.png      # the folder, or the zip of the demo page
\`\`\`

\`--image\`, \`--target\`, \`--region\`, \`--preprocessor\` and \`--training-graph\` name the files that the attack was given, for
their hashes; \`--feed NAME=VALUE\` what other inputs were given. \`npm run results:recompute\` makes results of twenty kinds
and runs it over each.

What cannot be found again is how the attack went: \`best\`, \`judged\` and \`passes\` are compared with \`trajectory.csv\`, and
times are times.
`;

type Definitions = NonNullable<Schema["definitions"]>;

/** docs/results.md: every field of the schema. */
export function resultsDocument(schema: Schema): string {
  const definitions = schema.definitions ?? {};
  const objects = Object.entries(definitions).filter(([, definition]) => hasSection(definition));
  return [
    introduction,
    "## result.json\n",
    fieldsOf(schema, definitions),
    ...objects.flatMap(([name, definition]) => [
      `\n## ${name}\n`,
      ...(definition.description === undefined ? [] : [`${sentence(definition.description)}\n`]),
      (definition.anyOf ?? [definition])
        .map((variant) => fieldsOf(variant, definitions))
        .join("\n\nor\n\n"),
    ]),
    "",
  ].join("\n");
}

/** Whether a definition has fields of its own, or is one of several that have. */
function hasSection({ anyOf = [], properties }: Schema): boolean {
  return properties !== undefined || anyOf.some((variant) => variant.properties !== undefined);
}

/** One row for each field; fields of nested objects stand below theirs. */
function fieldsOf(schema: Schema, definitions: Definitions): string {
  const rows = rowsOf(schema, "", definitions);
  return ["| Field | Type | What it is |", "|---|---|---|", ...rows].join("\n");
}

function rowsOf(
  { properties = {}, required = [] }: Schema,
  prefix: string,
  definitions: Definitions,
): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const whole = `${prefix}${name}`;
    const optional = required.includes(name) ? "" : ", may be missing";
    const description = sentence(field.description ?? descriptionOf(field, definitions));
    const row = `| \`${whole}\` | ${typeOf(field, definitions)}${optional} | ${description} |`;
    return [row, ...rowsOf(field, `${whole}.`, definitions)];
  });
}

/** Where a field says nothing of itself, what its type says. */
function descriptionOf({ $ref, anyOf = [], items }: Schema, definitions: Definitions): string {
  if ($ref !== undefined) {
    return definitions[nameOf($ref)]?.description ?? "";
  }
  const inner = [...anyOf, ...(items === undefined ? [] : [items].flat())] as Schema[];
  return inner.map((schema) => descriptionOf(schema, definitions)).find((text) => text) ?? "";
}

function nameOf(ref: string): string {
  return decodeURIComponent(ref.replace("#/definitions/", ""));
}

function typeOf(schema: Schema, definitions: Definitions): string {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref);
    const definition = definitions[name];
    return definition === undefined || hasSection(definition)
      ? `[${name}](#${name.toLowerCase()})`
      : typeOf(definition, definitions);
  }
  const options = schema.const !== undefined ? [schema.const] : schema.enum;
  if (options !== undefined) {
    return options.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map((option) => typeOf(option, definitions)).join(" or ");
  }
  if (schema.type === "array") {
    const items = Array.isArray(schema.items) ? schema.items[0] : schema.items;
    return `list of ${items === undefined ? "anything" : typeOf(items as Schema, definitions)}`;
  }
  return [schema.type ?? "anything"].flat().join(" or ");
}

/** A doc comment in one line of a table. */
function sentence(text: string): string {
  return text
    .replaceAll(/\{@link (?:\w+\.)?(\w+)\}/g, "$1")
    .replaceAll(/\s+/g, " ")
    .replaceAll("|", "\\|");
}
