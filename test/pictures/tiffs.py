"""TIFF: written by tifffile and by a writer of our own for what it does not write; tifffile and Pillow agree."""

import io
import struct

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageOps

from jpegs import decoded, saved
from pictures import Pack, deep, grey, labels, rgb, turned
from pngs import colours, packed

types = {"B": 1, "H": 3, "I": 4, "Q": 16}


def tiff(
    tags: dict[int, tuple[str, list[int]]],
    blocks: list[bytes],
    *,
    order: str = "<",
    big: bool = False,
    tiled: bool = False,
    more_pages: int = 0,
) -> bytes:
    """A TIFF of these tags; where the strips or tiles lie is filled in."""
    starts, counts = (324, 325) if tiled else (273, 279)
    tags = {**tags, starts: ("I", [0] * len(blocks)), counts: ("I", [len(block) for block in blocks])}
    entry, head = (20, 16) if big else (12, 8)
    directory = (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    inline = 8 if big else 4
    values_at = head + directory * (1 + more_pages)
    at = values_at + sum(
        (n + 1) // 2 * 2 for t, v in tags.values() if (n := struct.calcsize(t) * len(v)) > inline
    )
    places = []
    for block in blocks:
        places.append(at)
        at += len(block)
    tags[starts] = ("I", places)
    values, entries = b"", b""
    for tag in sorted(tags):
        letter, content = tags[tag]
        body = struct.pack(f"{order}{len(content)}{letter}", *content)
        entries += struct.pack(f"{order}HH{'Q' if big else 'I'}", tag, types[letter], len(content))
        if len(body) <= inline:
            entries += body.ljust(inline, b"\0")
        else:
            entries += struct.pack(f"{order}{'Q' if big else 'I'}", values_at + len(values))
            values += body + b"\0" * (len(body) % 2)
    mark = b"II" if order == "<" else b"MM"
    whole = mark + (struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8))
    for page in range(1 + more_pages):
        following = len(whole) + directory if page < more_pages else 0
        whole += struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)) + entries
        whole += struct.pack(f"{order}{'Q' if big else 'I'}", following)
    return whole + values + b"".join(blocks)


def reversed_bits(content: bytes) -> bytes:
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in content)


def base(samples: np.ndarray, bits: int, photometric: int, order: str = "<", **more) -> tuple[dict, bytes]:
    """Tags and bytes of one uncompressed strip."""
    height, width = samples.shape[:2]
    count = 1 if samples.ndim == 2 else samples.shape[2]
    tags = {
        256: ("H", [width]),
        257: ("H", [height]),
        258: ("H", [bits] * count),
        259: ("H", [1]),
        262: ("H", [photometric]),
        277: ("H", [count]),
        278: ("H", [height]),
        **{tag: ("H", list(value)) for tag, value in more.items()},
    }
    if bits in (1, 2, 4, 8):
        rows = b"".join(packed(row.reshape(-1), bits) for row in samples)
    elif bits == 12:
        rows = b""
        for row in samples:
            whole = (row.reshape(-1, 1).astype(np.uint16) >> np.arange(11, -1, -1, dtype=np.uint16)) & 1
            rows += np.packbits(whole.astype(np.uint8).reshape(-1)).tobytes()
    else:
        rows = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    return tags, rows


def by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(ImageOps.exif_transpose(opened))


def written(picture: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, picture, metadata=None, **options)
    content = file.getvalue()
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        stored = opened.asarray()
    if options.get("planarconfig") == "separate":
        stored = np.moveaxis(stored, 0, -1)
        picture = np.moveaxis(picture, 0, -1)
    assert (stored.reshape(picture.shape) == picture).all()
    return content


def add_tiffs(pack: Pack) -> None:
    add_compressions(pack)
    add_depths(pack)
    add_photometrics(pack)
    add_structures(pack)
    add_lossy(pack)


