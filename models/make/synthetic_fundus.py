"""Synthetic fundus photographs with label maps, drawn from a seed.

    python synthetic_fundus.py --seed 7 --count 12 --sheet sheet.png

Each picture is painted in layers: background and choroid, macula, lesions,
optic disc with its cup, parapapillary atrophy, vessel tree, field of view,
camera. Two kinds of photograph are covered, and everything between them: the
wide field with a round black border, and the close-up of the optic disc.
Nothing is taken from a real photograph.
"""

import argparse
import io
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

SIZE = 408
"""Pixels a side."""

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

ROWS, COLUMNS = (grid.astype(np.float32) for grid in np.mgrid[:SIZE, :SIZE])


@dataclass(frozen=True)
class Fundus:
    """A picture and what is where on it. The disc is filled: cup and vessels on it belong to it."""

    image: NDArray[np.uint8]
    disc: Mask
    cup: Mask
    vessel: Mask

    def labels(self, classes: int) -> NDArray[np.uint8]:
        """2 classes: background, optic disc. 4 classes: background, rim of the disc, cup, vessel."""
        labels = self.disc.astype(np.uint8)
        if classes == 4:
            labels[self.cup] = 2
            labels[self.vessel] = 3
        return labels


@dataclass(frozen=True)
class Variation:
    """How far the pictures go from a clear photograph of a healthy eye."""

    greenish: float
    """Share of backgrounds with an odd, greenish colour."""
    slope: float
    """Spread of the slope of the illumination."""
    patches: float
    """Share of pictures with large pale patches that are no optic disc."""
    patch: float
    """Largest radius of such a patch."""
    atrophy: float
    """Strongest paleness of the atrophy around the disc."""
    rim: float
    """Weakest paleness of the disc's rim."""
    cup: float
    """Strongest paleness of the cup over the rim."""
    vessels: float
    """Weakest visibility of the vessels."""
    reflexes: float = 0
    """Share of pictures with pale reflexes of the nerve fibres along the vessels."""


VARIATIONS = {
    "wide": Variation(
        greenish=0.08, slope=0.28, patches=0.3, patch=60, atrophy=0.5, rim=0.2, cup=0.9, vessels=0.35
    ),
    "moderate": Variation(
        greenish=0.02, slope=0.2, patches=0.12, patch=20, atrophy=0.25, rim=0.4, cup=0.7, vessels=0.5
    ),
    "reflexes": Variation(
        greenish=0.02, slope=0.2, patches=0.12, patch=20, atrophy=0.25, rim=0.4, cup=0.7, vessels=0.5,
        reflexes=0.75,
    ),
}
"""Wide: some discs are hard to tell from their surroundings even for a person. Moderate: few are.
Reflexes: moderate, with a sheen along the vessels that a network may take for the disc."""


@dataclass(frozen=True)
class Disc:
    """Outline of the optic disc: an ellipse with a few low harmonics on its radius."""

    row: float
    column: float
    diameter: float
    aspect: float
    tilt: float
    harmonics: tuple[tuple[int, float, float], ...]
    temporal: float
    """1 when the macula lies to the right, -1 when it lies to the left."""

    def radius(self, scale: float = 1, shift: tuple[float, float] = (0, 0)) -> Map:
        """Distance from the centre in units of the outline: 1 on the outline, less inside it."""
        down = ROWS - self.row - shift[0]
        right = COLUMNS - self.column - shift[1]
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        u = (right * cos + down * sin) / self.aspect
        v = (down * cos - right * sin) * self.aspect
        outline = np.ones_like(u)
        angle = np.arctan2(v, u)
        for order, amplitude, phase in self.harmonics:
            outline += amplitude * np.cos(order * angle + phase)
        return (np.hypot(u, v) / (outline * self.diameter / 2 * scale)).astype(np.float32)


def smooth_noise(random: Generator, cells: int) -> Map:
    """Smooth random field of about zero mean and unit spread with `cells` bumps a side."""
    coarse = random.standard_normal((cells + 1, cells + 1)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def logistic(value: Map) -> Map:
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))


