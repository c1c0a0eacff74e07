import { Buffer } from "node:buffer";
import { encodePicture, type Picture } from "./picture.ts";
import { escapeXml, fontFamily, textWidth } from "./render-svg.ts";

/** Colours of text and lines in figures. */
export const ink = {
  text: "#1d2127",
  quiet: "#525a66",
  frame: "#c3c8d0",
  good: "#0067a3",
  bad: "#b84a00",
} as const;

/** How text is set. */
export interface TextStyle {
  /** In SVG units. */
  readonly size: number;
  readonly fill?: string;
  readonly isBold?: boolean;
  readonly anchor?: "start" | "middle" | "end";
}

/** One line of text. */
export function text(x: number, baseline: number, content: string, style: TextStyle): string {
  const { size, fill = ink.text, isBold = false, anchor = "start" } = style;
  return (
    `<text x="${x}" y="${baseline}" font-size="${size}" font-weight="${isBold ? 600 : 400}" fill="${fill}"` +
    `${anchor === "start" ? "" : ` text-anchor="${anchor}"`}>${escapeXml(content)}</text>`
  );
}

/** Cuts a line that would be wider than `width`. */
export function shorten(line: string, style: TextStyle, width: number): string {
  const fits = (candidate: string) => widthOf(candidate, style) <= width;
  if (fits(line)) {
    return line;
  }
  const characters = [...line];
  while (characters.length > 1 && !fits(`${characters.join("")}…`)) {
    characters.pop();
  }
  return `${characters.join("").trimEnd()}…`;
}

/** Breaks text between words into lines no wider than `width`; a word that is wider is cut. */
export function wrap(content: string, style: TextStyle, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of content.split(" ").filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer, style) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].map((each) => shorten(each, style, width));
}

/** About how wide a line is. */
export function widthOf(line: string, { size, isBold = false }: TextStyle): number {
  return textWidth(line, size) * (isBold ? 1.035 : 1);
}

/** A block of lines below each other, and how high it is. */
export function paragraph(
  at: { readonly x: number; readonly y: number; readonly width: number },
  content: string,
  style: TextStyle,
): { readonly svg: string; readonly height: number } {
  const leading = Math.round(style.size * 1.35);
  const lines = wrap(content, style, at.width);
  return {
    svg: lines.map((line, k) => text(at.x, at.y + style.size + k * leading, line, style)).join(""),
    height: lines.length * leading,
  };
}

/** A picture at its own size with a thin frame around it. */
export function framedPicture(picture: Picture, x: number, y: number): string {
  return embedded(picture, x, y) + frame(x, y, picture);
}

/** A picture at its own size. */
export function embedded(picture: Picture, x: number, y: number): string {
  const uri = `data:image/png;base64,${Buffer.from(encodePicture(picture)).toString("base64")}`;
  return `<image x="${x}" y="${y}" width="${picture.width}" height="${picture.height}" href="${uri}"/>`;
}

/** A thin line around a rectangle. */
export function frame(
  x: number,
  y: number,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  return `<rect x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" height="${height + 1}" fill="none" stroke="${ink.frame}"/>`;
}

/** A page with a light ground, so that figures read the same on light and dark screens. */
export function page(
  { width, height }: { readonly width: number; readonly height: number },
  parts: readonly string[],
): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" font-family="${fontFamily}, system-ui, sans-serif">` +
    `<rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}</svg>`
  );
}
