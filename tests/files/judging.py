"""What an accepted file must be, looked at by other means than the portal's own."""

import io
import re
import struct
import unicodedata
import zipfile

import pypdf
from PIL import Image

from tests.files.corpus import SCRIPT, Hostile
from tests.files.seeds import PLACE_MARK

PICTURES = {"image/jpeg": ("JPEG", ".jpg"), "image/png": ("PNG", ".png"), "image/webp": ("WEBP", ".webp")}
OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = {
    f"{OFFICE}wordprocessingml.document": ".docx",
    f"{OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{OFFICE}presentationml.presentation": ".pptx",
}
LONGEST = 2_560
MARKS = (b"Exif\0\0", b"http://ns.adobe.com/xap", b"adobe:ns:meta", b"ICC_PROFILE", b"Photoshop 3.0", b"8BIM",
         PLACE_MARK.encode(), SCRIPT, b"<?php", b"GPSLat")  # fmt: skip
DOES_SOMETHING = {"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/AA", "/XFA", "/RichMedia",
                  "/SubmitForm", "/ImportData", "/GoToE", "/Rendition"}  # fmt: skip


def faults(given: Hostile, name: str, media_type: str, content: bytes) -> list[str]:
    """What is wrong with an accepted file; nothing when it may be kept and shown."""
    found = name_faults(name)
    if media_type in PICTURES:
        found += picture_faults(given, name, media_type, content)
    elif media_type == "application/pdf":
        found += pdf_faults(given, name, content)
    elif media_type in DOCUMENTS:
        found += office_faults(given, name, media_type, content)
    elif media_type == "text/plain; charset=utf-8":
        found += text_faults(name, content)
    else:
        found.append(f"{media_type} is not among the kinds that are taken")
    return found


def name_faults(name: str) -> list[str]:
    bad = [
        letter
        for letter in name
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs") or letter in '<>:"/\\|?*'
    ]
    ends = name.strip(" .") != name
    return [f"the name {name[:80]!r} is unfit"] if bad or ends or not name or len(name) > 200 else []


def picture_faults(given: Hostile, name: str, media_type: str, content: bytes) -> list[str]:
    format, suffix = PICTURES[media_type]
    found = [] if name.endswith(suffix) else [f"{name[-20:]} is called otherwise than {suffix}"]
    try:
        with Image.open(io.BytesIO(content), formats=(format,)) as image:
            if max(image.size) > LONGEST:
                return [*found, f"{image.size} is larger than a picture may be"]
            frames = getattr(image, "n_frames", 1)
            image.load()
            carried = set(image.info) - {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "loop",
                "background",
                "timestamp",
                "duration",
            }
            if dict(image.getexif()) or carried:
                found.append(f"it carries {sorted(carried)} and {dict(image.getexif())}")
    except Exception as error:
        return [*found, f"it does not open: {error!r}"[:200]]
    if frames != 1:
        found.append(f"it has {frames} pictures")
    if content == given.content:
        found.append("it is what was sent, byte for byte")
    found += [f"it holds {mark!r}" for mark in MARKS if mark in content]
    return found + PARTS[format](content)


def jpeg_parts(content: bytes) -> list[str]:
    place, markers = 2, []
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != 0xDA:
        markers.append(content[place + 1])
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    extra = [hex(marker) for marker in markers if 0xE1 <= marker <= 0xEF or marker == 0xFE]
    found = [f"it has the segments {extra}"] if extra else []
    return found if content.endswith(b"\xff\xd9") else [*found, "something follows its end"]


