// The platform global that core uses, so that it needs neither DOM nor Node types.
declare const performance: { now(): number };
