import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize, posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";

/** Where files are seen that are no pages of the site. */
export const repository = "https://github.com/onnx-asma/onnx-asma";

/**
 * Lets links to files of the repository that are no page lead to where it is published. What is neither a page nor
 * a file is left, so that the build fails for it.
 *
 * @param root the repository
 * @param isPage whether a Markdown file is a page
 */
export function repositoryLinks(root: string, isPage: (path: string) => boolean) {
  return (md: MarkdownRenderer): void => {
    md.core.ruler.push("repository-links", ({ tokens, env }) => {
      const page = (env as { readonly relativePath: string }).relativePath;
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        const [path = "", hash = ""] = (token.attrGet("href") ?? "").split("#");
        if (token.type !== "link_open" || path === "" || /^([a-z]+:|\/)/.test(path)) {
          continue;
        }
        const file = normalize(join(dirname(page), decodeURI(path)));
        if (!(file.endsWith(".md") && isPage(file)) && existsSync(join(root, file))) {
          const kind = statSync(join(root, file)).isDirectory() ? "tree" : "blob";
          const address = posix.join(kind, "main", file) + (hash && `#${hash}`);
          token.attrSet("href", `${repository}/${address}`);
        }
      }
    });
  };
}
