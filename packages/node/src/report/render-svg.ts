import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";

/** The font family of every report, shipped with this package so that no system font is needed. */
export const fontFamily = "IBM Plex Sans";

const resolve = createRequire(import.meta.url).resolve;
const fontFiles = [
  "400Regular/IBMPlexSans_400Regular.ttf",
  "600SemiBold/IBMPlexSans_600SemiBold.ttf",
];

/**
 * Rasterises an SVG on white.
 *
 * @param options.scale Pixels per SVG unit. Default 1.
 * @returns PNG bytes.
 */
export function renderSvg(svg: string, options: { readonly scale?: number } = {}): Uint8Array {
  const resvg = new Resvg(svg, {
    background: "white",
    fitTo: { mode: "zoom", value: options.scale ?? 1 },
    font: {
      loadSystemFonts: false,
      fontFiles: fontFiles.map((file) => resolve(`@expo-google-fonts/ibm-plex-sans/${file}`)),
      defaultFontFamily: fontFamily,
      sansSerifFamily: fontFamily,
    },
  });
  return resvg.render().asPng();
}

/** Text for SVG: markup characters are escaped and control characters dropped. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replace(/[&<>"']/g, (character) => entities[character] as string);
}

/** About how wide `text` is at `size`, in SVG units: good to a few percent for Latin text. */
export function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const character of text) {
    if (/[iljtfr'.,:;|()[\]I ]/.test(character)) ems += 0.32;
    else if (/[mwMWQ%@]/.test(character)) ems += 0.87;
    else if (/[A-Z]/.test(character)) ems += 0.65;
    else ems += 0.57;
  }
  return ems * size;
}
