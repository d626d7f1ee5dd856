"""Draw the icon sprite `static/img/icons.svg` from the icons named here and our own shapes.

    python3 scripts/icons.py

To use another icon, add its lucide name to ICONS and run this again.
"""

import re
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import vendor
from downloads import write_whole
from words import StopError, prepare_streams, say, stop

ROOT = Path(__file__).resolve().parent.parent
VERSION = "1.62.0"
INTEGRITY = "sha512-WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA=="
NAMES = """
arrow-left arrow-right award badge-check bell bell-ring book-open building-2 calendar calendar-check
calendar-days calendar-plus chart-column check chevron-down chevron-left chevron-right circle
circle-alert circle-check circle-dashed circle-question-mark clipboard-check clipboard-list clock
copy door-open download external-link eye eye-off file-text folder footprints handshake
heart-handshake history hourglass house id-card info key-round landmark languages layers link
list-checks list-filter lock log-in log-out mail map-pin megaphone menu message-circle
message-square-text minus paperclip pencil phone plus presentation printer refresh-cw repeat save
scale school search send settings share-2 shield-check sprout square sun-moon table-2 trash-2
triangle-alert undo-2 upload user user-check user-plus users video volume-2 wifi-off x
"""
ICONS = tuple(NAMES.split())
# Shapes of our own beside lucide's: the logo, our name as drawn letters, and the filled star.
OWN = {
    "logo": (
        '<path d="M2.6 11.2 12 3.2l9.4 8"/><path d="M12 21v-4.6M6.8 21h10.4"/>'
        '<path fill="currentColor" stroke-width="1.4" d="M12 18.2c-3.2 0-5-1.5-5.2-4.6 3.2 0 5.2 1.5 5.2 4.6z'
        'M12 15.6c0-3.1 1.7-4.7 4.9-4.7 0 3.1-1.7 4.7-4.9 4.7z"/>'
    ),
    "gongyu": (
        '<path d="M7 3.4v10.2M15 3.4v10.2M2.4 7.4h17.2M1.2 13.6h19.6M7.4 17l-4.2 3.8M14.6 17l4.2 3.8"/>'
        '<path d="M34.2 2.6v2.2M25.6 5h17.2M32.2 5.2l-3.4 4.4h10.6M36.8 7.4l3.2 3M28.8 21.2v-8.6h10.8v6.8c0 1.2-.6 1.8-1.8 1.8'
        'h-1.4M28.8 15.5h10.8M28.8 18.3h10.8"/>'
    ),
    "star-full": (
        '<path fill="currentColor" stroke-width="1.2" d="m12 2.8 2.84 5.76 6.36.92-4.6 4.49 1.09 6.33L12 17.31 '
        '6.31 20.3l1.09-6.33-4.6-4.49 6.36-.92z"/>'
    ),
}


WIDTHS = {"gongyu": 44}


def inner_shapes(drawing: str) -> str:
    """The shapes inside one icon's SVG, on one line, without namespaces."""
    element = ElementTree.fromstring(drawing)
    shapes = "".join(ElementTree.tostring(child, encoding="unicode") for child in element)
    return re.sub(r"\s*\n\s*", "", re.sub(r'\s?xmlns:?\w*="[^"]*"|ns\d+:', "", shapes)).replace(" />", "/>")


def sprite(drawings: dict[str, str]) -> str:
    """One SVG with a symbol per icon, sorted by name; every symbol is 24 high and, save for our name, 24 wide."""
    shapes = {name: inner_shapes(drawing) for name, drawing in drawings.items()} | OWN
    lines = [
        f'<symbol id="{name}" viewBox="0 0 {WIDTHS.get(name, 24)} 24">{shapes[name]}</symbol>'
        for name in sorted(shapes)
    ]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(lines) + "\n</svg>\n"


def main() -> int:
    """Fetch lucide, draw the sprite and keep its licence beside it; 1 with one line when that fails."""
    prepare_streams()
    try:
        files = vendor.unpack(vendor.tarball("lucide-static", VERSION, INTEGRITY))
        absent = [name for name in ICONS if f"icons/{name}.svg" not in files]
        if absent:
            raise stop(f"没有这些图标：{'、'.join(absent)}", f"No such icons: {', '.join(absent)}")
        drawings = {name: files[f"icons/{name}.svg"].decode() for name in ICONS}
        write_whole(ROOT / "static/img/icons.svg", sprite(drawings).encode())
        write_whole(ROOT / "static/img/lucide.LICENSE", files["LICENSE"])
    except (StopError, OSError, tarfile.TarError) as reason:
        print(reason, file=sys.stderr)
        return 1
    say(f"图标已画好，共 {len(ICONS) + len(OWN)} 个。", f"Drew {len(ICONS) + len(OWN)} icons.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
