"""JPEG and WebP: what Pillow (libjpeg-turbo, libwebp) decodes is what is right."""

import io
import struct
import subprocess

import imagecodecs
import numpy as np
from PIL import Image, ImageCms, ImageOps

from pictures import Pack, grey, rgb, turned


def saved(picture: np.ndarray, format: str, mode: str | None = None, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture, mode).save(file, format, **options)
    return file.getvalue()


def decoded(content: bytes) -> np.ndarray:
    """As Pillow does, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def segments(content: bytes) -> list[bytes]:
    """SOI, each marker segment, and the rest from the first scan on."""
    at, parts = 2, [content[:2]]
    while content[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        parts.append(content[at:end])
        at = end
    return [*parts, content[at:]]


def without(content: bytes, marker: int) -> bytes:
    return b"".join(part for part in segments(content) if part[1] != marker)


def with_component_ids(content: bytes, ids: bytes) -> bytes:
    parts = [bytearray(part) for part in segments(content)]
    for part in parts:
        if part[1] in (0xC0, 0xC2):
            for k in range(3):
                part[10 + 3 * k] = ids[k]
    scan = parts[-1]
    for k in range(scan[4]):
        scan[5 + 2 * k] = ids[k]
    return b"".join(parts)


def adobe(transform: int) -> bytes:
    return b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + bytes([transform])


def with_adobe(content: bytes, transform: int) -> bytes:
    return content[:2] + adobe(transform) + content[2:]


def by_cjpeg(picture: np.ndarray, *arguments: str) -> bytes:
    height, width = picture.shape[:2]
    header = f"P{6 if picture.ndim == 3 else 5} {width} {height} 255\n".encode()
    return subprocess.run(
        ["cjpeg", *arguments], input=header + picture.tobytes(), capture_output=True, check=True
    ).stdout


def add_jpegs(pack: Pack) -> None:
    def add(kind: str, name: str, content: bytes, is_read: bool = True) -> None:
        image = decoded(content) if is_read else None
        pack.add(kind, f"{name}.jpg", content, image, lossy=True)

    sizes = [(6, 9), (16, 16), (33, 40), (17, 8), (1, 1), (9, 31)]
    for k, (height, width) in enumerate(sizes):
        picture = rgb(height, width, k)
        for sampling in ["4:4:4", "4:2:2", "4:2:0", "4:1:1"]:
            for progressive in [False, True]:
                quality = [30, 75, 92, 100, 60, 85][k]
                name = f"{sampling.replace(':', '')}-{'progressive' if progressive else 'baseline'}-{width}x{height}"
                options = {"subsampling": sampling, "progressive": progressive, "quality": quality}
                add(f"jpeg {sampling}", name, saved(picture, "JPEG", **options))
        for factor in ["1x2", "4x2", "2x2,1x2,1x1", "2x1,1x1,2x1", "2x2,2x1,1x1"]:
            content = by_cjpeg(picture, "-quality", "80", "-sample", factor)
            add("jpeg other sampling", f"sampling-{factor.replace(',', '_')}-{width}x{height}", content)
        content = by_cjpeg(picture, "-arithmetic", "-sample", "2x2")
        add("jpeg arithmetic", f"arithmetic-{width}x{height}", content)
        add("jpeg grey", f"grey-{width}x{height}", saved(grey(height, width, k), "JPEG", quality=80))
        add("jpeg grey", f"grey-progressive-{width}x{height}", saved(grey(height, width, k), "JPEG", progressive=True))
        options = {"restart_marker_blocks": 1, "subsampling": 2}
        add("jpeg restart", f"restart-blocks-{width}x{height}", saved(picture, "JPEG", **options))
        add("jpeg restart", f"restart-rows-{width}x{height}", saved(picture, "JPEG", restart_marker_rows=1, progressive=True))
        kept = saved(picture, "JPEG", keep_rgb=True, quality=90)
        add("jpeg rgb", f"rgb-{width}x{height}", kept)
        add("jpeg rgb", f"rgb-by-ids-{width}x{height}", without(kept, 0xEE))
        add("jpeg rgb", f"rgb-by-adobe-{width}x{height}", with_component_ids(kept, bytes([1, 2, 3])))
        plain = without(saved(picture, "JPEG", subsampling=1), 0xE0)
        add("jpeg ycbcr", f"no-jfif-{width}x{height}", plain)
        add("jpeg ycbcr", f"adobe-1-{width}x{height}", with_adobe(plain, 1))
        add("jpeg ycbcr", f"ids-0-{width}x{height}", with_component_ids(plain, bytes([0, 1, 2])))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same profile with the primaries of another space: red and blue exchanged.
    swapped = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    for k, icc in enumerate([profile, swapped]):
        add("jpeg profile", f"profile-{k}", saved(rgb(16, 24), "JPEG", icc_profile=icc))
        add("jpeg profile", f"profile-grey-{k}", saved(grey(16, 24), "JPEG", icc_profile=icc))
    for orientation in range(1, 9):
        picture = rgb(13, 22, orientation)
        options = {"exif": exif_of(orientation), "quality": 90}
        add("jpeg orientation", f"orientation-{orientation}", saved(picture, "JPEG", subsampling=2, **options))
        add("jpeg orientation", f"orientation-grey-{orientation}", saved(picture[..., 0].copy(), "JPEG", **options))
    cmyk = np.dstack([rgb(12, 14), grey(12, 14, 3)])
    add("jpeg cmyk", "cmyk", saved(cmyk, "JPEG", "CMYK"), is_read=False)
    ycck = imagecodecs.jpeg8_encode(cmyk, colorspace="CMYK", outcolorspace="YCCK")
    add("jpeg cmyk", "ycck", ycck, is_read=False)
    add("jpeg cmyk", "cmyk-adobe-0", with_adobe(without(ycck, 0xEE), 0), is_read=False)
    twelve = imagecodecs.jpeg8_encode(rgb(9, 12).astype(np.uint16) * 16, bitspersample=12)
    add("jpeg 12 bits", "bits-12", twelve, is_read=False)
    pack.add("jpeg lossless", "lossless.jpg", imagecodecs.ljpeg_encode(grey(9, 12)), grey(9, 12))
    whole = saved(rgb(33, 40), "JPEG", quality=90)
    for share in [0.3, 0.6, 0.9]:
        add("jpeg cut off", f"cut-{share}", whole[: int(len(whole) * share)], is_read=False)
        add("jpeg cut off", f"cut-ended-{share}", whole[: int(len(whole) * share)] + b"\xff\xd9", is_read=False)


def add_webps(pack: Pack) -> None:
    def add(kind: str, name: str, content: bytes, is_read: bool = True) -> None:
        image = decoded(content)[..., :3] if is_read else None
        pack.add(kind, f"{name}.webp", content, image, lossy="lossy" in kind)

    for k, (height, width) in enumerate([(6, 9), (16, 16), (33, 40), (1, 1), (17, 8)]):
        picture = rgb(height, width, k)
        for quality in [5, 50, 95]:
            add("webp lossy", f"lossy-{quality}-{width}x{height}", saved(picture, "WEBP", quality=quality))
        add("webp lossless", f"lossless-{width}x{height}", saved(picture, "WEBP", lossless=True))
        opaque = np.dstack([picture, np.full((height, width), 255, np.uint8)])
        add("webp lossless", f"opaque-{width}x{height}", saved(opaque, "WEBP", lossless=True))
        faint = opaque.copy()
        faint[0, 0, 3] = 128
        add("webp transparent", f"faint-{width}x{height}", saved(faint, "WEBP", lossless=True, exact=True), False)
        add("webp transparent", f"faint-lossy-{width}x{height}", saved(faint, "WEBP", quality=90), False)
    for orientation in range(1, 9):
        content = saved(rgb(13, 22, orientation), "WEBP", lossless=True, exif=exif_of(orientation))
        add("webp orientation", f"orientation-{orientation}", content)
    frames = [Image.fromarray(rgb(12, 15, k)) for k in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    pack.add("webp animated", "animated.webp", file.getvalue(), rgb(12, 15, 0))
    whole = saved(rgb(33, 40), "WEBP", quality=90)
    add("webp cut off", "cut", whole[: len(whole) // 2], is_read=False)