def add_compressions(pack: Pack) -> None:
    names = [None, "lzw", "zlib", "adobe_deflate", "packbits", "zstd", "lzma", "lerc", "webp"]
    height, width = 33, 40
    for compression in names:
        label = compression or "none"
        for shape in ["strips", "tiles"]:
            where = {"tile": (16, 16)} if shape == "tiles" else {"rowsperstrip": 7}
            kind = f"tiff {label}"
            end = f"{label}-{shape}"
            if compression != "webp":
                for order in ["<", ">"]:
                    mark = "little" if order == "<" else "big"
                    if compression == "lerc" and order == ">":
                        continue
                    options = {"compression": compression, "byteorder": order, **where}
                    for dtype, value in [("8", grey(height, width)), ("16", deep(grey(height, width)))]:
                        content = written(value, photometric="minisblack", **options)
                        pack.add(kind, f"grey{dtype}-{end}-{mark}.tif", content, value, value)
                    colour = deep(rgb(height, width)) if order == ">" else rgb(height, width)
                    content = written(colour, photometric="rgb", **options)
                    pack.add(kind, f"rgb-{end}-{mark}.tif", content, colour)
                    planes = np.moveaxis(colour, -1, 0).copy()
                    content = written(planes, photometric="rgb", planarconfig="separate", **options)
                    pack.add(kind, f"rgb-planes-{end}-{mark}.tif", content, colour)
                    wide = labels(height, width, 70_000, np.uint32)
                    content = written(wide, photometric="minisblack", **options)
                    pack.add(kind, f"labels32-{end}-{mark}.tif", content, None, wide)
                    floats = (grey(height, width) / np.float32(255)).astype(np.float32)
                    content = written(floats, photometric="minisblack", **options)
                    pack.add(kind, f"float-{end}-{mark}.tif", content, floats)
            else:
                colour = rgb(height, width)
                content = written(colour, photometric="rgb", compression="webp", compressionargs={"lossless": True}, **where)
                pack.add(kind, f"rgb-{end}.tif", content, colour)
            if compression in ("lzw", "adobe_deflate", "zstd"):
                for order in ["<", ">"]:
                    mark = "little" if order == "<" else "big"
                    options = {"compression": compression, "predictor": 2, "byteorder": order, **where}
                    for dtype, value in [("8", grey(height, width)), ("16", deep(grey(height, width)))]:
                        content = written(value, photometric="minisblack", **options)
                        pack.add("tiff predictor 2", f"predicted{dtype}-{end}-{mark}.tif", content, value, value)
                    colour = deep(rgb(height, width)) if order == "<" else rgb(height, width)
                    content = written(colour, photometric="rgb", **options)
                    pack.add("tiff predictor 2", f"predicted-rgb-{end}-{mark}.tif", content, colour)
                    planes = np.moveaxis(colour, -1, 0).copy()
                    content = written(planes, photometric="rgb", planarconfig="separate", **options)
                    pack.add("tiff predictor 2", f"predicted-planes-{end}-{mark}.tif", content, colour)
                    wide = labels(height, width, 70_000, np.uint32)
                    content = written(wide, photometric="minisblack", **options)
                    pack.add("tiff predictor 2", f"predicted32-{end}-{mark}.tif", content, None, wide)
                    floats = (rgb(height, width) / np.float32(255)).astype(np.float32)
                    options["predictor"] = 3
                    content = written(floats, photometric="rgb", **options)
                    pack.add("tiff predictor 3", f"predicted-float-{end}-{mark}.tif", content, floats)


