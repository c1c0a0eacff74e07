import type { OptionsInput } from "../attack/option-schema.ts";
import { registerAttack } from "../attacks/index.ts";
import { almaProx } from "./alma-prox.ts";
import { apgd } from "./apgd.ts";
import { asmaPlus } from "./asma-plus.ts";
import { cosPgd } from "./cos-pgd.ts";
import { dag } from "./dag.ts";
import { ddn } from "./ddn.ts";
import { fmn } from "./fmn.ts";
import { miFgsm } from "./mi-fgsm.ts";
import { padam } from "./padam.ts";
import { pdgd } from "./pdgd.ts";
import { pdpgd } from "./pdpgd.ts";
import { pgd } from "./pgd.ts";
import { segPgd } from "./seg-pgd.ts";

/**
 * The attacks beside those of the main entry, each in a file of its own: who does not register them does not
 * load them. Node, the browser and the command line do.
 */
const family = [
  asmaPlus,
  pgd,
  miFgsm,
  segPgd,
  cosPgd,
  apgd,
  padam,
  fmn,
  ddn,
  pdgd,
  pdpgd,
  dag,
  almaProx,
] as const;

type Family = (typeof family)[number];

/** Names of these attacks. */
export type AttackFamilyName = Family["name"];

type FamilyOptions = {
  readonly [Definition in Family as Definition["name"]]: OptionsInput<Definition["options"]>;
};

declare module "../attacks/index.ts" {
  interface AttackOptionsByName extends FamilyOptions {}
}

/** Adds the family to the list of attacks of this process or worker; a second call changes nothing. */
export function registerAttackFamily(): void {
  for (const definition of family) {
    registerAttack(definition as never);
  }
}
