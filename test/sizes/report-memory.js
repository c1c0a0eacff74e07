// Preloaded into a process: its peak resident memory in bytes, as the last line on stderr.
import { existsSync, readFileSync, writeSync } from "node:fs";

process.on("exit", () => {
  // The usage that a process is told begins with that of the one that started it.
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const own = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  writeSync(2, `\npeak ${1024 * Number(own ?? process.resourceUsage().maxRSS)}\n`);
});