def mix(image: Map, colour: Map | NDArray, amount: Map) -> Map:
    return image + amount[..., None] * (colour - image)


def fundus(random: Generator, variation: Variation) -> Fundus:
    """One picture; the same generator state gives the same picture."""
    wide = random.random() < 0.5
    view = field_of_view(random, wide)
    disc = place_disc(random, wide, view)
    present = random.random() > 0.05

    background = background_colour(random, variation)
    image = paint_background(random, background, variation)
    image = paint_macula(random, image, disc, wide)
    image = paint_lesions(random, image, variation)
    if present:
        image, inside, cup = paint_disc(random, image, background, disc, variation)
    else:
        inside = cup = np.zeros((SIZE, SIZE), bool)
    image, vessel = paint_vessels(random, image, disc, wide, variation)
    if variation.reflexes and random.random() < variation.reflexes:
        image = paint_reflexes(random, image, vessel, disc)
    image = paint_haze(random, image, disc)
    visible = view > 0.5
    image, visible = take_photograph(random, image, view, visible)
    return Fundus(image, inside & visible, cup & visible, vessel & visible)


def field_of_view(random: Generator, wide: bool) -> Map:
    """1 where the retina is seen, 0 in the black border."""
    view = np.ones((SIZE, SIZE), np.float32)
    softness = random.uniform(0.4, 2.5)
    if wide and random.random() < 0.85:
        radius = random.uniform(0.44, 0.6) * SIZE
        row, column = SIZE / 2 + random.normal(0, 8, 2)
        distance = np.hypot(ROWS - row, COLUMNS - column)
        view = logistic((radius - distance) / softness)
        if random.random() < 0.4:  # the notch that some cameras put on the border
            angle = random.uniform(0, 2 * np.pi)
            down, right = ROWS - row, COLUMNS - column
            along = right * np.cos(angle) + down * np.sin(angle)
            across = np.abs(down * np.cos(angle) - right * np.sin(angle))
            size = random.uniform(6, 16)
            notch = (along > radius - size) & (along < radius + size) & (across < size)
            view = np.maximum(view, notch.astype(np.float32))
        if random.random() < 0.3:  # top and bottom cut straight
            cut = random.uniform(0, 0.15) * SIZE
            view = view * logistic((ROWS - cut) / softness) * logistic((SIZE - cut - ROWS) / softness)
    elif random.random() < 0.35:
        margin = random.uniform(5, 90)
        straight = logistic((COLUMNS - margin + random.normal(0, 0.02) * ROWS) / softness)
        view = np.rot90(straight, random.integers(4)).astype(np.float32).copy()
    return view


def place_disc(random: Generator, wide: bool, view: Map) -> Disc:
    if wide:
        diameter = np.exp(random.uniform(np.log(42), np.log(85)))
    else:
        diameter = np.exp(random.uniform(np.log(70), np.log(195)))
    edge = random.random()
    for _ in range(100):
        if edge < 0.12:  # near the edge or partly out of the frame
            row, column = random.uniform(-0.06, 1.06, 2) * SIZE
        else:
            row, column = random.uniform(0.12, 0.88, 2) * SIZE
        inside = view[int(np.clip(row, 0, SIZE - 1)), int(np.clip(column, 0, SIZE - 1))] > 0.5
        if inside:
            break
    orders = random.permutation([2, 3, 4, 5])[: random.integers(1, 4)]
    harmonics = tuple(
        (int(order), random.uniform(0, 0.11) / (order - 1), random.uniform(0, 2 * np.pi))
        for order in orders
    )
    return Disc(
        row=float(row),
        column=float(column),
        diameter=float(diameter),
        aspect=float(random.uniform(0.86, 1.04)),
        tilt=float(random.normal(0, 0.3)),
        harmonics=harmonics,
        temporal=float(np.sign(SIZE / 2 - column + random.normal(0, 60))),
    )


