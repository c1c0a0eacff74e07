import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** A file of `test/pictures/pictures.bin.gz`, see `make_pictures.py` there. */
export interface PictureCase {
  /** The row of the table. */
  readonly kind: string;
  readonly name: string;
  readonly bytes: Buffer;
  /** What an image reader has to give, upright, [H, W] or [H, W, 3]; undefined where it has to refuse. */
  readonly image: Samples | undefined;
  /** The integers that it stores, [H, W]; undefined where it holds none that are labels. */
  readonly mask: Samples | undefined;
  /** Whether decoders may differ by rounding. */
  readonly isLossy: boolean;
}

/** Samples as another program decodes them, or as they were before they were written. */
export interface Samples {
  readonly dtype: keyof typeof arrays;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

const arrays = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
};

type Place = readonly [start: number, length: number];

interface IndexEntry {
  readonly kind: string;
  readonly name: string;
  readonly at: Place;
  readonly image?: {
    readonly dtype: Samples["dtype"];
    readonly dims: number[];
    readonly at: Place;
  };
  readonly mask?: IndexEntry["image"];
  readonly lossy?: true;
}

/** All files of the pack. */
export function pictureCases(): PictureCase[] {
  const packed = readFileSync(new URL("../pictures/pictures.bin.gz", import.meta.url));
  const whole = gunzipSync(packed);
  const end = 4 + whole.readUInt32LE(0);
  const { files } = JSON.parse(whole.toString("utf8", 4, end)) as { files: IndexEntry[] };
  const part = ([start, length]: Place) => whole.subarray(end + start, end + start + length);
  const samples = (entry: IndexEntry["image"]): Samples | undefined => {
    if (entry === undefined) return undefined;
    const { dtype, dims, at } = entry;
    const bytes = Uint8Array.from(part(at));
    return { dtype, dims, data: new arrays[dtype](bytes.buffer) };
  };
  return files.map(({ kind, name, at, image, mask, lossy }) => ({
    kind,
    name,
    bytes: Buffer.from(part(at)),
    image: samples(image),
    mask: samples(mask),
    isLossy: lossy ?? false,
  }));
}

/** How a reading of a file compares with what is right. */
export type Outcome = "equal" | "refused" | "different";

/** What a reader gave: an image of [0, 1], or the code of its error. */
export type Reading =
  | { readonly data: ArrayLike<number>; readonly dims: readonly number[]; readonly levels?: number }
  | { readonly code: string };

/** Compares an image, exactly or, where decoding rounds, within 1 level in 99.9 % of samples and 3 in all. */
export function outcomeOfImage({ image, isLossy }: PictureCase, reading: Reading): Outcome {
  if ("code" in reading) return reading.code.startsWith("ERR_") ? "refused" : "different";
  if (image === undefined) return "different";
  const [height, width, channels = 1] = image.dims as [number, number, number?];
  const max = { uint8: 255, uint16: 65_535, float32: 1, uint32: NaN, int32: NaN }[image.dtype];
  const levels = image.dtype === "float32" ? Infinity : max + 1;
  const [, c, h, w] = reading.dims;
  if (c !== channels || h !== height || w !== width || reading.levels !== levels)
    return "different";
  const pixels = height * width;
  let [off, far] = [0, 0];
  for (let k = 0; k < channels * pixels; k++) {
    const expected = image.data[(k % pixels) * channels + Math.floor(k / pixels)] as number;
    const found = reading.data[k] as number;
    if (!isLossy && found !== Math.fround(expected / max)) return "different";
    const distance = Math.round(Math.abs(found * max - expected));
    if (distance > 1) off += 1;
    if (distance > 3) far += 1;
  }
  return far === 0 && off <= 0.001 * channels * pixels ? "equal" : "different";
}

/** Compares labels, exactly. */
export function outcomeOfMask({ mask }: PictureCase, reading: Reading): Outcome {
  if ("code" in reading) return reading.code.startsWith("ERR_") ? "refused" : "different";
  if (mask === undefined) return "different";
  const sameSize = reading.dims.join() === mask.dims.join();
  const count = mask.dims.reduce((n, d) => n * d, 1);
  for (let i = 0; i < count && sameSize; i++) {
    if (reading.data[i] !== mask.data[i]) return "different";
  }
  return sameSize ? "equal" : "different";
}

/** Counts of outcomes per kind: `"jpeg 4:2:0": "equal 12"`. */
export class OutcomeTable {
  readonly #rows = new Map<string, Record<Outcome, string[]>>();

  add(kind: string, outcome: Outcome, name: string): void {
    const row = this.#rows.get(kind) ?? { equal: [], refused: [], different: [] };
    row[outcome].push(name);
    this.#rows.set(kind, row);
  }

  /** How many files of each kind had which outcome. */
  counts(): Record<string, Record<Outcome, number>> {
    return Object.fromEntries(
      [...this.#rows].map(([kind, row]) => [
        kind,
        {
          equal: row.equal.length,
          refused: row.refused.length,
          different: row.different.length,
        },
      ]),
    );
  }

  /** How many were refused of each kind that holds what could be read. */
  refusals(isReadable: (name: string) => boolean): Record<string, number> {
    const counts = [...this.#rows].map(
      ([kind, { refused }]) => [kind, refused.filter(isReadable).length] as const,
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  names(outcome: Outcome): string[] {
    return [...this.#rows.values()].flatMap((row) => row[outcome]);
  }
}
