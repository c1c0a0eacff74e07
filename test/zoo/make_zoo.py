"""Writes the zoo: every architecture as ONNX from both exporters, with its output and gradient from float64 autograd.

    python make_zoo.py                       # all, into models/; goes on where it stopped
    python make_zoo.py --only unet segformer # some of them, made anew
    python make_zoo.py --list
    python make_zoo.py --committed           # the few small ones that are under version control, into committed/

See README.md for the files.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib
import io
import json
import pathlib
import signal
import time
import warnings
import zlib

import numpy as np
import onnx
import torch

from architecture import Architecture, architectures
from random_weights import randomize

HERE = pathlib.Path(__file__).parent
FAMILIES = [
    "encoder_decoder_nets",
    "pyramid_nets",
    "real_time_nets",
    "high_resolution_nets",
    "transformer_nets",
    "layout_nets",
    "monai_nets",
    "hugging_face_nets",
]
OPSETS = {"legacy": 17, "dynamo": 20}
SECONDS_PER_EXPORT = 400
# Images to try, and the relative noise on the weights that stands for float32 arithmetic.
IMAGES = 40
ROUNDING = 2e-7
# Small enough to be kept: name and exporter.
COMMITTED = [
    ("border-modes", "dynamo"),
    ("keras-like", "legacy"),
    ("r2unet", "dynamo"),
    ("torch-transformer-layer", "legacy"),
    ("unet-softplus-tanh", "legacy"),
]


def make(one: Architecture, folder: pathlib.Path, exporters: list[str]) -> dict:
    """Writes one architecture and returns what zoo.json says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(zlib.crc32(one.name.encode()))
    network = one.build()
    randomize(network, one.dims)
    reference = smooth_reference(network, one.dims)
    image = torch.from_numpy(reference["arrays"]["image"])
    for name, array in reference["arrays"].items():
        np.save(folder / f"{name}.npy", array)
    entry = {
        "name": one.name,
        "family": one.family,
        "source": one.source,
        "output": one.output,
        "parameters": sum(p.numel() for p in network.parameters()),
        # Of PyTorch itself in float32, and of weights moved by as much: what rounding alone does to this network.
        "float32GradientError": reference["float32GradientError"],
        "exports": {},
    }
    for exporter in exporters:
        started = time.time()
        opset = OPSETS[exporter]
        try:
            with limit(SECONDS_PER_EXPORT):
                export(network, image, folder / f"{exporter}.onnx", exporter, opset)
            result = {"opset": opset}
        except Exception as error:  # An exporter's failure is recorded, whatever it is.
            for left in folder.glob(f"{exporter}.onnx*"):
                left.unlink()
            result = {"opset": opset, "failure": first_line(error)}
        print(f"    {exporter}: {result.get('failure', 'ok')} ({time.time() - started:.0f} s)", flush=True)
        entry["exports"][exporter] = result
    (folder / "zoo.json").write_text(json.dumps(entry, indent=1) + "\n")
    return entry


def smooth_reference(network: torch.nn.Module, dims: tuple[int, ...]) -> dict:
    """The reference for the first random image at which rounding does not carry an activation across a kink.

    At a kink of Relu or MaxPool the gradient jumps: two right implementations may differ there by any amount.
    """
    for _ in range(IMAGES):
        reference = float64_reference(network, torch.randn(dims))
        if reference["float32GradientError"] < 1e-4:
            return reference
    raise ValueError(f"ill-conditioned: rounding changes the gradient by {reference['float32GradientError']:.1g}")


def float64_reference(network: torch.nn.Module, image: torch.Tensor) -> dict:
    """Output, upstream gradient and gradient with respect to the image; refuses a degenerate network."""
    output, upstream, gradient = differentiate(network, image, torch.float64)
    if output.dtype != torch.float64 or gradient.dtype != torch.float64:
        raise ValueError(f"not computed in float64 but in {output.dtype}")
    scale = gradient.abs().max()
    if not torch.isfinite(output).all() or not torch.isfinite(gradient).all():
        raise ValueError("output or gradient is not finite")
    if scale < 1e-6 or scale > 1e6 or output.abs().max() > 1e5 or output.std() < 1e-4:
        raise ValueError(f"degenerate: output {output.std():.1e}, gradient up to {scale:.1e}")
    if (gradient.abs() > 1e-4 * scale).double().mean() < 0.05:
        raise ValueError("degenerate: almost all of the gradient is zero")
    error = 0.0
    for dtype, noise in [(torch.float32, 0.0)] + [(torch.float64, ROUNDING)] * 3:
        _, _, other = differentiate(network, image, dtype, upstream, noise)
        error = max(error, ((other - gradient).abs().max() / scale).item())
        if error > 1e-4:
            break
    arrays = {"image": image, "upstream": upstream, "output": output, "gradient": gradient}
    return {
        "arrays": {name: value.float().numpy() for name, value in arrays.items()},
        "float32GradientError": float(f"{error:.2g}"),
    }


