"""Every pair of colours that carries words can be read, in light and in dark."""

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).resolve().parents[2] / "static/css"
TEXT, SHAPE = 4.5, 3.0
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "muted", "pine") for ground in ("ground", "surface")],
    *[(ink, ground, TEXT) for ink in ("brick", "amber", "indigo") for ground in ("ground", "surface")],
    *[(ink, f"{ink}-tint", TEXT) for ink in ("brick", "amber", "indigo")],
    ("on-pine-tint", "pine-tint", TEXT),
    ("on-pine", "pine", TEXT),
    ("on-pine", "pine-deep", TEXT),
    ("pine-deep", "surface", TEXT),
    ("ink", "stone", TEXT),
    ("muted", "stone", TEXT),
    ("surface", "brick", TEXT),
    ("on-apricot", "apricot", TEXT),
    *[(shape, ground, SHAPE) for shape in ("edge", "gold", "focus") for ground in ("ground", "surface")],
]


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colours(*files: str) -> dict[str, str]:
    """The colour tokens of these files, the later ones over the earlier."""
    found: dict[str, str] = {}
    for file in files:
        body = re.search(r":root \{(.*?)\}", (STYLES / file).read_text(encoding="utf-8"), re.S)
        assert body, file
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", body.group(1)))
    return found


@pytest.mark.parametrize("files", [("tokens.css",), ("tokens.css", "dark.css")])
def test_words_and_shapes_stand_out_from_their_ground(files):
    known = colours(*files)
    weak = [
        f"{one} on {other}: {contrast(known[one], known[other]):.2f}"
        for one, other, least in PAIRS
        if contrast(known[one], known[other]) < least
    ]
    assert not weak


def test_a_pale_grey_would_be_caught():
    assert contrast("#b0b0b0", "#fff") < TEXT
    assert contrast("#000", "#fff") == pytest.approx(21)


def test_the_dark_changes_every_ground_and_ink():
    light, dark = colours("tokens.css"), colours("tokens.css", "dark.css")
    assert [name for name in light if light[name] == dark[name]] == ["apricot", "on-apricot"]
