import { expect, it } from "vitest";
import { feed, shape } from "./parsers.ts";

it("takes a repeated flag once for each name", () => {
  expect(feed("u=2", feed("t=1"))).toEqual({ t: 1, u: 2 });
  expect(() => feed("t=2", feed("t=1"))).toThrow("received 't' twice");
  expect(() => shape("x=1,2", shape("x=1,3"))).toThrow("received 'x' twice");
});
