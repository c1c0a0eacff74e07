import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";

/** The font family of every report, shipped with this package so that no system font is needed. */
export const fontFamily = "IBM Plex Sans";

const resolve = createRequire(import.meta.url).resolve;
const fontFiles = [
  "400Regular/IBMPlexSans_400Regular.ttf",
  "600SemiBold/IBMPlexSans_600SemiBold.ttf",
];

/** The fonts of every report, without any of the system. */
export const fontOptions = {
  loadSystemFonts: false,
  fontFiles: fontFiles.map((file) => resolve(`@expo-google-fonts/ibm-plex-sans/${file}`)),
  defaultFontFamily: fontFamily,
  sansSerifFamily: fontFamily,
};

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
    font: fontOptions,
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

/** Characters by their width in the regular font, in ems. */
const widths: readonly (readonly [string, number])[] = [
  [" 'ij", 0.25],
  ["l,.’!:;|", 0.28],
  ["f[](){}t·", 0.34],
  ["r/\\-I", 0.39],
  ['"*z?“”', 0.46],
  ["svcyLxJ", 0.5],
  ["agkeoFnhuT_", 0.56],
  ["bdpqESZYPV–0123456789$+<=>^`~−×±≤≥", 0.6],
  ["ARKBD", 0.65],
  ["CUHNOQG#&", 0.7],
  ["w∞…", 0.78],
  ["mMW@%", 0.9],
];
const ems = new Map(widths.flatMap(([all, width]) => [...all].map((one) => [one, width] as const)));

/** About how wide `text` is at `size`, in SVG units: good to a few percent for Latin text, wide for others. */
export function textWidth(text: string, size: number): number {
  return [...text.normalize("NFD").replace(/\p{Mn}/gu, "")].reduce(
    (sum, character) => sum + size * (ems.get(character) ?? (character < "\u1100" ? 0.65 : 1)),
    0,
  );
}
