import { refusal } from "./errors.ts";

/**
 * Refuses options that there are not, which would be overlooked in silence.
 *
 * @param known the options there are
 * @param owner what they are of, in messages: "encodePng"
 * @throws AsmaError `ERR_OPTION`
 */
export function checkKeys(options: unknown, known: readonly string[], owner: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw refusal("ERR_OPTION", {
      expected: `the options of ${owner} as an object`,
      found: `found ${String(options)}`,
    });
  }
  const other = Object.keys(options).find((key) => !known.includes(key));
  if (other !== undefined) {
    throw refusal("ERR_OPTION", {
      expected: `an option of ${owner}`,
      found: `found '${other}'`,
      wayOut: `it has ${known.join(", ")}`,
      details: { option: other, owner },
    });
  }
}