def png_parts(content: bytes) -> list[str]:
    place, names = 8, []
    while place + 8 <= len(content):
        length = struct.unpack_from(">I", content, place)[0]
        names.append(content[place + 4 : place + 8])
        place += 12 + length
    extra = set(names) - {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
    found = [f"it has the parts {extra}"] if extra else []
    return found if names[-1] == b"IEND" and place == len(content) else [*found, "something follows its end"]


def webp_parts(content: bytes) -> list[str]:
    place, names = 12, []
    while place + 8 <= len(content):
        names.append(content[place : place + 4])
        length = struct.unpack_from("<I", content, place + 4)[0]
        place += 8 + length + length % 2
    extra = set(names) - {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
    found = [f"it has the parts {extra}"] if extra else []
    return (
        found
        if len(content) == struct.unpack_from("<I", content, 4)[0] + 8
        else [*found, "something follows its end"]
    )


PARTS = {"JPEG": jpeg_parts, "PNG": png_parts, "WEBP": webp_parts}


def pdf_faults(given: Hostile, name: str, content: bytes) -> list[str]:
    found = [] if name.endswith(".pdf") else [f"{name[-20:]} is no name of a PDF"]
    if not content.startswith(b"%PDF-") or not content.rstrip().endswith(b"%%EOF"):
        found.append("it does not begin and end as a PDF")
    names: set[str] = set()
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            return [*found, "it is locked"]
        _names_in(reader.trailer, names, 0)
        for number in range(1, 60):
            _names_in(reader.get_object(pypdf.generic.IndirectObject(number, 0, reader)), names, 0)
    except Exception as error:
        # The intake looks at a PDF's frame and for what could act, not at every object: one bent inside may pass.
        if given.kind != "mutated":
            found.append(f"it does not open: {error!r}"[:200])
    if names & DOES_SOMETHING:
        found.append(f"it does something: {sorted(names & DOES_SOMETHING)}")
    return found


def _names_in(thing: object, names: set[str], depth: int) -> None:
    if depth > 12:
        return
    if isinstance(thing, pypdf.generic.DictionaryObject):
        for key, value in thing.items():
            names.add(str(key))
            _names_in(value, names, depth + 1)
    elif isinstance(thing, pypdf.generic.ArrayObject):
        for value in thing:
            _names_in(value, names, depth + 1)
    elif isinstance(thing, pypdf.generic.NameObject):
        names.add(str(thing))


def office_faults(given: Hostile, name: str, media_type: str, content: bytes) -> list[str]:
    found = [] if name.endswith(DOCUMENTS[media_type]) else [f"{name[-20:]} is called otherwise"]
    if content == given.content:
        found.append("it is what was sent, byte for byte")
    if not content.startswith(b"PK\x03\x04") or content[-22:-18] != b"PK\x05\x06":
        found.append("something stands before or behind the document")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > 200 * 1024 * 1024:
                return [*found, "it unpacks to far too much"]
            parts = {part: archive.read(part) for part in archive.namelist()}
    except Exception as error:
        return [*found, f"it does not open: {error!r}"[:200]]
    if not re.search(rb"\.main\+xml", parts.get("[Content_Types].xml", b"")):
        found.append("it is no document")
    return found + [fault for part, data in parts.items() for fault in part_faults(part, data)]


BAD_PARTS = re.compile(r"vba|macro|activex|ole|custom|externall|\.\.|^/|\.(exe|js|html|bin|zip)$", re.I)
LEADS_ELSEWHERE = re.compile(rb"TargetMode=\"External\"|://(?!schemas\.|x/)[^\"]*\" *Target|file:")


def part_faults(part: str, data: bytes) -> list[str]:
    """What is wrong with one part of a document."""
    found = [f"it holds {part}"] if BAD_PARTS.search(part) else []
    if any(mark in data for mark in (b"macroEnabled", b"vbaProject", b"<!DOCTYPE", b"DDEAUTO")):
        found.append(f"{part} does something")
    if part.endswith(".rels") and LEADS_ELSEWHERE.search(data):
        found.append(f"{part} leads elsewhere")
    return found


def text_faults(name: str, content: bytes) -> list[str]:
    found = [] if name.endswith(".txt") else [f"{name[-20:]} is no name of a text"]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return [*found, "it is no text"]
    if any(ord(letter) < 32 and letter not in "\n\t\f" for letter in text):
        found.append("it holds what cannot be shown")
    if re.search(r"<\s*(svg|script|html|iframe|\?xml|!doctype)", text, re.I):
        found.append("it holds commands for a browser")
    return found
