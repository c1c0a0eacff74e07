import { compressions } from "./check-tiff.ts";
import type { TiffLayout } from "./tiff-layout.ts";

const formatNumbers = { unsigned: 1, signed: 2, float: 3 } as const;

/**
 * A little-endian TIFF of nothing but a layout and its unpacked strips or tiles: every tag in it was checked, and
 * no others are there.
 */
export function plainTiff(layout: TiffLayout, blocks: readonly Uint8Array[]): ArrayBuffer {
  const { height, width, samples, bits, isTiled, blockHeight, blockWidth } = layout;
  const each = (value: number): number[] => Array.from({ length: samples }, () => value);
  const lengths = blocks.map((block) => block.length);
  const entries: [tag: number, values: readonly number[]][] = [
    [256, [width]],
    [257, [height]],
    [258, each(bits)],
    [259, [compressions.none]],
    [262, [samples >= 3 ? 2 : 1]],
    ...(isTiled ? [] : ([[273, lengths]] as [number, number[]][])),
    [277, [samples]],
    ...(isTiled
      ? []
      : ([
          [278, [blockHeight]],
          [279, lengths],
        ] as [number, number[]][])),
    [284, [layout.isPlanar ? 2 : 1]],
    [317, [layout.predictor]],
    ...(isTiled
      ? ([
          [322, [blockWidth]],
          [323, [blockHeight]],
          [324, lengths],
          [325, lengths],
        ] as [number, number[]][])
      : []),
    [339, each(formatNumbers[layout.format])],
  ];
  const isLong = ([, values]: (typeof entries)[number]): boolean => values.length > 1;
  const valuesStart = 8 + 2 + 12 * entries.length + 4;
  const blocksStart =
    valuesStart + entries.filter(isLong).reduce((sum, [, values]) => sum + 4 * values.length, 0);
  const buffer = new ArrayBuffer(lengths.reduce((sum, length) => sum + length, blocksStart));
  const view = new DataView(buffer);
  view.setUint32(0, 0x00_2a_49_49, true);
  view.setUint32(4, 8, true);
  view.setUint16(8, entries.length, true);
  let valueAt = valuesStart;
  let entryAt = 10;
  for (const entry of entries) {
    const [tag, values] = entry;
    view.setUint16(entryAt, tag, true);
    view.setUint16(entryAt + 2, 4, true);
    view.setUint32(entryAt + 4, values.length, true);
    let at = entryAt + 8;
    if (isLong(entry)) {
      view.setUint32(at, valueAt, true);
      at = valueAt;
      valueAt += 4 * values.length;
    }
    let start = blocksStart;
    values.forEach((value, k) => {
      view.setUint32(at + 4 * k, tag === 273 || tag === 324 ? start : value, true);
      start += value;
    });
    entryAt += 12;
  }
  const bytes = new Uint8Array(buffer);
  let start = blocksStart;
  for (const block of blocks) {
    bytes.set(block, start);
    start += block.length;
  }
  return buffer;
}
