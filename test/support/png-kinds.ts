import { constants, crc32, deflateRawSync, deflateSync } from "node:zlib";

const colourTypes = { grey: 0, rgb: 2, palette: 3, "grey-alpha": 4, "rgb-alpha": 6 } as const;
/** Samples per pixel. */
export const channelsOf = { grey: 1, rgb: 3, palette: 1, "grey-alpha": 2, "rgb-alpha": 4 } as const;
/** Adam7: first column, first row, column step, row step. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A chunk with its length and checksum. */
function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

/** A PNG to be made. */
export interface PngKind {
  readonly height: number;
  readonly width: number;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  readonly colour: keyof typeof colourTypes;
  readonly interlaced?: boolean;
  readonly sample: (y: number, x: number, c: number) => number;
  /** RGB triples. @default entries of one colour, as many as the depth can tell apart */
  readonly palette?: Uint8Array;
  /** The tRNS chunk. */
  readonly transparency?: Uint8Array;
  /** What is compressed instead of the samples. */
  readonly raw?: Uint8Array;
  /** What is written instead of the compressed samples. */
  readonly compressed?: Uint8Array;
}

/** Every colour type in every depth that it may have. */
export const pngKinds = [
  ...([1, 2, 4, 8, 16] as const).map((depth) => ["grey", depth] as const),
  ...([1, 2, 4, 8] as const).map((depth) => ["palette", depth] as const),
  ...(["rgb", "grey-alpha", "rgb-alpha"] as const).flatMap((colour) =>
    ([8, 16] as const).map((depth) => [colour, depth] as const),
  ),
];

/** An encoder independent of the packages under test: filters 0 to 4 in turn, bits written one by one. */
export function buildPng(png: PngKind): Buffer {
  const { height, width, depth, colour, interlaced = false, sample } = png;
  const channels = channelsOf[colour];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourTypes[colour], 0, 0, interlaced ? 1 : 0], 8);
  const rows: Buffer[] = [];
  for (const [x0, y0, dx, dy] of interlaced ? passes : ([[0, 0, 1, 1]] as const)) {
    let above: Buffer | undefined;
    for (let y = y0, filter = 0; y < height && x0 < width; y += dy, filter = (filter + 1) % 5) {
      let bits = "";
      for (let x = x0; x < width; x += dx) {
        for (let c = 0; c < channels; c++) bits += sample(y, x, c).toString(2).padStart(depth, "0");
      }
      const line = Buffer.from(
        bits.match(/.{1,8}/g)?.map((b) => parseInt(b.padEnd(8, "0"), 2)) ?? [],
      );
      const step = Math.max(1, (channels * depth) / 8);
      const filtered = line.map((v, i) => {
        const a = line[i - step] ?? 0;
        const b = above?.[i] ?? 0;
        const c = i >= step ? (above?.[i - step] ?? 0) : 0;
        const p = a + b - c;
        const paeth = [a, b, c].reduce((best, q) =>
          Math.abs(p - q) < Math.abs(p - best) ? q : best,
        );
        return v - [0, a, b, (a + b) >> 1, paeth][filter]!;
      });
      rows.push(Buffer.from([filter]), Buffer.from(filtered));
      above = line;
    }
  }
  const data = png.compressed ?? deflateSync(png.raw ?? Buffer.concat(rows));
  const palette = png.palette ?? Buffer.alloc(3 * 2 ** depth, 7);
  const half = data.length >> 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(colour === "palette" ? [chunk("PLTE", palette)] : []),
    ...(png.transparency ? [chunk("tRNS", png.transparency)] : []),
    chunk("IDAT", data.subarray(0, half)),
    chunk("IDAT", data.subarray(half)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** PNGs of every colour type and depth, with and without Adam7, transparency, and equal channels. */
export function* everyPngKind(): Generator<PngKind> {
  const size = { height: 5, width: 7 };
  for (const [colour, depth] of pngKinds) {
    const max = 2 ** depth - 1;
    const colours = colour === "palette" ? 1 : channelsOf[colour] - ((channelsOf[colour] + 1) % 2);
    const sampleOf =
      (opacity: number, step: number) =>
      (y: number, x: number, c: number): number =>
        c === colours ? opacity : (y * 7919 + x * 40_503 + c * step) % (max + 1);
    const palette = Uint8Array.from({ length: 3 * (max + 1) }, (_, k) => (k * 53) % 256);
    const kind = { ...size, colour, depth, palette, sample: sampleOf(max, 977) };
    yield kind;
    yield { ...kind, interlaced: true };
    yield { ...kind, sample: sampleOf(max, 0) };
    yield { ...kind, sample: sampleOf(max - 1, 977) };
    if (colour === "palette") {
      yield { ...kind, palette: palette.map((_, k) => (k - (k % 3)) % 256) };
      yield { ...kind, transparency: Uint8Array.of(255, 254) };
      yield { ...kind, transparency: Uint8Array.of(255) };
    } else {
      // The first pixel's colour, and one that no pixel has where that is possible.
      yield {
        ...kind,
        transparency: Uint8Array.of(0, 0, 977 >> 8, 977 & 255, 1954 >> 8, 1954 & 255),
      };
      yield { ...kind, transparency: Uint8Array.of(255, 255, 0, 0, 0, 0) };
    }
  }
}

/** A zlib stream of a kilobyte for each mebibyte of zeros that it inflates to. */
export function zlibBomb(mebibytes: number): Buffer {
  const flush = { finishFlush: constants.Z_FULL_FLUSH };
  // Blocks behind a full flush do not depend on those before.
  const block = deflateRawSync(Buffer.alloc(2 ** 20), flush);
  return Buffer.concat([
    Buffer.from([0x78, 0x9c]),
    ...Array.from({ length: mebibytes }, () => block),
    deflateRawSync(Buffer.alloc(0)),
  ]);
}
