/**
 * Training graphs that other tools made, in place of our own gradient rules; an entry of its own, since many
 * applications bring none.
 *
 * @module
 */
export { trainingGraphFrom } from "./training-graph-from.ts";
