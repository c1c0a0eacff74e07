/** The first directory of a TIFF. */
export interface TiffDirectory {
  /** Whether numbers in the file are little-endian. */
  readonly little: boolean;
  /** Whole numbers of the tags that say how pixels are stored, by the tag's number. */
  readonly tags: ReadonlyMap<number, ArrayLike<number>>;
  /** Pages of full size. */
  readonly pages: number;
}

/** Tags that say how the pixels of a page are stored. */
const pixelTags = new Set([
  254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325,
  338, 339, 347,
]);

/** Bytes of one value of the types that hold whole numbers. */
const typeSizes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8 };

const imageDescription = 270;
const mostPages = 1000;

/** Whether bytes start as a TIFF or a BigTIFF does. */
export function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/** Reads numbers of a TIFF or a BigTIFF, whose offsets and counts have 4 or 8 bytes. */
class TiffReader {
  readonly little: boolean;
  readonly big: boolean;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.little = bytes[0] === 0x49;
    this.big = bytes[this.little ? 2 : 3] === 43;
  }

  u16(at: number): number {
    return this.#view.getUint16(at, this.little);
  }

  u64(at: number): number {
    const [low, high] = this.little ? [at, at + 4] : [at + 4, at];
    const u32 = (place: number): number => this.#view.getUint32(place, this.little);
    const value = u32(high) * 2 ** 32 + u32(low);
    return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
  }

  /** A whole number of 1, 2, 4 or 8 bytes. */
  number(at: number, size: number): number {
    if (size === 8) return this.u64(at);
    if (size === 4) return this.#view.getUint32(at, this.little);
    return size === 2 ? this.u16(at) : this.#view.getUint8(at);
  }

  offset(at: number): number {
    return this.number(at, this.big ? 8 : 4);
  }
}

/**
 * Reads the first directory of a TIFF or BigTIFF and counts its pages.
 *
 * @throws RangeError when it ends outside the file or says a thing twice
 */
export function readTiffDirectory(bytes: Uint8Array): TiffDirectory {
  const reader = new TiffReader(bytes);
  if (reader.big && (reader.u16(4) !== 8 || reader.u16(6) !== 0)) {
    throw new RangeError("its offsets have another size than 8 bytes");
  }
  const first = reader.offset(reader.big ? 8 : 4);
  const tags = new Map<number, ArrayLike<number>>();
  let stack = 1;
  for (const entry of entriesOf(reader, first)) {
    if (entry.tag === imageDescription) stack = imagesOfImageJ(reader, entry);
    if (!pixelTags.has(entry.tag)) continue;
    if (tags.has(entry.tag)) throw new RangeError(`it holds tag ${entry.tag} twice`);
    tags.set(entry.tag, valuesOf(reader, entry));
  }
  return { little: reader.little, tags, pages: Math.max(stack, countPages(reader, first)) };
}

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where its values are, or where their place is said. */
  readonly at: number;
}

function* entriesOf(reader: TiffReader, start: number): Generator<Entry, number> {
  const { big } = reader;
  const count = big ? reader.u64(start) : reader.u16(start);
  const size = big ? 20 : 12;
  const from = start + (big ? 8 : 2);
  if (from + size * count + (big ? 8 : 4) > reader.bytes.length) {
    throw new RangeError("its directory is cut off");
  }
  for (let i = 0, at = from; i < count; i++, at += size) {
    const [tag, type] = [reader.u16(at), reader.u16(at + 2)];
    yield { tag, type, count: reader.offset(at + 4), at: at + (big ? 12 : 8) };
  }
  return reader.offset(from + size * count);
}

/** Where `count` bytes of an entry start. */
function placeOf(reader: TiffReader, { tag, at }: Entry, length: number): number {
  const start = length <= (reader.big ? 8 : 4) ? at : reader.offset(at);
  if (start + length > reader.bytes.length) throw new RangeError(`its tag ${tag} is cut off`);
  return start;
}

function valuesOf(reader: TiffReader, entry: Entry): ArrayLike<number> {
  const size = typeSizes[entry.type];
  if (size === undefined) throw new RangeError(`its tag ${entry.tag} is no whole number`);
  const start = placeOf(reader, entry, size * entry.count);
  if (size === 1) return reader.bytes.subarray(start, start + entry.count);
  const values = new Float64Array(entry.count);
  for (let k = 0; k < values.length; k++) values[k] = reader.number(start + size * k, size);
  return values;
}

/** ImageJ stores large stacks behind one directory, and says so in its description. */
function imagesOfImageJ(reader: TiffReader, entry: Entry): number {
  const length = Math.min(entry.count, 4096);
  const start = placeOf(reader, entry, length);
  const text = String.fromCharCode(...reader.bytes.subarray(start, start + length));
  const [, count = "1"] = (text.startsWith("ImageJ=") && /\nimages=(\d+)/.exec(text)) || [];
  return Number(count);
}

/** Pages that are no reduced copy or mask of another. */
function countPages(reader: TiffReader, first: number): number {
  const seen = new Set<number>();
  let pages = 0;
  for (let start = first; start !== 0 && seen.size < mostPages;) {
    if (seen.has(start)) throw new RangeError("its pages run in a circle");
    seen.add(start);
    let kind = 0;
    const entries = entriesOf(reader, start);
    let step = entries.next();
    while (!step.done) {
      if (step.value.tag === 254) kind = valuesOf(reader, step.value)[0] ?? 0;
      step = entries.next();
    }
    if ((kind & 5) === 0 || start === first) pages += 1;
    start = step.value;
  }
  return pages;
}
