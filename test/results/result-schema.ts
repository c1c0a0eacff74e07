import { fileURLToPath } from "node:url";
import { createGenerator } from "ts-json-schema-generator";

const path = (name: string) => fileURLToPath(new URL(`../../packages/${name}`, import.meta.url));

/** A JSON Schema, as far as it is read here. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema | readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** The JSON Schema of `result.json`, made of the type of the record that was built last. */
export function resultSchema(): Schema {
  const type = "ResultRecord";
  const schema = createGenerator({
    path: path("core/dist/result-record/result-record.d.ts"),
    // ONNX Runtime's types ask for a platform.
    tsconfig: path("node/tsconfig.json"),
    type,
    topRef: false,
    skipTypeCheck: true,
    sortProps: false,
  }).createSchema(type);
  return { title: "Result of an attack", ...schema } as Schema;
}
