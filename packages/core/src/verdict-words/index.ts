/**
 * The verdict on an attack in words, the same for every host; an entry of its own.
 *
 * @module
 */
export { percent } from "./percent.ts";
export {
  iouName,
  iouWords,
  verdictWords,
  type ClassOutcome,
  type Outcome,
  type VerdictWords,
} from "./verdict-words.ts";
