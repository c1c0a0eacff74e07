/**
 * Texts name an option by its key in backticks, alone or with a value (`key`, `key: value`), and put nothing
 * else in backticks. That is how the library says it; a host may say it in its own words.
 */
const mark = /`([a-z][A-Za-z]*(?:\.[A-Za-z]+)*)(?:: ([^`]+))?`/g;

/** The keys of the options that a text names, each once. */
export function optionsIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(mark), ([, key]) => key as string))];
}

/**
 * A text with its options named as a host names them.
 *
 * @param say the host's words for an option, with the value that the text gives it; `undefined` leaves the
 *   text as it is
 */
export function sayOptions(
  text: string,
  say: (key: string, value: string | undefined) => string | undefined,
): string {
  return text.replace(
    mark,
    (whole, key: string, value: string | undefined) => say(key, value) ?? whole,
  );
}
