"""
Writes `pictures.bin.gz`: small files of every format and kind, and the pixels and labels they hold according to
Pillow, tifffile and imagecodecs, or to the arrays that they were written from.

    python3 -m venv venv && venv/bin/pip install pillow tifffile imagecodecs
    venv/bin/python test/pictures/make_pictures.py   # needs cjpeg of libjpeg-turbo for unusual chroma samplings
"""

from pathlib import Path

from bmps import add_bmps, add_pnms
from jpegs import add_jpegs, add_webps
from pictures import Pack
from pngs import add_gifs, add_pngs
from tiffs import add_tiffs

pack = Pack()
for add in [add_jpegs, add_webps, add_pngs, add_gifs, add_bmps, add_pnms, add_tiffs]:
    add(pack)
pack.write(Path(__file__).parent)