def background_colour(random: Generator, variation: Variation) -> NDArray:
    """Dark red-brown, orange, yellowish, now and then pale or greenish."""
    red = random.uniform(0.3, 0.95)
    green = red * np.exp(random.uniform(np.log(0.12), np.log(0.55)))
    blue = green * np.exp(random.uniform(np.log(0.08), np.log(0.85)))
    if random.random() < variation.greenish:
        green = red * random.uniform(0.5, 0.9)
    return np.array([red, green, blue], np.float32)


def paint_background(random: Generator, colour: NDArray, variation: Variation) -> Map:
    image = np.broadcast_to(colour, (SIZE, SIZE, 3)).copy()
    # slow changes of light and tint
    image *= np.exp(random.uniform(0.02, 0.14) * smooth_noise(random, 3))[..., None]
    tint = random.normal(0, 0.045, 3).astype(np.float32)
    image *= np.exp(smooth_noise(random, 4)[..., None] * tint)
    # choroid: blotches and broad dark or bright bands
    if random.random() < 0.75:
        blotches = sum(smooth_noise(random, cells) / cells**0.3 for cells in (9, 18, 36))
        image *= np.exp(random.uniform(0.005, 0.07) * blotches)[..., None]
    if random.random() < 0.45:
        bands = np.abs(smooth_noise(random, int(random.integers(8, 22))))
        bands = np.clip(1 - bands * random.uniform(2, 5), 0, 1)
        strength = random.uniform(-0.3, 0.25)
        image *= (1 + strength * bands * logistic(2 * smooth_noise(random, 3)))[..., None]
    # uneven illumination
    angle = random.uniform(0, 2 * np.pi)
    ramp = (np.cos(angle) * (COLUMNS - SIZE / 2) + np.sin(angle) * (ROWS - SIZE / 2)) / SIZE
    image *= np.exp(random.normal(0, variation.slope) * ramp)[..., None]
    row, column = SIZE / 2 + random.normal(0, 80, 2)
    distance = np.hypot(ROWS - row, COLUMNS - column) / SIZE
    image *= np.exp(-random.uniform(0, 1.4) * distance**2)[..., None]
    return image


def paint_macula(random: Generator, image: Map, disc: Disc, wide: bool) -> Map:
    if random.random() < 0.2:
        return image
    away = disc.diameter * random.uniform(2, 3)
    row = disc.row + disc.diameter * random.normal(0.2, 0.25)
    column = disc.column + disc.temporal * away
    size = disc.diameter * random.uniform(0.25, 0.75)
    spot = np.exp(-(((ROWS - row) ** 2 + (COLUMNS - column) ** 2) / (2 * size**2)))
    depth = random.uniform(0.08, 0.5)
    image = image * (1 - spot[..., None] * depth * np.array([0.5, 1, 1], np.float32))
    if random.random() < 0.3:  # ring-shaped reflex around it
        ring = np.exp(-((np.hypot(ROWS - row, COLUMNS - column) - 2 * size) ** 2) / (size * 0.4) ** 2)
        image = image * (1 + random.uniform(0, 0.15) * ring)[..., None]
    return image.astype(np.float32)


def pale_colour(random: Generator, image_colour: NDArray) -> NDArray:
    """Yellow-white to dull orange, brighter than the given colour."""
    red = min(1.05, image_colour[0] * random.uniform(1.0, 1.9) + 0.05)
    green = red * random.uniform(0.45, 1.0)
    blue = green * random.uniform(0.2, 0.95)
    return np.array([red, green, blue], np.float32)


