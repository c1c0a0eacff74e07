"""PNG of every kind by a writer of our own, and GIF by Pillow."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from pictures import Pack, deep, grey, labels, rgb, turned

passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def packed(row: np.ndarray, depth: int) -> bytes:
    """The bytes of a row of samples, the first in the highest bits."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row.reshape(-1, 1).astype(np.uint8) >> np.arange(depth - 1, -1, -1, dtype=np.uint8)) & 1
    return np.packbits(bits.reshape(-1)).tobytes()


def png(samples: np.ndarray, colour: int, depth: int, interlaced: bool = False, chunks=()) -> bytes:
    """A PNG of samples [H, W] or [H, W, C] with more chunks before its pixels."""
    height, width = samples.shape[:2]
    steps = passes if interlaced else [(0, 0, 1, 1)]
    raw = b""
    for x, y, dx, dy in steps:
        part = samples[y::dy, x::dx]
        if part.size:
            raw += b"".join(b"\0" + packed(row.reshape(-1), depth) for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in parts:
        content += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return content


def exif(orientation: int, order: str = ">") -> bytes:
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(f"{order}HHHIHH", 1, 274, 3, 1, orientation, 0)
    return mark + struct.pack(f"{order}I", 8) + entry + b"\0\0\0\0"


def colours(count: int, seed: int = 0) -> np.ndarray:
    """uint8 [count, 3], no two alike, not grey."""
    k = np.arange(count)
    return np.stack([(k * 37 + 11 * seed + 5) % 256, (k * 91 + 60) % 256, (255 - k) % 256], -1).astype(np.uint8)


def add_pngs(pack: Pack) -> None:
    for k, (height, width) in enumerate([(6, 9), (13, 17), (1, 5)]):
        for interlaced in [False, True]:
            end = f"{'interlaced-' if interlaced else ''}{width}x{height}.png"
            kind = "png interlaced" if interlaced else "png"
            for depth in [1, 2, 4, 8]:
                most = 2**depth - 1
                samples = grey(height, width, k) >> (8 - depth)
                image = (samples * (255 // most)).astype(np.uint8)
                pack.add(kind, f"grey{depth}-{end}", png(samples, 0, depth, interlaced), image, samples)
                index = labels(height, width, 2**depth, seed=k)
                table = colours(2**depth, k)
                content = png(index, 3, depth, interlaced, [(b"PLTE", table.tobytes())])
                pack.add(kind, f"palette{depth}-{end}", content, table[index], index)
            sixteen = deep(grey(height, width, k), k)
            pack.add(kind, f"grey16-{end}", png(sixteen, 0, 16, interlaced), sixteen, sixteen)
            for depth, picture in [(8, rgb(height, width, k)), (16, deep(rgb(height, width, k), k))]:
                pack.add(kind, f"rgb{depth}-{end}", png(picture, 2, depth, interlaced), picture)
                opaque = np.full((height, width, 1), 2**depth - 1, picture.dtype)
                whole = np.dstack([picture, opaque])
                pack.add(kind, f"rgba{depth}-{end}", png(whole, 6, depth, interlaced), picture)
                one = picture[..., :1]
                content = png(np.dstack([one, opaque]), 4, depth, interlaced)
                pack.add(kind, f"grey-alpha{depth}-{end}", content, one[..., 0], one[..., 0])
                faint = whole.copy()
                faint[0, 0, 3] = 1
                pack.add("png transparent", f"faint{depth}-{end}", png(faint, 6, depth, interlaced), None)
    for orientation in range(1, 9):
        picture, one = rgb(7, 11, orientation), labels(7, 11, 9, seed=orientation)
        for order, name in [(">", "big"), ("<", "little")]:
            chunk = [(b"eXIf", exif(orientation, order))]
            content = png(picture, 2, 8, False, chunk)
            pack.add("png orientation", f"orientation-{orientation}-{name}.png", content, turned(picture, orientation))
        upright = turned(one, orientation)
        content = png(one, 0, 8, orientation % 2 == 0, [(b"eXIf", exif(orientation))])
        pack.add("png orientation", f"orientation-grey-{orientation}.png", content, upright, upright)
    for depth, most in [(8, 255), (16, 65_535)]:
        picture = rgb(6, 9) if depth == 8 else deep(rgb(6, 9))
        used, unused = picture[2, 3], np.array([1, 2, most])
        for name, key in [("used", used), ("unused", unused)]:
            chunk = [(b"tRNS", np.asarray(key).astype(">u2").tobytes())]
            expected = None if name == "used" else picture
            pack.add("png transparent colour", f"key-{name}{depth}.png", png(picture, 2, depth, False, chunk), expected)
    index, table = labels(6, 9, 4), colours(4)
    for name, opacity in [("opaque", [255, 255, 255]), ("faint", [255, 0, 255, 255])]:
        content = png(index, 3, 2, False, [(b"PLTE", table.tobytes()), (b"tRNS", bytes(opacity))])
        image = table[index] if name == "opaque" else None
        pack.add("png transparent colour", f"palette-{name}.png", content, image, index)
    whole = png(rgb(13, 17), 2, 8)
    pack.add("png cut off", "cut.png", whole[: len(whole) // 2], None)


def add_gifs(pack: Pack) -> None:
    def saved(index: np.ndarray, table: np.ndarray, **options) -> bytes:
        picture = Image.fromarray(index, "P")
        picture.putpalette(table.tobytes())
        file = io.BytesIO()
        picture.save(file, "GIF", **options)
        return file.getvalue()

    for k, (height, width) in enumerate([(6, 9), (33, 40), (1, 5), (19, 2)]):
        for count in [2, 4, 16, 256]:
            for interlace in [0, 1]:
                index, table = labels(height, width, count, seed=k), colours(count, k)
                content = saved(index, table, interlace=interlace, optimize=False)
                with Image.open(io.BytesIO(content)) as opened:
                    stored = np.asarray(opened)
                    assert (np.asarray(opened.convert("RGB")) == table[index]).all()
                name = f"{count}-{'interlaced-' if interlace else ''}{width}x{height}.gif"
                pack.add("gif", name, content, table[index], stored)
    index, table = labels(6, 9, 4), colours(4)
    pack.add("gif transparent", "transparent.gif", saved(index, table, transparency=1, optimize=False), None)
    frames = [Image.fromarray(labels(6, 9, 4, seed=k), "P") for k in range(3)]
    for frame in frames:
        frame.putpalette(table.tobytes())
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], optimize=False)
    with Image.open(io.BytesIO(file.getvalue())) as opened:
        stored = np.asarray(opened)
    pack.add("gif animated", "animated.gif", file.getvalue(), table[labels(6, 9, 4)], stored)
