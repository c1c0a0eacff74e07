// The platform globals that core uses, so that it needs neither DOM nor Node types.
declare const performance: { now(): number };
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
