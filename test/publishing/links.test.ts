import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;

const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path.endsWith(".md") && existsSync(join(root, path)));

/** As GitHub and the site make them of headings. */
function anchorsOf(text: string): string[] {
  return [
    ...Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = ""]) => id),
    ...Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  ];
}

describe("links between documents", () => {
  it.each(documents)("%s", (path) => {
    const text = readFileSync(join(root, path), "utf8").replaceAll(/^```[^]*?^```$/gm, "");
    const dead = [...text.matchAll(/\]\(([^)\s]+)\)|^<<< @\/(\S+?)(?:\{|$)/gm)]
      .map(([, link = "", included]) => (included === undefined ? link : `/${included}`))
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file.startsWith("/")
          ? join(root, file)
          : file === ""
            ? join(root, path)
            : join(root, dirname(path), file);
        return !(
          existsSync(target) &&
          (anchor === undefined || anchorsOf(readFileSync(target, "utf8")).includes(anchor))
        );
      });
    expect(dead).toEqual([]);
  });
});
