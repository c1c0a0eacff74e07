const encoder = new TextEncoder();
export const text = (content: string) => encoder.encode(content);
export const join = (...parts: readonly (Uint8Array | string | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap((p) => [...(typeof p === "string" ? text(p) : p)]));
export const zeros = (n: number) => new Uint8Array(n);

/** A field of Protocol Buffers: a number, or bytes. */
export function field(number: number, value: number | Uint8Array | string): Uint8Array {
  const varint = (n: number): number[] =>
    n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))];
  if (typeof value === "number") {
    return Uint8Array.from([...varint(number * 8), ...varint(value)]);
  }
  const bytes = typeof value === "string" ? text(value) : value;
  return Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]);
}

/** A zip of empty files without a checksum. */
export function zip(...names: readonly string[]): Uint8Array {
  const parts = names.map((name) => join("PK", [3, 4], zeros(22), [name.length, 0, 0, 0], name));
  return join(...parts, "PK", [5, 6], zeros(18));
}