def add_depths(pack: Pack) -> None:
    for k, (height, width) in enumerate([(6, 9), (13, 17)]):
        for order in ["<", ">"]:
            mark = f"{'little' if order == '<' else 'big'}-{width}x{height}"
            for bits in [1, 2, 4, 8, 12, 16]:
                most = 2**bits - 1
                whole = deep(grey(height, width, k)) if bits > 8 else grey(height, width, k)
                samples = whole >> ((16 if bits > 8 else 8) - bits)
                stored = samples.astype(np.uint16 if bits > 8 else np.uint8)
                image = stored if bits in (8, 16) else None if bits == 12 else (stored * (255 // most)).astype(np.uint8)
                for photometric in [1, 0]:
                    look = image if photometric or image is None else (np.iinfo(image.dtype).max - image)
                    mask = stored if photometric else (most - stored)
                    tags, rows = base(stored, bits, photometric, order)
                    name = f"{'black' if photometric else 'white'}-is-zero{bits}-{mark}.tif"
                    kind = "tiff grey" if photometric else "tiff white is zero"
                    pack.add(kind, name, tiff(tags, [rows], order=order), look, mask)
                    if bits <= 8:
                        tags[266] = ("H", [2])
                        content = tiff(tags, [reversed_bits(rows)], order=order)
                        pack.add("tiff fill order 2", f"fill-{name}", content, look, mask)
                if bits <= 8:
                    index, table = labels(height, width, 2**bits, seed=k), colours(2**bits, k)
                    tags, rows = base(index, bits, 3, order)
                    tags[320] = ("H", (table.T.astype(int) * 257).reshape(-1).tolist())
                    content = tiff(tags, [rows], order=order)
                    pack.add("tiff palette", f"palette{bits}-{mark}.tif", content, table[index], index)
            for dtype in ["i1", "i2", "i4"]:
                signed = labels(height, width, 100, np.dtype(dtype)) - np.array(3, dtype)
                tags, rows = base(signed, 8 * int(dtype[1]), 1, order)
                tags[339] = ("H", [2])
                pack.add("tiff signed below 0", f"signed{dtype[1]}-below-{mark}.tif", tiff(tags, [rows], order=order), None, signed)
                tags, rows = base(signed + np.array(3, dtype), 8 * int(dtype[1]), 1, order)
                tags[339] = ("H", [2])
                content = tiff(tags, [rows], order=order)
                pack.add("tiff signed", f"signed{dtype[1]}-{mark}.tif", content, None, signed + np.array(3, dtype))
            for bits, dtype in [(16, np.float16), (32, np.float32), (64, np.float64)]:
                floats = (grey(height, width, k) / 255).astype(dtype)
                tags, rows = base(floats, bits, 1, order)
                tags[339] = ("H", [3])
                content = tiff(tags, [rows], order=order)
                pack.add("tiff float", f"float{bits}-{mark}.tif", content, floats.astype(np.float32))
            beyond = grey(height, width, k).astype(np.float32)
            tags, rows = base(beyond, 32, 1, order)
            tags[339] = ("H", [3])
            pack.add("tiff float", f"float-beyond-{mark}.tif", tiff(tags, [rows], order=order), None, beyond.astype(np.int32))


def add_photometrics(pack: Pack) -> None:
    picture = rgb(13, 17)
    for name, extra, alpha, is_read in [
        ("opaque", 2, 255, True),
        ("opaque-associated", 1, 255, True),
        ("faint", 2, 200, False),
        ("faint-associated", 1, 200, False),
    ]:
        whole = np.dstack([picture, np.full((13, 17), alpha, np.uint8)])
        tags, rows = base(whole, 8, 2)
        tags[338] = ("H", [extra])
        pack.add("tiff alpha", f"rgba-{name}.tif", tiff(tags, [rows]), picture if is_read else None)
        grey_alpha = whole[..., [1, 3]]
        tags, rows = base(grey_alpha, 8, 1)
        tags[338] = ("H", [extra])
        image = picture[..., 1] if is_read else None
        pack.add("tiff alpha", f"grey-alpha-{name}.tif", tiff(tags, [rows]), image, image)
    five = np.dstack([picture, grey(13, 17, 3), grey(13, 17, 4)])
    tags, rows = base(five, 8, 1)
    tags[338] = ("H", [0] * 4)
    pack.add("tiff other channels", "five.tif", tiff(tags, [rows]), None)
    tags, rows = base(five[..., :2], 8, 1)
    pack.add("tiff other channels", "two.tif", tiff(tags, [rows]), None)
    cmyk = np.dstack([picture, grey(13, 17, 5)])
    tags, rows = base(cmyk, 8, 5)
    pack.add("tiff other colours", "cmyk.tif", tiff(tags, [rows]), None)
    for photometric, name in [(8, "lab"), (9, "icclab"), (10, "itulab"), (6, "ycbcr"), (4, "transparency"), (32803, "cfa"), (32844, "logl")]:
        samples = picture if photometric in (8, 9, 10, 6) else picture[..., 0]
        bits = 1 if photometric == 4 else 8
        tags, rows = base(samples >> (8 - bits) if bits < 8 else samples, bits, photometric)
        if photometric == 6:
            tags[530] = ("H", [1, 1])
        pack.add("tiff other colours", f"{name}.tif", tiff(tags, [rows]), None)


def add_structures(pack: Pack) -> None:
    for orientation in range(1, 9):
        for order in ["<", ">"]:
            picture, one = rgb(7, 11, orientation), labels(7, 11, 9, seed=orientation)
            mark = "little" if order == "<" else "big"
            tags, rows = base(picture, 8, 2, order)
            tags[274] = ("H", [orientation])
            content = tiff(tags, [rows], order=order)
            assert (by_pillow(content) == turned(picture, orientation)).all()
            pack.add("tiff orientation", f"orientation-{orientation}-{mark}.tif", content, turned(picture, orientation))
            tags, rows = base(one, 8, 1, order)
            tags[274] = ("H", [orientation])
            upright = turned(one, orientation)
            pack.add("tiff orientation", f"orientation-labels-{orientation}-{mark}.tif", tiff(tags, [rows], order=order), upright, upright)
    for order in ["<", ">"]:
        mark = "little" if order == "<" else "big"
        for dtype in [np.uint8, np.uint16]:
            value = grey(13, 17) if dtype == np.uint8 else deep(grey(13, 17))
            tags, rows = base(value, 8 * value.dtype.itemsize, 1, order)
            name = f"bigtiff-{8 * value.dtype.itemsize}-{mark}.tif"
            pack.add("tiff big", name, tiff(tags, [rows], order=order, big=True), value, value)
            size = 17 * value.dtype.itemsize
            tags[278] = ("H", [4])
            strips = [rows[at * size : (at + 4) * size] for at in range(0, 13, 4)]
            for big in [False, True]:
                content = tiff(tags, strips, order=order, big=big)
                pack.add("tiff strips", f"strips-{'big' if big else ''}{8 * value.dtype.itemsize}-{mark}.tif", content, value, value)
            del tags[278]
            pack.add("tiff strips", f"no-rows-per-strip-{8 * value.dtype.itemsize}-{mark}.tif", tiff(tags, [rows], order=order), value, value)
            tags[278] = ("I", [2**32 - 1])
            pack.add("tiff strips", f"endless-rows-{8 * value.dtype.itemsize}-{mark}.tif", tiff(tags, [rows], order=order), value, value)
    for height, width in [(16, 16), (17, 33), (5, 5), (40, 33)]:
        picture = rgb(height, width)
        for tile in [(16, 16), (32, 16), (16, 48)]:
            content = written(picture, photometric="rgb", tile=tile)
            pack.add("tiff tiles", f"tiles-{tile[0]}x{tile[1]}-{width}x{height}.tif", content, picture)
            one = labels(height, width, 2**16, np.uint16)
            content = written(one, photometric="minisblack", tile=tile, compression="lzw")
            pack.add("tiff tiles", f"tiles-labels-{tile[0]}x{tile[1]}-{width}x{height}.tif", content, one, one)
    for bits in [1, 2, 4]:
        one = grey(20, 21) >> (8 - bits)
        image = (one * (255 // (2**bits - 1))).astype(np.uint8)
        tags, _ = base(one, bits, 1)
        del tags[278]
        tags |= {322: ("H", [16]), 323: ("H", [16])}
        whole = np.zeros((32, 32), np.uint8)
        whole[:20, :21] = one
        tiles = [
            b"".join(packed(row, bits) for row in whole[y : y + 16, x : x + 16]) for y in (0, 16) for x in (0, 16)
        ]
        pack.add("tiff tiles", f"tiles-of-{bits}-bits.tif", tiff(tags, tiles, tiled=True), image, one)
    for count in [2, 5]:
        picture = rgb(6, 9)
        tags, rows = base(picture, 8, 2)
        pack.add("tiff pages", f"pages-{count}.tif", tiff(tags, [rows], more_pages=count - 1), picture)
        one = labels(6, 9, 5)
        tags, rows = base(one, 8, 1)
        pack.add("tiff pages", f"pages-labels-{count}.tif", tiff(tags, [rows], more_pages=count - 1), one)
    # As ImageJ and Cellpose write label images.
    for dtype, name in [(np.uint8, 8), (np.uint16, 16), (np.float32, 32)]:
        one = labels(13, 17, 90, dtype)
        file = io.BytesIO()
        tifffile.imwrite(file, one, imagej=True)
        image = None if dtype == np.float32 else one
        pack.add("tiff imagej", f"imagej-{name}.tif", file.getvalue(), image, one.astype(np.int32) if dtype == np.float32 else one)
    for dtype in [np.uint16, np.uint32, np.int32]:
        one = labels(13, 17, 300, dtype)
        file = io.BytesIO()
        tifffile.imwrite(file, one, compression="zlib")
        pack.add("tiff imagej", f"cellpose-{np.dtype(dtype).name}.tif", file.getvalue(), one if dtype == np.uint16 else None, one)
    picture = rgb(13, 17)
    tags, rows = base(picture, 8, 2)
    whole = tiff(tags, [rows])
    for cut in [10, 200, 600]:
        pack.add("tiff cut off", f"cut-{cut}.tif", whole[: len(whole) - cut], None)
    for name, compress in [("lzw", imagecodecs.lzw_encode), ("deflate", imagecodecs.zlib_encode), ("packbits", imagecodecs.packbits_encode), ("zstd", imagecodecs.zstd_encode)]:
        code = {"lzw": 5, "deflate": 8, "packbits": 32773, "zstd": 50000}[name]
        tags, rows = base(picture, 8, 2)
        tags[259] = ("H", [code])
        pack.add("tiff cut off", f"cut-{name}.tif", tiff(tags, [compress(rows)[:-100]]), None)
        pack.add("tiff cut off", f"short-{name}.tif", tiff(tags, [compress(rows[:-51])]), None)


def add_lossy(pack: Pack) -> None:
    height, width = 33, 40
    for k, sampling in enumerate(["1x1", "2x1", "2x2"]):
        picture = rgb(height, width, k)
        horizontal, vertical = (int(part) for part in sampling.split("x"))
        for where, name in [({"rowsperstrip": 16}, "strips"), ({"tile": (16, 32)}, "tiles")]:
            file = io.BytesIO()
            tifffile.imwrite(
                file, picture, metadata=None, photometric="ycbcr", subsampling=(vertical, horizontal)[::-1],
                compression="jpeg", compressionargs={"level": 90}, **where,
            )
            content = file.getvalue()
            pack.add("tiff jpeg", f"jpeg-{sampling}-{name}.tif", content, by_pillow(content), lossy=True)
            file = io.BytesIO()
            tifffile.imwrite(file, picture, metadata=None, photometric="rgb", compression="jpeg", compressionargs={"level": 90}, **where)
            content = file.getvalue()
            if k == 0:
                pack.add("tiff jpeg", f"jpeg-rgb-{name}.tif", content, by_pillow(content), lossy=True)
            file = io.BytesIO()
            tifffile.imwrite(file, picture[..., k], metadata=None, photometric="minisblack", compression="jpeg", **where)
            content = file.getvalue()
            pack.add("tiff jpeg", f"jpeg-grey-{k}-{name}.tif", content, by_pillow(content), lossy=True)
        # libtiff, through Pillow: tables beside the strips.
        for quality in [50, 90]:
            content = saved(picture, "TIFF", compression="jpeg", quality=quality)
            pack.add("tiff jpeg", f"pillow-jpeg-{quality}-{k}.tif", content, by_pillow(content), lossy=True)
            content = saved(picture[..., 0].copy(), "TIFF", compression="jpeg", quality=quality)
            pack.add("tiff jpeg", f"pillow-jpeg-grey-{quality}-{k}.tif", content, by_pillow(content), lossy=True)
        file = io.BytesIO()
        tifffile.imwrite(file, picture, metadata=None, photometric="rgb", compression="webp", compressionargs={"level": 80})
        content = file.getvalue()
        with tifffile.TiffFile(io.BytesIO(content)) as opened:
            pack.add("tiff webp", f"webp-lossy-{k}.tif", content, opened.asarray(), lossy=True)
        for name, code in [("jpeg2000", "jpeg2000"), ("jpegxl", "jpegxl"), ("png", "png")]:
            file = io.BytesIO()
            tifffile.imwrite(file, picture, metadata=None, photometric="rgb", compression=code)
            pack.add("tiff other compressions", f"{name}-{k}.tif", file.getvalue(), None)
    planes = [saved(rgb(24, 32)[..., c].copy(), "JPEG", quality=95) for c in range(3)]
    look = np.dstack([decoded(plane) for plane in planes])
    for photometric, name in [(2, "rgb"), (6, "ycbcr")]:
        tags, _ = base(rgb(24, 32), 8, photometric)
        tags |= {259: ("H", [7]), 284: ("H", [2])}
        image = look if photometric == 2 else None
        pack.add("tiff jpeg", f"jpeg-planes-{name}.tif", tiff(tags, planes), image, lossy=True)
    bits = labels(33, 40, 2)
    for name in ["tiff_ccitt", "group3", "group4"]:
        for invert in [False, True]:
            picture = Image.fromarray(bits * np.uint8(255)).convert("1")
            file = io.BytesIO()
            picture.save(file, "TIFF", compression=name, tiffinfo={262: 0 if invert else 1})
            content = file.getvalue()
            look = (by_pillow(content).astype(np.uint8) * 255).astype(np.uint8)
            pack.add("tiff ccitt", f"{name}-{'white' if invert else 'black'}.tif", content, look, look // 255)
