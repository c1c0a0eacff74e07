"""Writes operators.json: the operators of ONNX's default domain with the opsets that brought or changed them."""

import json
from pathlib import Path

import onnx

versions: dict[str, set[int]] = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        versions.setdefault(schema.name, set()).add(schema.since_version)
lines = [f'  "{name}": {json.dumps(sorted(versions[name]))}' for name in sorted(versions)]
Path(__file__).with_name("operators.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{len(versions)} operators")
