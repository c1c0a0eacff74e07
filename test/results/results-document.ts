import type { Schema } from "./result-schema.ts";

const introduction = `# Results

\`onnx-asma attack … -o DIR\` and \`writeResults\` of \`@onnx-asma/node\` leave one folder: all of it or nothing. \`result.json\` comes
last and stands for the rest. Everything in it can be worked out again from the folder, the model and the options:
the pixels as they were decoded are in \`original.png\` (\`.npy\` where no PNG holds them), the labels that the untouched model
draws on it in \`labels-before\`, those on the saved file in \`labels-after\`, the labels it should draw in \`target\`.

| File | What it holds |
|---|---|
| \`original.png\` or \`.npy\` | the untouched pixels as decoded |
| \`adversarial.png\` or \`.npy\` | the file that decides (\`savedFile\`) |
| \`adversarial.npy\` | the best iterate as float32, [1, C, H, W] in [0, 1] |
| \`labels-before\`, \`labels-after\`, \`target\` | label maps on the output grid, \`.png\` of the class numbers, or \`.npy\` |
| \`prediction-before.png\`, \`prediction-after.png\` | the same, drawn over the images |
| \`perturbation.png\`, \`overview.png\` | pictures for people |
| \`trajectory.csv\`, \`trajectory.svg\` | numbers of every step |
| \`result.json\` | everything below |

The JSON Schema is \`result.schema.json\` of \`@onnx-asma/core\` (\`import schema from "@onnx-asma/core/result.schema.json"\`). A field
that is not there, or \`null\`, has no value. Numbers of images are in units of [0, 1]; where it says levels, in those
of the file.
`;

/** docs/results.md: every field of the schema. */
export function resultsDocument(schema: Schema): string {
  const objects = Object.entries(schema.definitions ?? {}).filter(
    ([, { properties }]) => properties !== undefined,
  );
  return [
    introduction,
    "## result.json\n",
    fieldsOf(schema),
    ...objects.flatMap(([name, definition]) => [
      `\n## ${name}\n`,
      ...(definition.description === undefined ? [] : [`${sentence(definition.description)}\n`]),
      fieldsOf(definition),
    ]),
    "",
  ].join("\n");
}

/** One row for each field; fields of nested objects stand below theirs. */
function fieldsOf(schema: Schema): string {
  return ["| Field | Type | What it is |", "|---|---|---|", ...rowsOf(schema, "")].join("\n");
}

function rowsOf({ properties = {}, required = [] }: Schema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const whole = `${prefix}${name}`;
    const optional = required.includes(name) ? "" : ", may be missing";
    const row = `| \`${whole}\` | ${typeOf(field)}${optional} | ${sentence(field.description ?? "")} |`;
    return [row, ...rowsOf(field, `${whole}.`)];
  });
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = decodeURIComponent(schema.$ref.replace("#/definitions/", ""));
    return `[${name}](#${name.toLowerCase()})`;
  }
  const options = schema.const !== undefined ? [schema.const] : schema.enum;
  if (options !== undefined) {
    return options.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map(typeOf).join(" or ");
  }
  if (schema.type === "array") {
    const items = Array.isArray(schema.items) ? schema.items[0] : schema.items;
    return `list of ${items === undefined ? "anything" : typeOf(items as Schema)}`;
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
