"""Documents for paper: a Typst template of ``templates/documents/`` filled with data, set as PDF.

Data reach the template as JSON through ``sys.inputs`` and are never part of its source, so nothing that people type can
act as markup. Fonts are the vendored ones only: the same document on every machine.
"""

import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import typst

from portal.config import ROOT

TEMPLATES = ROOT / "templates" / "documents"
FONTS = TEMPLATES / "fonts"


def _ranges(font: bytes) -> list[tuple[int, int]]:
    """The code points a TrueType font draws, as (first, last), from its full Unicode map (format 12)."""
    tables = struct.unpack(">H", font[4:6])[0]
    cmap = next(
        struct.unpack(">I", font[at + 8 : at + 12])[0]
        for at in range(12, 12 + 16 * tables, 16)
        if font[at : at + 4] == b"cmap"
    )
    found: list[tuple[int, int]] = []
    for record in range(struct.unpack(">H", font[cmap + 2 : cmap + 4])[0]):
        _platform, _encoding, offset = struct.unpack(
            ">HHI", font[cmap + 4 + 8 * record : cmap + 12 + 8 * record]
        )
        at = cmap + offset
        if struct.unpack(">H", font[at : at + 2])[0] == 12:
            groups = struct.unpack(">I", font[at + 12 : at + 16])[0]
            found += [
                (first, last)
                for first, last, _glyph in struct.iter_unpack(">III", font[at + 16 : at + 16 + 12 * groups])
            ]
    return found


@cache
def _drawable(folder: Path) -> frozenset[int]:
    return frozenset(
        point
        for path in sorted(folder.glob("*-Regular.ttf"))
        for first, last in _ranges(path.read_bytes())
        for point in range(first, last + 1)
    )


def lacking(text: str) -> set[str]:
    """The characters of a text that none of the paper's fonts can draw; they would come out as empty boxes."""
    drawable = _drawable(FONTS)
    return {letter for letter in text if ord(letter) not in drawable and not letter.isspace()}


def pdf(template: str, data: dict[str, Any]) -> bytes:
    """The PDF of ``templates/documents/<template>.typ``; ``data`` (plain JSON values) is its ``data`` variable.

    A template begins with ``#let data = json(bytes(sys.inputs.data))``.
    """
    made = typst.compile(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        format="pdf",
    )
    assert isinstance(made, bytes)
    return made
