import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type DefaultTheme } from "vitepress";
import { repository, repositoryLinks } from "./repository-links.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Pages of the API, which typedoc has just written. */
const api = JSON.parse(
  readFileSync(`${root}/docs/api/typedoc-sidebar.json`, "utf8"),
) as DefaultTheme.SidebarItem[];

/** Folders whose Markdown is for those who work on the project. */
const excluded = [
  "node_modules",
  "test",
  "models",
  "demo-output",
  ".venv",
  ".changeset",
  ".ci",
  "examples",
  "shared",
];

const isPage = (path: string): boolean =>
  !excluded.includes(path.split("/")[0] ?? "") && !path.includes("node_modules");

export default defineConfig({
  title: "onnx-asma",
  description: "Adversarial attacks on segmentation models in ONNX, in Node and in browsers",
  srcDir: root,
  srcExclude: [...excluded.map((folder) => `${folder}/**`), "**/node_modules/**"],
  rewrites: { "README.md": "index.md" },
  cleanUrls: false,
  lastUpdated: false,
  markdown: { config: repositoryLinks(root, isPage) },
  themeConfig: {
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: repository }],
    nav: [
      { text: "Guide", link: "/docs/guide/first-attack" },
      { text: "API", link: "/docs/api/" },
      { text: "Operators", link: "/OPERATORS" },
    ],
    sidebar: {
      "/docs/api/": [
        { text: "Guide", link: "/" },
        { text: "API", link: "/docs/api/", items: api },
      ],
      "/": [
        {
          text: "Guide",
          items: [
            { text: "Overview", link: "/" },
            { text: "From PyTorch to a result", link: "/docs/guide/first-attack" },
            { text: "A Node script", link: "/docs/guide/node-script" },
            { text: "A page built by Vite", link: "/docs/guide/vite-page" },
            { text: "In the browser", link: "/packages/web/README" },
            { text: "Gradients alone", link: "/packages/autodiff/README" },
          ],
        },
        {
          text: "Reference",
          items: [
            { text: "Inspect and predict", link: "/docs/inspect" },
            { text: "Attacks", link: "/docs/attacks" },
            { text: "Results", link: "/docs/results" },
            { text: "Errors", link: "/docs/errors" },
            { text: "Operators", link: "/OPERATORS" },
            { text: "Training graphs", link: "/docs/training-graphs" },
            { text: "Architecture", link: "/docs/architecture" },
            { text: "Contributing", link: "/CONTRIBUTING" },
            { text: "Changes", link: "/CHANGELOG" },
            { text: "Security", link: "/SECURITY" },
          ],
        },
        { text: "API", link: "/docs/api/" },
      ],
    },
  },
});
