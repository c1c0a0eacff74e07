/** Makes something when it is first asked for: nodes that the gradients of several inputs share. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
