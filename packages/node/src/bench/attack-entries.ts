import type { AttackChoice } from "@onnx-asma/core";

/** An attack as it stands in the table. */
export interface AttackEntry {
  readonly name: string;
  /** Several where the best of them counts, case by case: rates chosen by hand. */
  readonly choices: readonly AttackChoice[];
  /** Whether what it does depends on how many passes there are: then each number of passes is a run. */
  readonly isScheduled: boolean;
}

/** The attacks of the table in one norm. */
export function attackEntries(norm: "l2" | "linf"): readonly AttackEntry[] {
  const scheduled = (name: string, choice: AttackChoice): AttackEntry => ({
    name,
    choices: [choice],
    isScheduled: true,
  });
  const asmaPlus: AttackEntry = {
    name: "asma+",
    choices: [{ attack: "asma+", norm }],
    isScheduled: false,
  };
  if (norm === "linf") {
    return [
      asmaPlus,
      scheduled("fmn", { attack: "fmn", norm }),
      scheduled("pdpgd", { attack: "pdpgd", norm }),
      scheduled("alma-prox", { attack: "alma-prox" }),
      scheduled("dag", { attack: "dag", norm }),
    ];
  }
  return [
    asmaPlus,
    {
      name: "asma, best of 4 rates",
      choices: [
        { attack: "asma" },
        ...[1e-4, 1e-3, 1e-2].map((beta) => ({ attack: "asma", beta, tau: beta / 10 }) as const),
      ],
      isScheduled: false,
    },
    scheduled("fmn", { attack: "fmn", norm }),
    scheduled("ddn, margins", { attack: "ddn", loss: "margin" }),
    scheduled("pdgd", { attack: "pdgd" }),
    scheduled("pdpgd", { attack: "pdpgd", norm }),
    scheduled("dag", { attack: "dag", norm }),
  ];
}
