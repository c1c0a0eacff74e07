/** A share as people write it; never rounded up to 100 %. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10000) / 100).toFixed(2)} %`;
}
