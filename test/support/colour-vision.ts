type Triple = readonly [number, number, number];

/**
 * Matrices on linear sRGB of full protanopia, deuteranopia and tritanopia: Machado, Oliveira & Fernandes 2009,
 * "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.0.
 */
const machado: Readonly<Record<string, readonly [Triple, Triple, Triple]>> = {
  "common vision": [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Names of the kinds of colour vision that are looked with. */
export const visions = Object.keys(machado);

/** CIELAB (D65) of an sRGB colour (0..255 each) as seen with a kind of colour vision. */
export function seenLab(colour: Triple, vision = "common vision"): Triple {
  const linear = colour.map((v) => {
    const share = v / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
  const seen = (machado[vision] as readonly Triple[]).map((row) =>
    Math.min(1, Math.max(0, dot(row, linear))),
  ) as unknown as Triple;
  const [x, y, z] = [
    dot([0.4124564, 0.3575761, 0.1804375], seen) / 0.95047,
    dot([0.2126729, 0.7151522, 0.072175], seen),
    dot([0.0193339, 0.119192, 0.9503041], seen) / 1.08883,
  ].map((v) => (v > 216 / 24389 ? Math.cbrt(v) : ((24389 / 27) * v + 16) / 116)) as [
    number,
    number,
    number,
  ];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** ΔE of CIEDE2000 between two colours of CIELAB; Sharma, Wu & Dalal 2005. */
export function deltaE([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number {
  const meanC = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(meanC ** 7 / (meanC ** 7 + 25 ** 7)));
  const [c1, c2] = [Math.hypot((1 + g) * a1, b1), Math.hypot((1 + g) * a2, b2)];
  const [h1, h2] = [hue((1 + g) * a1, b1), hue((1 + g) * a2, b2)];
  let dh = h2 - h1;
  if (c1 * c2 === 0) dh = 0;
  else if (dh > 180) dh -= 360;
  else if (dh < -180) dh += 360;
  let h = h1 + h2;
  if (c1 * c2 !== 0) {
    const isFar = Math.abs(h1 - h2) > 180;
    h = (isFar ? (h < 360 ? h + 360 : h - 360) : h) / 2;
  }
  const [l, c] = [(l1 + l2) / 2, (c1 + c2) / 2];
  const t =
    1 - 0.17 * cos(h - 30) + 0.24 * cos(2 * h) + 0.32 * cos(3 * h + 6) - 0.2 * cos(4 * h - 63);
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  const turn = 60 * Math.exp(-(((h - 275) / 25) ** 2));
  const rt = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin((turn * Math.PI) / 180);
  const dL = (l2 - l1) / sl;
  const dC = (c2 - c1) / sc;
  const dH = (2 * Math.sqrt(c1 * c2) * Math.sin((dh * Math.PI) / 360)) / sh;
  return Math.sqrt(dL ** 2 + dC ** 2 + dH ** 2 + rt * dC * dH);
}

function dot([a, b, c]: Triple, [x, y, z]: Triple): number {
  return a * x + b * y + c * z;
}

function hue(a: number, b: number): number {
  return a === 0 && b === 0 ? 0 : ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
}

function cos(degrees: number): number {
  return Math.cos((degrees * Math.PI) / 180);
}
