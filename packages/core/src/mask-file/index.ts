/**
 * Target masks from files of any format, for every host; an entry of its own, since many applications need none.
 *
 * @module
 */
export type { ClassOptions } from "./class-table.ts";
export { decodeMask, type DecodeMaskOptions } from "./decode-mask.ts";