def paint_lesions(random: Generator, image: Map, variation: Variation) -> Map:
    """Distractors: exudates, cotton-wool spots, reflections, haemorrhages, scars, pigment."""
    base = image.mean((0, 1))
    if random.random() < 0.25:  # clusters of small bright exudates
        dots = np.zeros((SIZE, SIZE), np.float32)
        for _ in range(random.integers(1, 5)):
            row, column = random.uniform(0, SIZE, 2)
            for _ in range(random.integers(3, 30)):
                y, x = random.normal((row, column), random.uniform(8, 40))
                size = random.uniform(0.8, 4)
                dots = np.maximum(dots, blob(random, y, x, size, 1.5))
        image = mix(image, pale_colour(random, base), dots * random.uniform(0.3, 1))
    if random.random() < variation.patches:  # large pale patches without vessels that converge on them
        for _ in range(random.integers(1, 4)):
            row, column = random.uniform(0, SIZE, 2)
            size = random.uniform(8, variation.patch)
            patch = blob(random, row, column, size, random.uniform(0.5, 0.5 + size / 3), wavy=True)
            image = mix(image, pale_colour(random, base), patch * random.uniform(0.1, 0.7))
    if random.random() < 0.35:  # dark spots
        for _ in range(random.integers(1, 9)):
            row, column = random.uniform(0, SIZE, 2)
            size = np.exp(random.uniform(np.log(1.5), np.log(30)))
            spot = blob(random, row, column, size, random.uniform(0.5, 0.5 + size / 2), wavy=True)
            dark = image * np.array([0.6, 0.4, 0.5]) * random.uniform(0.5, 1.2)
            image = mix(image, dark, spot * random.uniform(0.15, 0.9))
    return image.astype(np.float32)


def blob(
    random: Generator, row: float, column: float, size: float, softness: float, wavy: bool = False
) -> Map:
    distance = np.hypot(ROWS - row, (COLUMNS - column) * random.uniform(0.7, 1.4))
    if wavy:
        distance = distance * (1 + 0.25 * smooth_noise(random, int(np.clip(SIZE / size / 2, 2, 40))))
    return logistic((size - distance) / softness).astype(np.float32)


def paint_disc(
    random: Generator, image: Map, background: NDArray, disc: Disc, variation: Variation
) -> tuple[Map, Mask, Mask]:
    """Atrophy and pigment around the disc, then its rim, then its cup."""
    radius = disc.radius()
    inside = radius < 1
    unit = disc.diameter / 2
    base = image[inside].mean(0) if inside.any() else background
    pale = pale_colour(random, base)

    if random.random() < 0.45:  # parapapillary atrophy, mostly on the temporal side
        shift = (random.normal(0, 0.05) * unit, disc.temporal * random.uniform(0, 0.35) * unit)
        outer = disc.radius(random.uniform(1.02, 1.4), shift)
        zone = logistic((1 - outer) * unit / random.uniform(0.6, 6))
        if random.random() < 0.65:
            mottled = 1 + 0.3 * smooth_noise(random, 24)
            image = mix(image, pale, zone * mottled * random.uniform(0.05, variation.atrophy))
        else:
            image = image * (1 - random.uniform(0.1, 0.5) * zone[..., None])
    if random.random() < 0.4:  # crescent of pigment on the border
        angle = np.arctan2(ROWS - disc.row, COLUMNS - disc.column)
        middle = random.uniform(0, 2 * np.pi) if random.random() < 0.4 else (1 - disc.temporal) * np.pi / 2
        sector = np.clip(np.cos(angle - middle - random.normal(0, 0.4)), 0, 1) ** random.uniform(1, 8)
        band = np.exp(-(((radius - random.uniform(0.98, 1.12)) / random.uniform(0.02, 0.1)) ** 2))
        patchy = logistic(3 * smooth_noise(random, int(np.clip(500 / unit, 6, 40))))
        image = image * (1 - random.uniform(0.2, 0.85) * (sector * band * patchy)[..., None])
    if random.random() < 0.5:  # glow or shadow around the disc
        halo = np.exp(-np.clip(radius - 1, 0, None) * random.uniform(0.8, 4))
        image = image * (1 + random.uniform(-0.35, 0.3) * halo[..., None])

    softness = random.uniform(0.5, 0.5 + 0.03 * disc.diameter)
    edge = logistic((1 - radius) * unit / softness)
    if random.random() < 0.4:  # border that is sharp in one part and blurred in another
        vague = logistic((1 - radius) * unit / (softness + 0.06 * unit))
        share = logistic(2 * smooth_noise(random, 3))
        edge = share * edge + (1 - share) * vague

    # rim: from a hardly visible orange to nearly the colour of the cup
    rim = random.uniform(variation.rim, 0.8)
    if random.random() < 0.5:
        rim *= 0.65
    angle = np.arctan2(ROWS - disc.row, COLUMNS - disc.column)
    side = 0.5 + 0.5 * np.cos(angle - random.uniform(0, 2 * np.pi))
    uneven = 1 - random.uniform(0, 0.55) * side + random.uniform(0, 0.15) * smooth_noise(random, 12)
    image = mix(image, pale, edge * np.clip(rim * uneven, 0.09, 1))
    if random.random() < 0.3:  # scleral ring
        ring = np.exp(-(((radius - random.uniform(0.93, 1.0)) / random.uniform(0.02, 0.06)) ** 2))
        image = mix(image, pale, ring * random.uniform(0.1, 0.5))

    # cup
    ratio = random.uniform(0.25, 0.85)
    room = (1 - ratio) * unit
    shift = (random.uniform(-0.3, 0.3) * room, random.uniform(-0.5, 0.5) * room)
    cup_radius = disc.radius(ratio, shift) / random.uniform(0.95, 1.05)
    cup = (cup_radius < 1) & inside
    cup_softness = random.uniform(0.6, 0.6 + 0.12 * unit)
    cup_edge = logistic((1 - cup_radius) * unit * ratio / cup_softness) * edge
    cup_colour = np.clip(pale * random.uniform(1.0, 1.5), 0, 1.1) + np.array(
        [0, random.uniform(0, 0.1), random.uniform(0, 0.1)], np.float32
    )
    image = mix(image, cup_colour, cup_edge * random.uniform(0.15, variation.cup))
    if random.random() < 0.4:  # fine texture of the disc
        image = image * (1 + 0.06 * edge * smooth_noise(random, 60))[..., None]
    return image.astype(np.float32), inside, cup


