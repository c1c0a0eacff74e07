"""Trains the small U-Nets, exports them to ONNX and writes the gradient golden. See README.md.

    python make_model.py [CLASSES ...]

CLASSES: 2, 3 or 5; only the models of so many classes are made, or all without it.
"""

import json
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from torch.nn import functional

import scenes
from unet import MARGIN, UNet, load_unet

HERE = pathlib.Path(__file__).parent
SIZE, SIZE3, SIZE5 = 92, 76, 76
WIDTHS, WIDTHS5 = (8, 16, 32), (5, 10, 20)
STEPS, STEPS5 = 500, 800
BATCH, LEARNING_RATE = 8, 3e-3
DYNAMIC = {"image": {0: "batch", 2: "height", 3: "width"}, "logits": {0: "batch", 2: "out_height", 3: "out_width"}}
# The loss sees the logits times this, so that the logits themselves stay small and the step sizes of the attack large.
SHARPNESS = 8.0


def train(classes: int, size: int, seed: int, steps: int = STEPS, widths: tuple[int, int, int] = WIDTHS) -> UNet:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = UNet(classes, widths)
    optimiser = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps)
    for step in range(steps):
        batch = [scenes.random_ellipses(classes, size, rng) for _ in range(BATCH)]
        images = torch.from_numpy(np.stack([scenes.paint(ellipses, size, rng) for ellipses in batch]))
        labels = torch.from_numpy(np.stack([scenes.mask(ellipses, size) for ellipses in batch]))
        logits = model(images)
        loss = functional.cross_entropy(logits * SHARPNESS, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            accuracy = (logits.argmax(1) == labels).float().mean()
            print(f"K={classes} step {step + 1}: loss {loss:.4f}, pixel accuracy {accuracy:.4f}, largest logit {logits.abs().max():.2f}")
    return model.eval().requires_grad_(False)


def strip(proto: onnx.ModelProto) -> None:
    """Removes what an exporter writes about the machine it ran on: doc strings and metadata (stack traces)."""

    def visit(message) -> None:
        names = {field.name for field in message.DESCRIPTOR.fields}
        for name in ("doc_string", "metadata_props"):
            if name in names:
                message.ClearField(name)
        for field, value in message.ListFields():
            if field.message_type is not None:
                for child in value if field.is_repeated else [value]:
                    visit(child)

    visit(proto)


def export(model: UNet, size: int, name: str, **options) -> onnx.ModelProto:
    example = torch.zeros(1, 3, size, size)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        torch.onnx.export(model, (example,), path, input_names=["image"], output_names=["logits"], **options)
        proto = onnx.load(path)
    strip(proto)
    return proto


def verify(model: UNet, name: str, *sizes: int) -> None:
    """The exported file computes what PyTorch computes, and its weights are the trained ones bit by bit."""
    onnx.checker.check_model(str(HERE / name), full_check=True)
    session = onnxruntime.InferenceSession(str(HERE / name), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for size in sizes:
        image = rng.random((1, 3, size, size), np.float32)
        (logits,) = session.run(["logits"], {"image": image})
        error = np.abs(logits - model(torch.from_numpy(image)).numpy()).max()
        print(f"{name}: {size} -> {logits.shape}, ONNX Runtime against PyTorch {error:.1e}")
        assert error < 1e-4
    loaded = load_unet(str(HERE / name)).state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in model.state_dict().items())


def write_gradient(model: UNet, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = scenes.paint([scenes.Ellipse(1, (44.0, 50.0), (14.0, 9.0), 0.5)], SIZE, rng)[None]
    upstream = rng.standard_normal((1, 2, SIZE - 2 * MARGIN, SIZE - 2 * MARGIN)).astype(np.float32)
    exact = UNet(2).double()
    exact.load_state_dict({key: value.double() for key, value in model.state_dict().items()})
    variable = torch.from_numpy(image).double().requires_grad_()
    (gradient,) = torch.autograd.grad(exact(variable), variable, torch.from_numpy(upstream).double())
    single = torch.from_numpy(image).requires_grad_()
    (gradient32,) = torch.autograd.grad(model(single), single, torch.from_numpy(upstream))
    error = (gradient32 - gradient).abs().max() / gradient.abs().max()
    print(f"gradient: float32 against float64, max error over max gradient {error:.1e}")
    assert error < 1e-5
    files = {"image": image, "upstream": upstream, "expected": gradient.numpy().astype(np.float32)}
    for name, array in files.items():
        np.save(HERE / f"unet-gradient.{name}.npy", array)
    description = {
        "models": ["unet-legacy.onnx", "unet-dynamo.onnx"],
        "input": "image",
        "output": "logits",
        **{name: f"unet-gradient.{name}.npy" for name in files},
        "maxGradient": float(f"{gradient.abs().max():.6g}"),
    }
    (HERE / "unet-gradient.json").write_text(json.dumps(description, indent=2) + "\n")


def make_two() -> None:
    model = train(classes=2, size=SIZE, seed=1)
    legacy = export(model, SIZE, "unet-legacy.onnx", dynamo=False, opset_version=17, dynamic_axes=DYNAMIC)
    onnx.save(legacy, HERE / "unet-legacy.onnx")
    dynamo = export(model, SIZE, "unet-dynamo.onnx")
    data = HERE / "unet-dynamo.onnx.data"
    data.unlink(missing_ok=True)  # onnx.save appends
    # The threshold leaves shape constants (and the smallest biases) inside the model, as shape inference wants them.
    onnx.save(dynamo, HERE / "unet-dynamo.onnx", save_as_external_data=True, location=data.name, size_threshold=100)
    data.chmod(0o644)
    verify(model, "unet-legacy.onnx", SIZE, SIZE + 16)
    verify(model, "unet-dynamo.onnx", SIZE)
    write_gradient(model, seed=2)


def make_three() -> None:
    model = train(classes=3, size=SIZE3, seed=3)
    onnx.save(export(model, SIZE3, "unet3.onnx", dynamo=False, opset_version=17), HERE / "unet3.onnx")
    verify(model, "unet3.onnx", SIZE3)


def make_five() -> None:
    model = train(classes=5, size=SIZE5, seed=7, steps=STEPS5, widths=WIDTHS5)
    proto = export(model, SIZE5, "unet5.onnx", dynamo=False, opset_version=17, dynamic_axes=DYNAMIC)
    onnx.save(proto, HERE / "unet5.onnx")
    verify(model, "unet5.onnx", SIZE5, SIZE5 + 16)


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    makers = {"2": make_two, "3": make_three, "5": make_five}
    if not set(arguments) <= set(makers):
        raise SystemExit(__doc__)
    for classes in arguments or makers:
        makers[classes]()


if __name__ == "__main__":
    main(sys.argv[1:])
