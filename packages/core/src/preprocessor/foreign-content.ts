import { foreignFile } from "../foreign-file/foreign-file.ts";
import { latin1 } from "../foreign-file/latin-1.ts";

/**
 * What a file is that holds no JSON, as a clause: "it is a PNG picture".
 *
 * @returns `undefined` where its text begins as JSON does; the rest is the parser's to judge
 */
export function foreignContent(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, 4096)).replace(/^\xef\xbb\xbf/, "");
  const isText = !Array.from(head).some((c) => c < "\t" || (c > "\r" && c < "\x1b"));
  if (isText && /^\s*[{["\d-]/.test(head)) {
    return undefined;
  }
  const kind = foreignFile(bytes);
  return `it is ${kind?.is ?? (isText ? "another text" : "no text")}`;
}

/** The same of a text; what is no character of Latin 1 does not tell files apart. */
export function foreignText(text: string): string | undefined {
  return foreignContent(Uint8Array.from(text, (c) => c.charCodeAt(0)));
}