def paint_vessels(
    random: Generator, image: Map, disc: Disc, wide: bool, variation: Variation
) -> tuple[Map, Mask]:
    """Arteries and veins from the disc outwards, over it and over everything painted before."""
    scale = disc.diameter
    share = random.uniform(0.045, 0.1) if not wide else random.uniform(0.05, 0.12)
    trunk = max(2.2, share * scale)
    row = disc.row + scale * random.normal(0, 0.06)
    column = disc.column - disc.temporal * scale * random.normal(0.06, 0.1)

    trees: dict[str, list] = {"artery": [], "vein": []}
    for kind, paths in trees.items():
        width = trunk * (1 if kind == "vein" else random.uniform(0.6, 0.95))
        for vertical in (-1, 1):
            for side in (disc.temporal, -disc.temporal):
                if random.random() < 0.06:
                    continue
                spread = random.uniform(0.1, 0.9) if side == disc.temporal else random.uniform(0.2, 1.2)
                heading = np.arctan2(vertical, side * spread)
                # temporal arcades bend around the macula
                bend = -vertical * side * random.uniform(0.0, 0.35) * (side == disc.temporal)
                start = random.normal((row, column), scale * 0.05)
                strength = width * random.uniform(0.6, 1.1)
                paths += grow(random, *start, heading, strength, scale, bend * -1, 0)
        for _ in range(random.integers(1, 7)):  # small vessels straight from the disc
            heading = random.uniform(0, 2 * np.pi)
            start = random.normal((row, column), scale * 0.08)
            paths += grow(random, *start, heading, width * random.uniform(0.2, 0.45), scale, 0, 1)
    if random.random() < 0.3:  # vessels that come from outside the frame
        for _ in range(random.integers(1, 4)):
            start = random.uniform(0, SIZE, 2)
            heading = random.uniform(0, 2 * np.pi)
            trees["vein"] += grow(random, *start, heading, trunk * random.uniform(0.2, 0.6), scale, 0, 1)

    vessel = np.zeros((SIZE, SIZE), bool)
    visibility = random.uniform(variation.vessels, 1.0)
    on_disc = np.clip(1.15 - disc.radius(), 0, 1)
    redness = random.uniform(0.15, 0.5)
    blur = random.uniform(0.3, 1.2)
    for kind, paths in trees.items():
        cover = draw_paths(paths)
        vessel |= cover > 0.5
        cover = ndimage.gaussian_filter(cover, blur)
        depth = visibility * (1.0 if kind == "vein" else random.uniform(0.6, 0.95))
        colour = image * np.array([1 - redness, 0.42, 0.5], np.float32)
        # on the disc a vessel stays blood red while what lies below is pale
        blood = np.array([random.uniform(0.45, 0.75), 0.1, 0.06], np.float32) * image.max()
        colour = mix(colour, blood, on_disc * random.uniform(0.2, 0.9))
        image = mix(image, colour, cover * depth)
        if random.random() < 0.5:  # light reflex along the middle of the vessel
            reflex = draw_paths([(path, widths * 0.3) for path, widths in paths if widths[0] > 4])
            reflex = ndimage.gaussian_filter(reflex, 0.7)
            image = image * (1 + random.uniform(0.05, 0.35) * reflex)[..., None]
    return image.astype(np.float32), vessel


