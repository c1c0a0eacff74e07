import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium as playwright, type Browser } from "playwright-core";

/** Flags for a browser that talks to nobody but the test's own server. */
const flags = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Measuring memory collects garbage at once, not within half a minute.
  "--enable-blink-features=ForceEagerMeasureMemory",
];

/** WebGPU computed by software. */
const softwareGpu = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--ignore-gpu-blocklist",
];

/** Path of a Chromium: `CHROMIUM`, the system's, or playwright's; installed when there is none. */
export function findChromium(): string | undefined {
  const known = () =>
    [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/google-chrome", ownPath()].find(
      (path) => path !== undefined && existsSync(path),
    );
  const found = known();
  if (found !== undefined) {
    return found;
  }
  const isRoot = process.getuid?.() === 0;
  const commands = [
    ...(isRoot ? ["apt-get update -qq && apt-get install -y -qq chromium"] : []),
    "npx --yes playwright-core install chromium",
  ];
  for (const command of commands) {
    try {
      process.stderr.write(`No Chromium found: ${command}\n`);
      execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
    } catch {
      continue;
    }
    const installed = known();
    if (installed !== undefined) {
      return installed;
    }
  }
  return undefined;
}

function ownPath(): string | undefined {
  try {
    return playwright.executablePath();
  } catch {
    return undefined;
  }
}

/** Starts the Chromium that the set-up found. */
export async function launch(path: string, options: { gpu?: boolean } = {}): Promise<Browser> {
  return await playwright.launch({
    executablePath: path,
    args: [...flags, ...(options.gpu ? softwareGpu : [])],
  });
}
