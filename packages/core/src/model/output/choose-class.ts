import { AsmaError, refusal } from "../../errors.ts";
import type { Decision } from "../decision.ts";
import type { OutputKind } from "../model-options.ts";
import { option } from "../option.ts";

/** What is known about the channels of the scores. */
export interface ClassRequest {
  readonly channels: number;
  readonly told: OutputKind;
  /** What makes the classes exclude each other, if the graph does. */
  readonly excludes: string | undefined;
  /** What makes each channel stand for itself, if the graph does. */
  readonly independent: string | undefined;
  /** Index or name of the channel asked for. */
  readonly class: number | string | undefined;
  readonly names: readonly string[] | undefined;
}

/**
 * The one channel that is attacked; `undefined` when the classes exclude each other and the largest
 * wins.
 *
 * @throws AsmaError `ERR_CLASS` for a class that is not there, or of classes that exclude each other
 */
export function chooseClass(request: ClassRequest, decisions: Decision[]): number | undefined {
  const { channels, told, excludes, independent, names } = request;
  const asked = request.class;
  if (channels === 1 && asked === undefined) {
    return 0;
  }
  // Probabilities of classes that exclude each other are a softmax's.
  const isTold =
    told === "logit" || (told === "probability" && (excludes === undefined || asked !== undefined));
  const isIndependent =
    channels === 1 ||
    isTold ||
    (told === "auto" &&
      excludes === undefined &&
      (independent !== undefined || asked !== undefined));
  if (!isIndependent) {
    if (asked !== undefined) {
      throw new AsmaError(
        "ERR_CLASS",
        `The ${channels} classes exclude each other (${excludes ?? `as told by ${option("outputKind")}`}), so none is attacked for itself: leave out ${option("class")}, and draw the class in the target. If each channel stands for itself, say ${option("outputKind", "logit")} or ${option("outputKind", "probability")}.`,
      );
    }
    return undefined;
  }
  const index = typeof asked === "string" ? (names?.indexOf(asked) ?? -1) : (asked ?? 0);
  if (!(Number.isInteger(index) && index >= 0 && index < channels)) {
    throw refusal("ERR_CLASS", {
      expected: `a class from 0 to ${channels - 1}${names === undefined ? "" : ` (${names.join(", ")})`} for ${option("class")}`,
      found: `found ${asked}`,
      wayOut: `correct it, or name the classes with ${option("classes")}`,
      details: { class: asked, names },
    });
  }
  if (channels > 1) {
    decisions.push({
      what: "class",
      is: `${index}${names?.[index] === undefined ? "" : ` ${names[index]}`} of ${channels} independent ones, against what is not it`,
      because: `${isTold ? `as told by ${option("outputKind")}` : (independent ?? "a class was chosen")}; ${asked === undefined ? "the first, as none was chosen" : "as told"}`,
      options: ["class", "outputKind"],
      isUnsure: asked === undefined,
      wayOut: `${option("class")}, ${option("outputKind", "logits")}`,
    });
  }
  return index;
}
