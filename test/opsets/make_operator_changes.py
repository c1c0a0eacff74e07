"""Writes operator-changes.json: where the signature of an operator of ONNX's default domain changed.

    pip install onnx
    python make_operator_changes.py

For each operator the opsets above 7 that changed inputs, outputs or attributes of it: "added" where whatever is new
may be left out, "changed" for all else, new defaults among it. Opsets that changed element types alone are left out.
"""

import json
from pathlib import Path

import onnx

schemas: dict[str, list] = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        schemas.setdefault(schema.name, []).append(schema)


def signature(schema):
    formal = lambda values: [(v.name, v.option.name) for v in values]
    attributes = {
        name: (a.type.name, a.required, a.default_value.SerializeToString()) for name, a in schema.attributes.items()
    }
    return formal(schema.inputs), formal(schema.outputs), attributes


def kind(before, after):
    if schema_is_same(before, after):
        return None
    (inputs, outputs, attributes), (new_inputs, new_outputs, new_attributes) = signature(before), signature(after)
    options = lambda old, new: [o for _, o in new[: len(old)]] == [o for _, o in old] and all(
        o == "Optional" for _, o in new[len(old) :]
    )
    kept = all(new_attributes.get(name) == a for name, a in attributes.items())
    optional = all(not required for name, (_, required, _) in new_attributes.items() if name not in attributes)
    gone = after.deprecated and not before.deprecated
    return "added" if options(inputs, new_inputs) and options(outputs, new_outputs) and kept and optional and not gone else "changed"


def schema_is_same(before, after):
    positions = lambda s: ([o for _, o in signature(s)[0]], [o for _, o in signature(s)[1]], signature(s)[2], s.deprecated)
    return positions(before) == positions(after)


changes: dict[str, dict[str, str]] = {}
for name in sorted(schemas):
    history = sorted(schemas[name], key=lambda s: s.since_version)
    for before, after in zip(history, history[1:]):
        found = kind(before, after)
        if after.since_version > 7 and found is not None:
            changes.setdefault(name, {})[str(after.since_version)] = found
lines = [f'  "{name}": {json.dumps(changes[name])}' for name in changes]
Path(__file__).with_name("operator-changes.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{len(changes)} operators")
