"""BMP of every kind, and the portable any-map formats, by writers of our own; Pillow agrees where it reads them."""

import io
import struct

import numpy as np
from PIL import Image

from pictures import Pack, deep, grey, labels, rgb, turned
from pngs import colours, packed


def bmp(
    rows: bytes,
    width: int,
    height: int,
    bits: int,
    *,
    compression: int = 0,
    header: int = 40,
    table: bytes = b"",
    used: int = 0,
    gap: int = 0,
    masks: tuple[int, ...] = (),
    cut_off: int = 0,
) -> bytes:
    """A BMP whose pixels are `rows`; a negative height is top-down."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(rows), 2835, 2835, used, 0)
        if header == 40 and masks:
            info += struct.pack(f"<{len(masks)}I", *masks)
        elif header > 40:
            body = struct.pack("<4I", *(*masks, 0, 0, 0, 0)[:4]) if header != 64 else b""
            colour_space = b"BGRs" if header >= 108 else b""
            info += (body + colour_space).ljust(header - 40, b"\0")
    start = 14 + len(info) + len(table) + gap
    whole = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + info + table + b"\xa5" * gap + rows
    return whole[: len(whole) - cut_off]


def lines(samples: np.ndarray, bits: int, top_down: bool = False) -> bytes:
    """Rows from the bottom up, each padded to four bytes."""
    body = b""
    for row in samples if top_down else samples[::-1]:
        line = packed(row.reshape(-1), bits)
        body += line + b"\0" * (-len(line) % 4)
    return body


def run_lengths(index: np.ndarray, bits: int, style: str) -> bytes:
    """RLE8 or RLE4 with runs, absolute stretches, or a jump over pixels that are 0."""
    body = b""
    for row in index[::-1]:
        values = row.tolist()
        if style == "runs":
            at = 0
            while at < len(values):
                end = at
                while end < len(values) and values[end] == values[at] and end - at < 255:
                    end += 1
                value = values[at] if bits == 8 else values[at] * 17
                body += bytes([end - at, value])
                at = end
        elif style == "pairs":
            # Runs of two colours that alternate, of RLE4 only.
            for at in range(0, len(values), 2):
                pair = (values[at : at + 2] + [0])[:2]
                body += bytes([min(2, len(values) - at), pair[0] * 16 + pair[1]])
        else:
            first = 0
            if style == "jump" and values[0] == 0 and values[1] == 0:
                body, first = body + bytes([0, 2, 2, 0]), 2
            for at in range(first, len(values), 7):
                part = values[at : at + 7]
                if len(part) < 3:
                    body += b"".join(bytes([1, v if bits == 8 else v * 17]) for v in part)
                    continue
                data = packed(np.array(part), bits)
                body += bytes([0, len(part)]) + data + b"\0" * (len(data) % 2)
        body += b"\0\0"
    return body + b"\0\1"


def bgr0(table: np.ndarray, size: int = 4) -> bytes:
    return b"".join(bytes([*colour[::-1]]) + b"\0" * (size - 3) for colour in table)


def add_bmps(pack: Pack) -> None:
    def add(kind: str, name: str, content: bytes, image, mask=None, by_pillow: bool = True) -> None:
        if image is not None and by_pillow:
            pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
            assert (pixels == image).all(), f"Pillow reads {name} otherwise"
        pack.add(kind, f"{name}.bmp", content, image, mask)

    for k, (height, width) in enumerate([(6, 9), (13, 17), (33, 40), (1, 3)]):
        end = f"{width}x{height}"
        for bits in [1, 4, 8]:
            count = 2**bits
            index, table = labels(height, width, count, seed=k), colours(count, k)
            rows, image = lines(index, bits), table[index]
            add("bmp palette", f"palette{bits}-{end}", bmp(rows, width, height, bits, table=bgr0(table)), image, index)
            down = bmp(lines(index, bits, True), width, -height, bits, table=bgr0(table))
            add("bmp palette", f"palette{bits}-top-down-{end}", down, image, index)
            core = bmp(rows, width, height, bits, header=12, table=bgr0(table, 3))
            add("bmp os/2", f"palette{bits}-core-{end}", core, image, index)
            gap = bmp(rows, width, height, bits, table=bgr0(table), gap=12)
            add("bmp gap", f"palette{bits}-gap-{end}", gap, image, index)
            five = bmp(rows, width, height, bits, table=bgr0(table), header=124)
            add("bmp palette", f"palette{bits}-v5-{end}", five, image, index)
            few = labels(height, width, max(2, count // 3), seed=k)
            used = max(2, count // 3)
            content = bmp(lines(few, bits), width, height, bits, table=bgr0(table[:used]), used=used)
            add("bmp palette", f"palette{bits}-used-{end}", content, table[few], few)
        for bits, compression in [(8, 1), (4, 2)]:
            index, table = labels(height, width, 2**bits, seed=k), colours(2**bits, k)
            index[:, :3] = 0
            for style in ["runs", "absolute", "jump", *(["pairs"] if bits == 4 else [])]:
                rows = run_lengths(index, bits, style)
                for gap in [0, 8]:
                    content = bmp(rows, width, height, bits, compression=compression, table=bgr0(table), gap=gap)
                    # Pillow leaves out what a jump passes over in some files.
                    name = f"rle{bits}-{style}-{'gap-' if gap else ''}{end}"
                    add("bmp rle", name, content, table[index], index, by_pillow=style != "jump")
        picture = rgb(height, width, k)
        bgr = picture[..., ::-1]
        add("bmp 24 bits", f"rgb24-{end}", bmp(lines(bgr, 8), width, height, 24), picture)
        add("bmp 24 bits", f"rgb24-top-down-{end}", bmp(lines(bgr, 8, True), width, -height, 24), picture)
        add("bmp gap", f"rgb24-gap-{end}", bmp(lines(bgr, 8), width, height, 24, gap=30), picture)
        add("bmp 24 bits", f"rgb24-used-{end}", bmp(lines(bgr, 8), width, height, 24, used=2**24), picture)
        add("bmp 24 bits", f"rgb24-palette-{end}", bmp(lines(bgr, 8), width, height, 24, used=7, table=bgr0(colours(7))), picture)
        add("bmp os/2", f"rgb24-core-{end}", bmp(lines(bgr, 8), width, height, 24, header=12), picture)
        add("bmp os/2", f"rgb24-os2-64-{end}", bmp(lines(bgr, 8), width, height, 24, header=64), picture)
        for header in [52, 56, 108, 124]:
            add("bmp 24 bits", f"rgb24-header{header}-{end}", bmp(lines(bgr, 8), width, height, 24, header=header), picture)
        for fill in [0, 255, 77]:
            bgrx = np.dstack([bgr, np.full((height, width), fill, np.uint8)])
            add("bmp 32 bits", f"rgb32-{fill}-{end}", bmp(lines(bgrx, 8), width, height, 32), picture)
        bgrx = np.dstack([bgr, np.full((height, width), 255, np.uint8)])
        rgbx = np.dstack([picture, np.full((height, width), 255, np.uint8)])
        masks = (0xFF0000, 0xFF00, 0xFF)
        fields = {"compression": 3}
        content = bmp(lines(bgrx, 8), width, height, 32, masks=masks, **fields)
        add("bmp bitfields", f"fields32-{end}", content, picture)
        content = bmp(lines(rgbx, 8), width, height, 32, masks=masks[::-1], **fields)
        add("bmp bitfields", f"fields32-rgb-{end}", content, picture, by_pillow=False)
        for header in [56, 108, 124]:
            content = bmp(lines(bgrx, 8), width, height, 32, masks=(*masks, 0xFF000000), header=header, **fields)
            add("bmp bitfields", f"fields32-alpha-{header}-{end}", content, picture)
        faint = bgrx.copy()
        faint[0, 0, 3] = 9
        content = bmp(lines(faint, 8), width, height, 32, masks=(*masks, 0xFF000000), header=124, **fields)
        add("bmp transparent", f"faint-{end}", content, None)
        for name, widths, masks in [("555", (5, 5, 5), (0x7C00, 0x3E0, 0x1F)), ("565", (5, 6, 5), (0xF800, 0x7E0, 0x1F))]:
            parts = [picture[..., c].astype(int) >> (8 - widths[c]) for c in range(3)]
            shifts = [widths[1] + widths[2], widths[2], 0]
            words = sum(parts[c] << shifts[c] for c in range(3)).astype(np.uint16)
            rows = b"".join(row.astype("<u2").tobytes() + b"\0" * (-2 * width % 4) for row in words[::-1])
            # Each part takes up the whole range 0 to 255; Pillow rounds to the nearest or cuts off.
            image = np.stack([parts[c] * 255 // (2 ** widths[c] - 1) for c in range(3)], -1).astype(np.uint8)
            content = bmp(rows, width, height, 16, masks=masks, **fields)
            add("bmp 16 bits", f"fields16-{name}-{end}", content, image)
            if name == "555":
                add("bmp 16 bits", f"rgb16-{end}", bmp(rows, width, height, 16), image)
    cut = bmp(lines(rgb(13, 17), 8), 17, 13, 24, cut_off=40)
    add("bmp cut off", "cut", cut, None)
    index = labels(13, 17, 16)
    table = bgr0(colours(16))
    add("bmp cut off", "cut-rle", bmp(run_lengths(index, 4, "runs"), 17, 13, 4, compression=2, table=table, cut_off=60), None)


def add_pnms(pack: Pack) -> None:
    def add(kind: str, name: str, content: bytes, image, mask=None) -> None:
        pack.add(kind, name, content, image, mask)

    def text(samples: np.ndarray) -> bytes:
        return b"\n".join(b" ".join(str(v).encode() for v in row) for row in samples.reshape(samples.shape[0], -1)) + b"\n"

    for k, (height, width) in enumerate([(6, 9), (13, 17), (1, 5)]):
        size = f"{width} {height}\n".encode()
        end = f"{width}x{height}"
        bits = labels(height, width, 2, seed=k)
        # In a bitmap 1 is black.
        upright = ((1 - bits) * 255).astype(np.uint8)
        add("pbm", f"text-{end}.pbm", b"P1\n# a comment\n" + size + text(bits), upright, 1 - bits)
        together = b"\n".join("".join(map(str, row)).encode() for row in bits.tolist())
        add("pbm", f"text-together-{end}.pbm", b"P1 " + size + together, upright, 1 - bits)
        rows = b"".join(np.packbits(row).tobytes() for row in bits)
        add("pbm", f"bits-{end}.pbm", b"P4\n" + size + rows, upright, 1 - bits)
        one, colour = grey(height, width, k), rgb(height, width, k)
        for name, picture, magic in [("grey", one, 2), ("rgb", colour, 3)]:
            kind, suffix = ("pgm", "pgm") if magic == 2 else ("ppm", "ppm")
            wide = deep(picture, k)
            is_mask = magic == 2
            head = f"P{magic}\n# {name}\n".encode() + size
            add(kind, f"{name}-text8-{end}.{suffix}", head + b"255\n" + text(picture), picture, picture if is_mask else None)
            add(kind, f"{name}-text16-{end}.{suffix}", head + b"65535\n" + text(wide), wide, wide if is_mask else None)
            head = f"P{magic + 3}\n#{name}\n".encode() + size
            add(kind, f"{name}-8-{end}.{suffix}", head + b"255\n" + picture.tobytes(), picture, picture if is_mask else None)
            raw = wide.astype(">u2").tobytes()
            add(kind, f"{name}-16-{end}.{suffix}", head + b"65535\n" + raw, wide, wide if is_mask else None)
            for most in [1, 3, 15]:
                small = (picture.astype(int) * most // 255).astype(np.uint8)
                image = (small * (255 // most)).astype(np.uint8)
                content = head + f"{most}\n".encode() + small.tobytes()
                add(kind, f"{name}-of-{most}-{end}.{suffix}", content, image, small if is_mask else None)
            for most in [100, 4095]:
                small = (picture.astype(int) * most // 255).astype(np.uint16)
                content = head + f"{most}\n".encode() + small.astype(">u2" if most > 255 else "u1").tobytes()
                add(f"{kind} of other maxima", f"{name}-of-{most}-{end}.{suffix}", content, None, small if is_mask else None)
        add("pgm cut off", f"cut-{end}.pgm", b"P5\n" + size + b"255\n" + one.tobytes()[:-1], None)
        add("pgm cut off", f"cut-text-{end}.pgm", b"P2\n" + size + b"255\n" + text(one)[:-5], None)
