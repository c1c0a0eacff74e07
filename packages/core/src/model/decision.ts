/** One thing that was decided about a model, why, and the flag that decides otherwise. */
export interface Decision {
  readonly what: string;
  readonly is: string;
  readonly because: string;
  readonly override: string;
}