def differentiate(network, image, dtype, upstream=None, noise=0.0):
    """Output, upstream gradient and gradient of a copy in this dtype, its weights moved by relative noise."""
    twin = copy.deepcopy(network).to(dtype)
    with torch.no_grad():
        for parameter in twin.parameters() if noise else []:
            parameter.mul_(1 + noise * torch.randn_like(parameter))
    x = image.to(dtype, copy=True).requires_grad_()
    torch.set_default_dtype(dtype)  # of what a network makes in its forward pass
    try:
        output = main_output(twin(x))
        upstream = torch.randn(output.shape) if upstream is None else upstream
        (gradient,) = torch.autograd.grad(output, x, upstream.to(output.dtype))
    finally:
        torch.set_default_dtype(torch.float32)
    return output.detach(), upstream.float(), gradient


def main_output(outputs):
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def export(network: torch.nn.Module, image: torch.Tensor, path: pathlib.Path, exporter: str, opset: int) -> None:
    names = {"input_names": ["image"], "output_names": ["logits"]}
    silent = contextlib.redirect_stdout(io.StringIO())  # a failing export prints the whole graph
    with warnings.catch_warnings(), silent:
        warnings.simplefilter("ignore")
        if exporter == "legacy":
            torch.onnx.export(network, (image,), str(path), opset_version=opset, dynamo=False, **names)
        else:
            program = torch.onnx.export(network, (image,), opset_version=opset, dynamo=True, verbose=False, **names)
            program.save(str(path), external_data=program.model.graph.num_nodes() > 0 and heavy(network))
    strip(path)


def heavy(network: torch.nn.Module) -> bool:
    """Whether the weights go into a file of their own."""
    return sum(p.numel() for p in network.parameters()) > 50_000


def strip(path: pathlib.Path) -> None:
    """Drops the stack traces that the exporters write beside every node: they are most of a small file."""
    model = onnx.load(str(path), load_external_data=False)
    for message in (model, model.graph, *model.functions, *model.graph.node, *model.graph.value_info):
        message.ClearField("doc_string")
        message.ClearField("metadata_props")
    for function in model.functions:
        for node in function.node:
            node.ClearField("doc_string")
            node.ClearField("metadata_props")
    path.write_bytes(model.SerializeToString())


def first_line(error: Exception) -> str:
    cause = error.__cause__ or error
    lines = [line for line in str(cause).strip().splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0][:300] if lines else ''}"


class limit:
    """Raises TimeoutError inside the block after so many seconds."""

    def __init__(self, seconds: int):
        self.seconds = seconds

    def __enter__(self):
        def expired(*_):
            raise TimeoutError(f"took more than {self.seconds} s")

        self.previous = signal.signal(signal.SIGALRM, expired)
        signal.alarm(self.seconds)

    def __exit__(self, *_):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.previous)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--committed", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for family in FAMILIES:
        importlib.import_module(family)
    if options.list:
        for one in architectures.values():
            print(f"{one.name:28} {one.family:22} {list(one.dims)}  {one.source}")
        return
    unknown = set(options.only) - set(architectures)
    if unknown:
        raise SystemExit(f"no such architecture: {', '.join(sorted(unknown))}; --list names them")
    if options.committed:
        for name, exporter in COMMITTED:
            print(name, flush=True)
            make(architectures[name], HERE / "committed" / name, [exporter])
        return
    failed = []
    for name in options.only or architectures:
        folder = HERE / "models" / name
        if not options.only and (folder / "zoo.json").exists():
            continue
        print(name, flush=True)
        try:
            make(architectures[name], folder, list(OPSETS))
        except Exception as error:
            print(f"    failed: {first_line(error)}", flush=True)
            failed.append(name)
    if failed:
        raise SystemExit(f"could not be made: {', '.join(failed)}")


if __name__ == "__main__":
    main()