def grow(
    random: Generator,
    row: float,
    column: float,
    heading: float,
    width: float,
    scale: float,
    bend: float,
    order: int,
) -> list[tuple[NDArray, NDArray]]:
    """A vessel as points and widths, followed by its branches."""
    step = 4.0
    steps = int(random.uniform(1.0, 2.2) * SIZE / step / (1 + 0.7 * order))
    turn = 0.0
    wobble = random.uniform(0.008, 0.035)
    points, widths, branches = [(column, row)], [width], []
    taper = random.uniform(0.992, 0.9985)
    since = 0
    for _ in range(steps):
        turn = 0.85 * turn + random.normal(0, wobble)
        heading += turn + bend * step / scale * 0.5
        row += step * np.sin(heading)
        column += step * np.cos(heading)
        if not (-40 < row < SIZE + 40 and -40 < column < SIZE + 40):
            break
        width *= taper
        since += 1
        if width < 0.8:
            break
        points.append((column, row))
        widths.append(width)
        if order < 3 and since * step > 0.35 * scale and random.random() < 0.045 and width > 1.2:
            since = 0
            sign = random.choice((-1, 1))
            share = random.uniform(0.4, 0.75)
            away = heading + sign * random.uniform(0.35, 1.1)
            branches += grow(random, row, column, away, width * share, scale, 0, order + 1)
            heading -= sign * random.uniform(0, 0.25)
            width *= random.uniform(0.85, 0.97)
    return [(np.array(points), np.array(widths)), *branches]


