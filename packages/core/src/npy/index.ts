/**
 * Images and label maps as `.npy` arrays; an entry of its own, since many applications need none.
 *
 * @module
 */
export { encodeNpy } from "./encode-npy.ts";
export { imageFromNpy, type NpyImage, type NpyImageOptions } from "./image-from-npy.ts";
export { parseNpy, type NpyArray, type NpyData } from "./parse-npy.ts";
