import { expect, it } from "vitest";
import { LeasePool } from "./lease-pool.ts";

function poolOf() {
  const events: string[] = [];
  const pool = new LeasePool<string>(async (value) => {
    events.push(`free ${value}`);
  });
  const make = (value: string) => async () => {
    events.push(`make ${value}`);
    return value;
  };
  return { pool, make, events };
}

it("makes a value once for all who ask at the same time, and keeps the one leased last", async () => {
  const { pool, make, events } = poolOf();
  const [a, b] = await Promise.all([pool.lease("x", make("x")), pool.lease("x", make("x"))]);
  expect(events).toEqual(["make x"]);
  a.done();
  a.done();
  const other = await pool.lease("y", make("y"));
  expect(events).toEqual(["make x", "make y"]);
  other.done();
  b.done();
  await Promise.resolve();
  expect(events).toEqual(["make x", "make y", "free x"]);
  await pool.lease("y", make("again"));
  await pool.close();
  expect(events).toEqual(["make x", "make y", "free x", "free y"]);
});

it("forgets what failed", async () => {
  const { pool, make, events } = poolOf();
  const fail = () => Promise.reject(new Error("no"));
  const all = await Promise.allSettled([pool.lease("x", fail), pool.lease("x", fail)]);
  expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect((await pool.lease("x", make("x"))).value).toBe("x");
  await pool.close();
  expect(events).toEqual(["make x", "free x"]);
});

it("frees everything when it closes, also what is being made, and refuses from then on", async () => {
  const { pool, make, events } = poolOf();
  await pool.lease("x", make("x"));
  const slow = pool.lease("y", async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return "y";
  });
  const closing = pool.close();
  await expect(slow).rejects.toMatchObject({ code: "ERR_RELEASED" });
  await closing;
  expect(events.toSorted()).toEqual(["free x", "free y", "make x"]);
  await expect(pool.lease("z", make("z"))).rejects.toMatchObject({ code: "ERR_RELEASED" });
});
