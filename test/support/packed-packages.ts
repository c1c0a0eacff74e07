import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;

/** Folders of the packages that are published, in the order of their dependencies. */
export const packageFolders = ["autodiff", "core", "node", "web", "onnx-asma"] as const;

export type PackageFolder = (typeof packageFolders)[number];

/** Runs a command to its end; an error has what it said. */
export function run(
  command: string,
  args: readonly string[],
  cwd = root,
  env: NodeJS.ProcessEnv = process.env,
): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: "pipe" });
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause });
  }
}

/** Packs packages as they are published. */
export function packPackages(
  names: readonly PackageFolder[],
  folder: string,
): (name: PackageFolder) => string {
  for (const name of names) {
    const args = ["--yes", "pnpm@10", "pack", "--pack-destination", folder];
    run("npx", args, `${root}/packages/${name}`);
  }
  return (name) => join(folder, `onnx-asma-${name === "onnx-asma" ? "" : `${name}-`}0.1.0.tgz`);
}