def draw_paths(paths: list[tuple[NDArray, NDArray]]) -> Map:
    """Share of each pixel that the vessels cover, by drawing at twice the size."""
    canvas = Image.new("L", (2 * SIZE, 2 * SIZE))
    draw = ImageDraw.Draw(canvas)
    for points, widths in paths:
        for (x0, y0), (x1, y1), width in zip(2 * points[:-1], 2 * points[1:], 2 * widths[1:]):
            draw.line((x0, y0, x1, y1), fill=255, width=max(1, round(width)))
            if width > 3:
                half = width / 2
                draw.ellipse((x1 - half, y1 - half, x1 + half, y1 + half), fill=255)
    small = canvas.resize((SIZE, SIZE), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def paint_reflexes(random: Generator, image: Map, vessel: Mask, disc: Disc) -> Map:
    """Pale, streaky sheen of the nerve fibres between and beside the vessels, away from the disc."""
    near = ndimage.gaussian_filter(vessel.astype(np.float32), random.uniform(4, 16))
    near = np.clip(near / (np.quantile(near, 0.97) + 1e-6), 0, 1)
    patchy = logistic(random.uniform(2, 6) * (smooth_noise(random, int(random.integers(4, 10))) - 0.5))
    streaks = np.clip(1 + random.uniform(0, 0.4) * smooth_noise(random, 50), 0, 2)
    outside = logistic((disc.radius() - 1.15) * 10)
    pale = image * np.array([random.uniform(1.0, 1.3), random.uniform(1.2, 1.8), random.uniform(1.3, 2.2)])
    amount = near * patchy * streaks * outside * np.where(vessel, 0.4, 1) * random.uniform(0.15, 1)
    return mix(image, pale, amount).astype(np.float32)


def paint_haze(random: Generator, image: Map, disc: Disc) -> Map:
    """Reflexes of the nerve fibres along the disc, cloudy media, glare."""
    if random.random() < 0.4:
        rays = smooth_noise(random, 40) * logistic(smooth_noise(random, 5))
        near = np.exp(-((disc.radius() / random.uniform(2, 4)) ** 2))
        image = image * (1 + random.uniform(0.02, 0.12) * rays * near)[..., None]
        image = image + random.uniform(0, 0.1) * (near * np.clip(smooth_noise(random, 6), 0, 2))[..., None]
    if random.random() < 0.35:
        veil = logistic(smooth_noise(random, 3)) * random.uniform(0.02, 0.4)
        colour = image.mean() * random.uniform(0.8, 1.6) * np.array(
            [1, random.uniform(0.6, 1), random.uniform(0.5, 1)], np.float32
        )
        image = mix(image, colour, veil)
    if random.random() < 0.15:
        row, column = random.uniform(-0.1, 1.1, 2) * SIZE
        glare = np.exp(-((ROWS - row) ** 2 + (COLUMNS - column) ** 2) / random.uniform(20, 110) ** 2)
        image = mix(image, np.array([1, 0.85, 0.7], np.float32), glare * random.uniform(0.1, 0.6))
    return image.astype(np.float32)


def take_photograph(
    random: Generator, image: Map, view: Map, visible: Mask
) -> tuple[NDArray[np.uint8], Mask]:
    """Blur, exposure, border, noise and JPEG."""
    image = image * view[..., None] + (1 - view[..., None]) * random.uniform(0, 0.02)
    sigma = random.choice((0, 1)) * random.uniform(0.3, 2.2)
    if sigma:
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    image = np.clip(image, 0, 1.2)
    image = image ** random.uniform(0.75, 1.35)
    grey = image.mean(2, keepdims=True)
    image = grey + (image - grey) * random.uniform(0.75, 1.2)
    image = image * random.uniform(0.8, 1.2) * random.uniform(0.93, 1.07, 3)
    noise = random.standard_normal((SIZE, SIZE, 3))
    if random.random() < 0.4:
        noise = ndimage.gaussian_filter(noise, (0.7, 0.7, 0)) * 2
    image = image + noise * random.uniform(0, 0.025)
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    if random.random() < 0.6:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(random.integers(45, 97)))
        pixels = np.asarray(Image.open(file))
    return pixels, visible


def generate(seed: int, index: int, variation: str = "moderate") -> Fundus:
    """Picture `index` of the endless series that belongs to `seed`."""
    return fundus(np.random.default_rng([seed, index]), VARIATIONS[variation])


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of synthetic fundus photographs.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--variation", choices=VARIATIONS, default="moderate")
    parser.add_argument("--sheet", required=True, help="PNG to write: pictures above their labels")
    options = parser.parse_args()
    palette = np.array([[0, 0, 0], [240, 160, 60], [255, 240, 160], [200, 30, 30]], np.uint8)
    columns = []
    for index in range(options.count):
        sample = generate(options.seed, index, options.variation)
        columns.append(np.concatenate([sample.image, palette[sample.labels(4)]]))
    rows = [np.concatenate(columns[i : i + 6], axis=1) for i in range(0, len(columns) // 6 * 6, 6)]
    Image.fromarray(np.concatenate(rows or columns)).save(options.sheet)


if __name__ == "__main__":
    main()
