import { checkImageSize } from "../image-size.ts";
import type { TiffDirectory } from "./tiff-directory.ts";

/** The pixels of a TIFF's first page as its directory describes them, each number checked by itself. */
export interface TiffLayout {
  readonly height: number;
  readonly width: number;
  readonly little: boolean;
  /** Samples per pixel. */
  readonly samples: number;
  /** Bits of every sample. */
  readonly bits: number;
  readonly format: "unsigned" | "signed" | "float";
  readonly compression: number;
  /** 1 none, 2 horizontal differences, 3 those of floating point. */
  readonly predictor: number;
  readonly photometric: number;
  /** What the samples beyond the colours are: 1 and 2 are alpha. */
  readonly extra: ArrayLike<number>;
  /** Whether each sample has strips or tiles of its own. */
  readonly isPlanar: boolean;
  /** Whether the first pixel of a byte is in its lowest bit. */
  readonly isReversed: boolean;
  /** The EXIF value, 1 to 8. */
  readonly orientation: number;
  readonly isTiled: boolean;
  /** Size of a strip or tile in pixels; the last strip may be lower. */
  readonly blockHeight: number;
  readonly blockWidth: number;
  /** Where strips or tiles are in the file, and how long. */
  readonly offsets: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
  /** Red, then green, then blue, 0 to 65535. */
  readonly palette?: ArrayLike<number> | undefined;
  readonly jpegTables?: Uint8Array | undefined;
}

const formats = { 1: "unsigned", 2: "signed", 3: "float", 4: "unsigned" } as const;

/**
 * Reads how the pixels of a TIFF lie, and checks that they are there and of bounded size.
 *
 * @param name the file in messages
 * @param length of the file in bytes
 * @throws RangeError for what is damaged, AsmaError ERR_IMAGE_TOO_LARGE, ERR_IMAGE_UNREADABLE for an empty one
 */
export function readTiffLayout(
  { tags, little }: TiffDirectory,
  name: string,
  length: number,
  maxPixels?: number,
): TiffLayout {
  const one = (tag: number, otherwise?: number): number => {
    const value = tags.get(tag)?.[0] ?? otherwise;
    if (value === undefined) throw new RangeError(`it lacks tag ${tag}`);
    return value;
  };
  const same = (tag: number, otherwise: number): number => {
    const values = Array.from(tags.get(tag) ?? [otherwise]);
    if (values.some((value) => value !== values[0])) {
      throw new RangeError(`its samples differ: ${values.slice(0, 8).join(", ")} in tag ${tag}`);
    }
    return values[0] ?? otherwise;
  };
  const [height, width] = [one(257), one(256)];
  checkImageSize(name, [height, width], maxPixels);
  const samples = one(277, 1);
  if (samples < 1 || samples > 64) throw new RangeError(`it has ${samples} samples per pixel`);
  const bits = same(258, 1);
  if (bits < 1 || bits > 64) throw new RangeError(`it has ${bits} bits per sample`);
  const format = formats[same(339, 1) as keyof typeof formats];
  if (format === undefined) throw new RangeError("its samples are no real numbers");
  const planar = one(284, 1);
  if (planar !== 1 && planar !== 2) throw new RangeError("its planes lie in no known order");
  const isTiled = tags.has(322) || tags.has(324);
  const blockHeight = isTiled ? one(323) : Math.min(height, one(278, height));
  const blockWidth = isTiled ? one(322) : width;
  const layout = {
    height,
    width,
    little,
    samples,
    bits,
    format,
    compression: one(259, 1),
    predictor: one(317, 1),
    photometric: one(262),
    extra: tags.get(338) ?? [],
    isPlanar: planar === 2 && samples > 1,
    isReversed: one(266, 1) === 2,
    orientation: one(274, 1),
    isTiled,
    blockHeight,
    blockWidth,
    palette: tags.get(320),
    jpegTables: tags.get(347) as Uint8Array | undefined,
  };
  const offsets = tags.get(isTiled ? 324 : 273) ?? [];
  const counts = tags.get(isTiled ? 325 : 279);
  return { ...layout, offsets, counts: checkedCounts(layout, offsets, counts, length) };
}

/** Strips or tiles, in rows of how many. */
export function blockGrid(
  layout: Pick<
    TiffLayout,
    "height" | "width" | "blockHeight" | "blockWidth" | "isPlanar" | "samples"
  >,
): { readonly across: number; readonly down: number; readonly planes: number } {
  return {
    across: Math.ceil(layout.width / layout.blockWidth),
    down: Math.ceil(layout.height / layout.blockHeight),
    planes: layout.isPlanar ? layout.samples : 1,
  };
}

/** Bytes of a row of a strip or tile, unpacked. */
export function blockRowBytes({
  blockWidth,
  isPlanar,
  samples,
  bits,
}: Pick<TiffLayout, "blockWidth" | "isPlanar" | "samples" | "bits">): number {
  return Math.ceil((blockWidth * (isPlanar ? 1 : samples) * bits) / 8);
}

type Unplaced = Omit<TiffLayout, "offsets" | "counts">;

function checkedCounts(
  layout: Unplaced,
  offsets: ArrayLike<number>,
  counts: ArrayLike<number> | undefined,
  length: number,
): ArrayLike<number> {
  const { height, width, blockHeight, blockWidth, isTiled, compression } = layout;
  if (!(blockHeight >= 1 && blockWidth >= 1)) throw new RangeError("its tiles are empty");
  const { across, down, planes } = blockGrid(layout);
  const padded = across * blockWidth * down * blockHeight;
  if ((isTiled && blockWidth * blockHeight > 2 ** 26) || padded > 4 * height * width + 2 ** 24) {
    throw new RangeError("its tiles are too large");
  }
  const blocks = across * down * planes;
  const kind = isTiled ? "tiles" : "strips";
  if (offsets.length < blocks) {
    throw new RangeError(`${blocks - offsets.length} of its ${blocks} ${kind} are missing`);
  }
  const rowBytes = blockRowBytes(layout);
  const rowsOf = (block: number): number =>
    isTiled ? blockHeight : Math.min(blockHeight, height - (block % down) * blockHeight);
  if (counts === undefined && compression !== 1)
    throw new RangeError(`its ${kind} have no lengths`);
  const checked = new Float64Array(blocks);
  let total = 0;
  for (let block = 0; block < blocks; block++) {
    const needed = rowsOf(block) * rowBytes;
    const count = counts?.[block] ?? needed;
    const end = (offsets[block] as number) + count;
    if (count < 1 || !(end <= length)) throw new RangeError(`some of its ${kind} are cut off`);
    if (compression === 1 && count < needed) throw new RangeError(`some of its ${kind} are short`);
    checked[block] = count;
    total += count;
  }
  // Strips may be shared, but not so often that unpacking them takes forever.
  if (total > 8 * length) throw new RangeError(`its ${kind} lie upon each other`);
  return checked;
}
