/**
 * A copy of an ONNX message and all that it holds, its bytes too. As `clone` of protobuf-es, which brings the
 * library's reflection along: messages are plain objects, whose prototypes hold the defaults of fields not set.
 */
export function copyMessage<T>(value: T): T {
  if (Array.isArray(value)) {
    return value.map(copyMessage) as T;
  }
  if (value instanceof Uint8Array) {
    return new Uint8Array(value) as T;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const copies = Object.entries(value).map(([name, part]) => [name, copyMessage(part)]);
  return Object.assign(Object.create(Object.getPrototypeOf(value)), Object.fromEntries(copies));
}
