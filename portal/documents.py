"""Documents for paper: a Typst template of ``templates/documents/`` filled with data, set as PDF.

Data reach the template as JSON through ``sys.inputs`` and are never part of its source, so nothing that people type can
act as markup. Fonts are the vendored ones only: the same document on every machine.
"""

import json
from typing import Any

import typst

from portal.config import ROOT

TEMPLATES = ROOT / "templates" / "documents"
FONTS = TEMPLATES / "fonts"


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
