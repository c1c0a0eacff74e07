/**
 * A share in [0, 1] as people write it, with two decimals. It is rounded down (or up, where little is the
 * goal), but for float32's noise: what misses a goal does not read as if it held it, and only all of it is
 * 100 %, only nothing 0 %.
 */
export function percent(share: number, round: "down" | "up" = "down"): string {
  const noise = 1e-3;
  const hundredths =
    round === "down"
      ? Math.min(Math.floor(share * 10_000 + noise), share < 1 ? 9_999 : 10_000)
      : Math.max(Math.ceil(share * 10_000 - noise), share > 0 ? 1 : 0);
  return `${(hundredths / 100).toFixed(2)} %`;
}
