import type { Feed } from "@onnx-asma/autodiff";
import type { LabelMap } from "../image.ts";
import type { ModelDescription } from "../model/model-description.ts";
import type { FileImage } from "../picture/file-image.ts";
import type { AttackResult } from "../run/attack-result.ts";
import type { ImageLike, Verification, VerifyOptions } from "../workbench/model-handle.ts";
import type { FileRecord } from "./file-record.ts";
import type { AttackSources, HostRecord } from "./result-record.ts";

/** What an attack came to, and everything that says how. */
export interface RecordedAttack {
  readonly description: ModelDescription;
  /** Without a file of the image, the pixels as they are saved stand for it. */
  readonly sources: Omit<AttackSources, "image"> & { readonly image: FileRecord | undefined };
  readonly host: HostRecord;
  readonly image: FileImage;
  /** Of the output grid's size or the image's. */
  readonly target: LabelMap;
  /** What the untouched model draws on the untouched image. */
  readonly predictionBefore: LabelMap;
  readonly result: Omit<AttackResult, "last">;
  /** Where the image may change, as the attack was given it. */
  readonly region?: Float32Array | undefined;
  /** What the model's other inputs were given. */
  readonly feeds?: Readonly<Record<string, Feed>> | undefined;
  /** What ended the run, where it failed. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
  /** Remarks on the attack. @default those of the result */
  readonly notices?: readonly string[] | undefined;
  /** How the target was asked for. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

/** Judges an image, or the bytes of its file, by the untouched model. */
export type Verify = (
  file: ImageLike | Uint8Array,
  target: LabelMap,
  options: VerifyOptions,
) => Promise<Verification>;
