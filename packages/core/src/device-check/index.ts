/**
 * Comparing what a device computes with the processor; an entry of its own, for hosts that have devices.
 *
 * @module
 */
export { comparedWith } from "./device-check.ts";
