import { crc32, deflateSync, inflateSync } from "node:zlib";

/** Samples of an 8-bit PNG, row by row, channels interleaved. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

const colourTypes: Readonly<Record<number, number>> = { 1: 0, 3: 2, 4: 6 };

/** An 8-bit PNG, written without the packages under test. */
export function encodePng({ width, height, channels, data }: Pixels): Buffer {
  const row = width * channels;
  const raw = Buffer.alloc(height * (row + 1));
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < row; i++) {
      raw[y * (row + 1) + 1 + i] = data[y * row + i] as number;
    }
  }
  return assemble(pngHeader(width, height, colourTypes[channels] as number), deflateSync(raw));
}

/** A PNG of a few bytes whose header claims any size. */
export function claimingPng(width: number, height: number): Buffer {
  return assemble(pngHeader(width, height, 2), deflateSync(Buffer.alloc(16)));
}

/** Reads an 8-bit PNG (grey or RGB, rows without filter), without the packages under test. */
export function decodePng(bytes: Buffer): Pixels {
  let header: Buffer | undefined;
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const chunk = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IHDR") {
      header = chunk;
    } else if (type === "IDAT") {
      parts.push(chunk);
    }
  }
  const [width, height] = [header?.readUInt32BE(0) ?? 0, header?.readUInt32BE(4) ?? 0];
  const channels = header?.[9] === 0 ? 1 : 3;
  const raw = inflateSync(Buffer.concat(parts));
  const row = width * channels;
  const data = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    if (header?.[8] !== 8 || raw[y * (row + 1)] !== 0) {
      throw new Error("Expected 8 bits and rows without filter.");
    }
    data.set(raw.subarray(y * (row + 1) + 1, (y + 1) * (row + 1)), y * row);
  }
  return { width, height, channels, data };
}

function pngHeader(width: number, height: number, colourType: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType], 8);
  return header;
}

function assemble(header: Buffer, pixels: Buffer): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
