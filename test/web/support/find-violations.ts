import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const script = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** A rule of accessibility that elements of a page break. */
export interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly string[];
}

/** What axe finds wrong with a page as it is now; also what does not fit its width. */
export async function findViolations(page: Page): Promise<Violation[]> {
  // Playwright's evaluation is not bound by the page's policy.
  return await page.evaluate(
    async (source) => {
      // oxlint-disable-next-line no-new-func -- axe has no module, and the page's policy is not asked.
      const run = new Function(`${source}; return axe.run();`) as () => Promise<{
        passes: unknown[];
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      }>;
      const { passes, violations } = await run();
      if (passes.length < 10) {
        throw new Error(`axe checked ${passes.length} rules only`);
      }
      const { scrollWidth, clientWidth } = document.documentElement;
      const wide =
        scrollWidth > clientWidth
          ? [{ id: "wider than the screen", impact: "serious", nodes: [`${scrollWidth} pixels`] }]
          : [];
      return [
        ...violations.map(({ id, impact, nodes }) => ({
          id,
          impact,
          nodes: nodes.map(({ html }) => html),
        })),
        ...wide,
      ];
    },
    await readFile(script, "utf8"),
  );
}
