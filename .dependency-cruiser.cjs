/**
 * Which room may import from which: each from those before it and itself only. Files and folders of
 * `packages/<package>/src`.
 */
const rooms = {
  autodiff: [
    "errors",
    "runtime",
    "model",
    "graph",
    "rules",
    "expansions",
    "passes",
    "reverse-mode",
    "resolve",
    "check",
    "training-graph",
    "index",
  ],
  core: [
    "globals.d",
    "option-words",
    "error-codes",
    "errors",
    "image",
    "image-size",
    "levels-of",
    "check-array",
    "check-keys",
    "ndarray",
    "open-session",
    "samples",
    "picture",
    "npy",
    "png",
    "gif",
    "bmp",
    "pnm",
    "tiff",
    "picture-file",
    "metrics",
    "model",
    "targets",
    "attack",
    "loss",
    "distance",
    "update",
    "schedule",
    "goal",
    "step",
    "run",
    "attacks",
    "workbench",
    "device-check",
    "foreign-file",
    "preprocessor",
    "check-options",
    "training-graph",
    "index",
  ],
  node: [
    "check-node",
    "disable-telemetry",
    "onnxruntime",
    "check-providers",
    "graph-target",
    "file-on-demand",
    "images",
    "file-record",
    "read-model-file",
    "find-beside",
    "read-preprocessor",
    "read-training-graph",
    "host",
    "loaded-model",
    "load-model",
    "report",
    "cli",
    "bench",
    "index",
  ],
  web: [
    "messages",
    "images",
    "copy-in-slices",
    "model-source",
    "worker",
    "remote-run",
    "loaded-model",
    "load-model",
    "index",
  ],
};

const roomOf = (name, room) => `^packages/${name}/src/${room}(/|\\.ts$)`;

const backwards = Object.entries(rooms).flatMap(([name, list]) =>
  list.slice(0, -1).map((room, i) => ({
    name: `${name}/${room} comes before what it imports`,
    severity: "error",
    from: { path: roomOf(name, room), pathNot: "\\.test(-d)?\\.ts$" },
    to: { path: list.slice(i + 1).map((later) => roomOf(name, later)) },
  })),
);

/** Arrows between packages: node, web → core → autodiff. */
const between = [
  ["autodiff", "core|node|web"],
  ["core", "node|web"],
  ["node", "web"],
  ["web", "node"],
].map(([from, to]) => ({
  name: `${from} does not know ${to}`,
  severity: "error",
  from: { path: `^packages/${from}/src/` },
  to: { path: `^packages/(${to})/` },
}));

module.exports = {
  forbidden: [
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    ...backwards,
    ...between,
    {
      name: "onnxruntime-node comes through onnxruntime.ts, which switches its telemetry off first",
      severity: "error",
      from: { path: "^packages/node/src/", pathNot: "^packages/node/src/onnxruntime\\.ts$" },
      to: { path: "onnxruntime-node" },
    },
    {
      name: "every file has a room",
      severity: "error",
      from: {
        path: "^packages/[^/]+/src/",
        pathNot: [
          "\\.test(-d)?\\.ts$",
          ...Object.entries(rooms).flatMap(([name, list]) =>
            list.map((room) => roomOf(name, room)),
          ),
        ],
      },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules|/dist/" },
    exclude: { path: "/dist/|\\.test(-d)?\\.ts$" },
  },
};
