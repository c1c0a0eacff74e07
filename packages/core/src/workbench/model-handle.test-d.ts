import { expectTypeOf } from "vitest";
import type { AttackName, AttackOptionsByName } from "../attacks/index.ts";
import type { ImageTensor, LabelMap } from "../image.ts";
import type { AttackResult, AttackStep } from "../run/attack-result.ts";
import type { AttackRun } from "../run/attack-run.ts";
import type { AttackChoice } from "./attack-choice.ts";
import type { ModelHandle, Verification } from "./model-handle.ts";

declare const handle: ModelHandle<string, Uint8Array>;
declare const image: ImageTensor;
declare const target: LabelMap;

// The registry: names and options follow from the definitions.
expectTypeOf<"asma" | "pgd" | "mi-fgsm">().toExtend<AttackName>();
expectTypeOf<AttackOptionsByName["pgd"]["norm"]>().toEqualTypeOf<"linf" | "l2" | undefined>();
expectTypeOf<AttackOptionsByName["asma"]["lossClasses"]>().toEqualTypeOf<number[] | undefined>();

// A choice is that of one attack: its options and those of every run.
expectTypeOf<{ attack: "pgd"; epsilon: 0.1; iterations: 3 }>().toExtend<AttackChoice>();
expectTypeOf<{ beta: 1; tau: 2; levels: "float" }>().toExtend<AttackChoice>();
void handle.attack(image, target, { attack: "mi-fgsm", mu: 0.9, region: new Float32Array(4) });
// @ts-expect-error there is no such attack
void handle.attack(image, target, { attack: "magic" });
// @ts-expect-error an option of another attack
void handle.attack(image, target, { attack: "pgd", beta: 1 });
// @ts-expect-error the default attack has no budget
void handle.attack(image, target, { epsilon: 1 });
// @ts-expect-error no such norm
void handle.attack(image, target, { attack: "pgd", norm: "l7" });

// What comes back is the same for every attack and host.
expectTypeOf(handle.attack).returns.resolves.toEqualTypeOf<AttackRun<AttackStep, AttackResult>>();
expectTypeOf(handle.predict).returns.resolves.toEqualTypeOf<LabelMap>();
expectTypeOf(handle.verify).returns.resolves.toEqualTypeOf<Verification>();
expectTypeOf<AttackStep["image"]>().returns.resolves.toEqualTypeOf<ImageTensor>();
expectTypeOf<AttackStep["prediction"]>().returns.resolves.toEqualTypeOf<LabelMap>();
