"""The pictures that are written in several formats, and the pack that they are put into."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np


def rgb(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth ramp of colours with some detail, uint8 [H, W, 3], with black and white in it."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (2 + c) + c) + np.cos(y / (3 - c / 2) + 2 * c) for c in range(3)]
    values = 127 + 60 * np.stack(waves, -1) + random.normal(0, 6, (height, width, 3))
    picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    picture[0, 0], picture[-1, -1] = 0, 255
    return picture


def grey(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [H, W]"""
    return rgb(height, width, seed)[..., 1].copy()


def deep(picture: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same picture with 16 bits, whose low bytes say something of their own."""
    random = np.random.default_rng(seed)
    return (picture.astype(np.uint16) << 8) | random.integers(0, 256, picture.shape, np.uint16)


def labels(height: int, width: int, count: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """Integers below `count`, in blocks, each of them present where there is room."""
    y, x = np.mgrid[0:height, 0:width]
    blocks = ((x // 2) * 3 + (y // 2) * 5 + seed) % min(count, 65_521)
    if count > 65_521:
        blocks = blocks * (count // 97)
    return (blocks % count).astype(dtype)


def turned(picture: np.ndarray, orientation: int) -> np.ndarray:
    """The upright picture of stored pixels with an EXIF orientation of 1 to 8."""
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }
    return np.ascontiguousarray(turns[orientation](picture))


class Pack:
    """Files and what they hold, each content once, in one compressed file with an index."""

    def __init__(self) -> None:
        self.blob = bytearray()
        self.places: dict[str, int] = {}
        self.files: list[dict] = []

    def _place(self, content: bytes) -> list[int]:
        key = hashlib.sha256(content).hexdigest()
        if key not in self.places:
            self.places[key] = len(self.blob)
            self.blob += content
        return [self.places[key], len(content)]

    def _array(self, array: np.ndarray) -> dict:
        names = {"u1": "uint8", "u2": "uint16", "i4": "int32", "u4": "uint32", "f4": "float32"}
        dtype = array.dtype.newbyteorder("<")
        name = names[dtype.str[1:]]
        content = np.ascontiguousarray(array).astype(dtype).tobytes()
        return {"dtype": name, "dims": list(array.shape), "at": self._place(content)}

    def add(
        self,
        kind: str,
        name: str,
        content: bytes,
        image: np.ndarray | None,
        mask: np.ndarray | None = None,
        lossy: bool = False,
        page: int = 0,
    ) -> None:
        """
        :param kind: the row of the table
        :param image: uint8, uint16 or float32 [H, W] or [H, W, 3], upright; None where a reader has to refuse
        :param mask: integers [H, W] that the file stores; None where it holds none that are labels
        """
        if any(file["name"] == name for file in self.files):
            raise ValueError(f"{name} is there already")
        file: dict = {"kind": kind, "name": name, "at": self._place(bytes(content))}
        if image is not None:
            file["image"] = self._array(image)
        if mask is None and image is not None and image.ndim == 3 and image.dtype != np.float32 and not lossy:
            # RGB whose channels are equal counts as grey.
            mask = image[..., 0] if (image == image[..., :1]).all() else None
        if mask is not None:
            if mask.dtype.kind == "i":
                mask = mask.astype(np.int32)
            elif mask.dtype.itemsize == 1:
                mask = mask.astype(np.uint8)
            file["mask"] = self._array(mask)
        if lossy:
            file["lossy"] = True
        self.files.append(file)

    def write(self, folder: Path) -> None:
        index = json.dumps({"files": self.files}, separators=(",", ":")).encode()
        # The length of the index, the index, and what it points into.
        whole = len(index).to_bytes(4, "little") + index + bytes(self.blob)
        path = folder / "pictures.bin.gz"
        path.write_bytes(gzip.compress(whole, 9, mtime=0))
        print(f"{len(self.files)} files, {len(whole)} bytes, {path.stat().st_size} compressed")
