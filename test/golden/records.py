"""How a trajectory is written as JSON: packed predictions, rounded figures, one step per line."""

import base64
import json

import numpy as np
from torch import Tensor


def rounded(value, digits: int):
    """Without the last digits of its floats, which may differ from one run to the next."""
    if isinstance(value, dict):
        return {key: rounded(each, digits) for key, each in value.items()}
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def pack(labels: Tensor, bits: int) -> str:
    """Row by row, `bits` per label, the lowest bits of a byte first."""
    flat = labels.flatten().numpy().astype(np.uint8)
    single = np.stack([(flat >> bit) & 1 for bit in range(bits)], axis=1).flatten()
    return base64.b64encode(np.packbits(single, bitorder="little").tobytes()).decode()


def to_json(head: dict, steps: list[dict]) -> str:
    lines = [f'  "{key}": {json.dumps(value)},' for key, value in head.items()]
    rows = ",\n".join("    " + json.dumps(row) for row in steps)
    text = "{\n" + "\n".join(lines) + '\n  "steps": [\n' + rows + "\n  ]\n}\n"
    assert json.loads(text)["steps"] == steps
    return text
