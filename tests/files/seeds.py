"""Small good files of each kind, made as a telephone or an office would make them."""

import io
import zipfile

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
PLACE_MARK = "GPS-OF-A-HOME"
OFFICE = "application/vnd.openxmlformats-officedocument."
MAIN = {
    "docx": (
        "word/document.xml",
        "wordprocessingml.document.main+xml",
        '<w:document xmlns:w="w"><w:body/></w:document>',
    ),
    "xlsx": ("xl/workbook.xml", "spreadsheetml.sheet.main+xml", "<workbook/>"),
    "pptx": ("ppt/presentation.xml", "presentationml.presentation.main+xml", "<presentation/>"),
}


def exif(orientation: int = 1) -> bytes:
    """What a telephone writes beside a photo: where, when, with what, and how it was held."""
    found = Image.Exif()
    found[0x010F] = PLACE_MARK
    found[0x0112] = orientation
    found[0x8769] = {0x9003: "2026:11:20 18:30:00"}
    found[0x8825] = {1: "N", 2: (29.0, 30.0, 12.5), 3: "E", 4: (106.0, 33.0, 1.0)}
    return found.tobytes()


def picture(
    format: str = "JPEG", size: tuple[int, int] = (80, 60), mode: str = "RGB", seed: int = 0, **named: object
) -> bytes:
    """A picture in the format, with noise of its own."""
    image = Image.linear_gradient("L").resize(size).convert(mode)
    image.putpixel(
        (seed % size[0], seed // size[0] % size[1]),
        255 if mode in ("L", "P", "1") else (255, seed % 256, 7, 9)[: len(image.getbands())],
    )
    out = io.BytesIO()
    image.save(out, format, **named)  # type: ignore[arg-type]
    return out.getvalue()


def pdf(extra: bytes = b"", catalog: bytes = b"", tail: bytes = b"") -> bytes:
    """A PDF of one empty page; ``extra`` objects from number 4 on, more in the catalog, bytes behind its end."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
    ]
    out, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    out += extra
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start + tail


def office(kind: str = "docx", more: dict[str, bytes | str] | None = None, types: str = "") -> bytes:
    """A document of the kind with further parts, and further content types."""
    part, main, content = MAIN[kind]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/{part}" ContentType="{OFFICE}{main}"/>{types}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="http://x/officeDocument" Target="{part}"/></Relationships>',
        )
        archive.writestr(part, content)
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return out.getvalue()
