"""The process that opens what strangers upload. Run as ``python -I decoder.py``, it knows nothing of the portal.

It reads jobs from its input one after the other: a line of JSON (``bytes``, ``suffix``, ``longest`` and the limits) and
then so many bytes. For each it forks a process with little memory and time, which decides by decoding what the file is and
answers with what may be kept: a picture painted anew, an office document packed anew, a PDF or text found harmless. If that
process dies, it dies alone, and the answer is a refusal. Answers are a line of JSON and then the bytes.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import resource
import select
import signal
import struct
import sys
import time
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pillow_heif
from PIL import (
    Image,
    ImageCms,
    ImageDraw,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

ARCHIVES = Path(__file__).resolve().parent.parent / "archives.py"
LENGTH = struct.Struct(">I")
READ = 1 << 16


class Refused(Exception):
    """The file is not taken; carries a word the portal has a sentence for."""


def _load_archives() -> Any:
    """The portal's rules for zips, without the portal around them."""
    found = importlib.util.spec_from_file_location("archives", ARCHIVES)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["archives"] = module
    found.loader.exec_module(module)
    return module


archives = _load_archives()

# Jobs


def main() -> None:
    """Answer jobs until the input ends."""
    Image.preinit()
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    warnings.simplefilter("ignore")
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := given.readline():
        job = json.loads(line)
        answer, kept = in_child(job, given.read(job["bytes"]))
        answers.write(json.dumps({**answer, "bytes": len(kept)}).encode() + b"\n" + kept)
        answers.flush()


def in_child(job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Look at the file in a process of its own; what it says, with the memory it took (KiB), and what may be kept."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _look_and_tell(job, data, writing)
    os.close(writing)
    said = _listen(reading, time.monotonic() + job["seconds"])
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _pid, _status, usage = os.wait4(child, 0)
    answer, kept = _whole(said)
    return {**answer, "memory": usage.ru_maxrss, "cpu": usage.ru_utime + usage.ru_stime}, kept


def _listen(reading: int, until: float) -> bytes:
    parts = []
    while (left := until - time.monotonic()) > 0:
        if not select.select([reading], [], [], left)[0]:
            break
        part = os.read(reading, READ)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _whole(said: bytes) -> tuple[dict[str, Any], bytes]:
    """What the child said, if it said all of it."""
    if len(said) >= LENGTH.size:
        (length,) = LENGTH.unpack_from(said)
        try:
            answer = json.loads(said[LENGTH.size : LENGTH.size + length])
        except ValueError:
            answer = {}
        kept = said[LENGTH.size + length :]
        if answer and len(kept) == answer.pop("length"):
            return answer, kept
    return {"refused": "costly"}, b""


def _look_and_tell(job: dict[str, Any], data: bytes, writing: int) -> None:
    """In the child: take the limits, look, write the answer, end without a word to anyone else."""
    try:
        limit(job["memory"], job["seconds"])
        try:
            answer, kept = look(data, job["suffix"], job["longest"], job["pixels"], job.get("cover"))
        except Refused as refused:
            answer, kept = {"refused": refused.args[0]}, b""
        except archives.ArchiveRefused as refused:
            answer, kept = {"refused": f"zip_{refused.word}"}, b""
        except MemoryError:
            answer, kept = {"refused": "costly"}, b""
        except Exception:
            answer, kept = {"refused": "damaged"}, b""
        head = json.dumps({**answer, "length": len(kept)}).encode()
        rest = memoryview(LENGTH.pack(len(head)) + head + kept)
        while rest:
            rest = rest[os.write(writing, rest) :]
    finally:
        os._exit(0)


def limit(memory: int, seconds: int) -> None:
    """What this process may take before the system ends it: address space, seconds of work, no files at all."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# What it is

OTHER_KINDS = (
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"8BPS",
    b"%!PS",
    b"\xc5\xd0\xd3\xc6",
    b"SIMPLE  =",
    b"Rar!",
    b"7z\xbc\xaf",
)
"""Beginnings of what is not taken and must not reach a decoder."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")


def look(
    data: bytes, suffix: str, longest: int, pixels: int, cover: list[float] | None = None
) -> tuple[dict[str, Any], bytes]:
    """What the file is, and what of it may be kept."""
    if not data:
        raise Refused("empty")
    picture = picture_format(data)
    if picture:
        return paint(data, picture, longest, pixels, cover)
    if data.startswith(b"%PDF-"):
        return check_pdf(data)
    if data.startswith(archives.ZIP_MAGIC):
        return repack(data)
    if data.startswith(archives.OLE_MAGIC):
        raise Refused("old_office")
    if data.startswith(OTHER_KINDS) or suffix not in (".txt", ".md"):
        raise Refused("kind")
    return check_text(data)


def picture_format(data: bytes) -> str:
    """JPEG, PNG, WEBP or HEIF by the first bytes, or nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        if data[8:12] not in HEIC_BRANDS or b"av01" in data[:4096]:
            raise Refused("kind")
        return "HEIF"
    return ""


# Pictures

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112
SRGB = ImageCms.createProfile("sRGB")
SAVED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("image/jpeg", ".jpg", {"quality": 85, "optimize": True}),
    "PNG": ("image/png", ".png", {"compress_level": 6}),
    "WEBP": ("image/webp", ".webp", {"quality": 85, "method": 3}),
}
LOADED = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""What a child would otherwise load anew for each picture: openers, and the readers of what they carry along."""


def paint(
    data: bytes, picture: str, longest: int, pixels: int, cover: list[float] | None = None
) -> tuple[dict[str, Any], bytes]:
    """The picture painted anew: upright, at most ``longest`` on a side, its colours in sRGB, and nothing beside them.

    ``cover`` is a disc to be hidden: its middle from the left and from the top and its radius, in widths of the picture;
    a fourth number that is not 0 says that the second one is in heights.
    """
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=(picture,))
    except Image.DecompressionBombError:
        raise Refused("pixels") from None
    if image.width * image.height > pixels:
        raise Refused("pixels")
    # Telephones put a second picture behind a JPEG for bright screens; the first is the photo.
    if picture != "JPEG" and getattr(image, "n_frames", 1) > 1:
        raise Refused("moving")
    turn = TURNS.get(_orientation(image))
    profile = image.info.get("icc_profile")
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.load()
    image = in_srgb(eight_bits(image), profile)
    if turn is not None:
        image = image.transpose(turn)
    kept_as = picture if picture in SAVED else "JPEG"
    image = _on_white(image) if kept_as == "JPEG" else image
    clean = Image.new(image.mode, image.size)
    clean.paste(image)
    if cover is not None:
        hide(clean, *cover)
    media_type, suffix, how = SAVED[kept_as]
    out = io.BytesIO()
    clean.save(out, kept_as, **how)
    told = {
        "kind": "image",
        "type": media_type,
        "suffix": suffix,
        "width": clean.width,
        "height": clean.height,
    }
    return told, out.getvalue()


def hide(image: Image.Image, left: float, top: float, radius: float, in_heights: float = 0) -> None:
    """Paint over a disc in the one colour its square has on average: nothing of what was there can be worked out."""
    middle = left * image.width, top * (image.height if in_heights else image.width)
    reach = max(1.0, radius * image.width)
    box = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
    square = image.crop((int(box[0]), int(box[1]), int(box[2]) + 1, int(box[3]) + 1))
    colour = square.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    ImageDraw.Draw(image).ellipse(box, fill=colour)


def _orientation(image: Image.Image) -> int:
    """How the camera was held, as far as it says so legibly."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def eight_bits(image: Image.Image) -> Image.Image:
    """The picture in L, LA, RGB, RGBA or CMYK, eight bits a channel."""
    if image.mode.startswith("I") or image.mode == "F":
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode == "P" or "transparency" in image.info:
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") else image.convert("RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture with the colours of its profile in sRGB; a profile that does not work is left out."""
    wanted = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, source, SRGB, outputMode=wanted)
            if turned is not None:
                return turned
    return image.convert("RGB") if image.mode == "CMYK" else image


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, as a JPEG needs it."""
    if image.mode not in ("RGBA", "LA"):
        return image
    sheet = Image.new("RGBA", image.size, "white")
    sheet.alpha_composite(image.convert("RGBA"))
    return sheet.convert("RGB")


# PDF

PDF_VERSION = re.compile(rb"%PDF-[12]\.\d")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
STREAM = re.compile(rb"(?<!end)stream[ \t]*(?:\r\n|\n|\r)")
PLAIN_FLATE = re.compile(rb"/Filter\s*(?:/FlateDecode|\[\s*/FlateDecode\s*\])")
ACTIVE = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToE|Rendition|Sound|Movie|3D)(?![A-Za-z0-9])"
)
SHORT_ACTIVE = re.compile(rb"/(?:JS|AA|EF)(?![A-Za-z0-9])")
ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z0-9])")
ZIP_END = b"PK\x05\x06"
UNPACKED = 96 * 1024 * 1024
DICTIONARY = 4096
TAIL = 66_000


def check_pdf(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A PDF that ends as one, is not locked, and holds no script, action, form that sends, or file within.

    A reader may lay the file out otherwise than we do. So the dangerous names are looked for in every byte and in all
    that any stream unpacks to, not only where we think an object stands; their short forms where no stream is.
    """
    end = data.rstrip(b"\r\n\t \0")
    if not PDF_VERSION.match(data) or not end.endswith(b"%%EOF") or b"startxref" not in data:
        raise Refused("damaged")
    if ZIP_END in data[-TAIL:]:
        raise Refused("two_kinds")
    outside, unpacked = _pdf_streams(data)
    plain = ESCAPED.sub(_letter, outside)
    if ENCRYPTED.search(plain):
        raise Refused("locked")
    everything = (plain, ESCAPED.sub(_letter, data), *unpacked)
    if SHORT_ACTIVE.search(plain) or any(ACTIVE.search(text) for text in everything):
        raise Refused("active")
    if not any(PAGE.search(text) for text in everything):
        raise Refused("damaged")
    return {"kind": "pdf", "type": "application/pdf", "suffix": ".pdf"}, data


def _letter(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _pdf_streams(data: bytes) -> tuple[bytes, list[bytes]]:
    """The bytes outside streams, with object streams unpacked among them, and what all packed streams unpack to.

    Every place that could begin a stream is tried, also within another stream: a reader may be sent there.
    """
    outside: list[bytes] = []
    unpacked: list[bytes] = []
    place, left = 0, UNPACKED
    for begin in STREAM.finditer(data):
        body, end = _inflate(data, begin.end(), left)
        left -= len(body)
        if left <= 0:
            raise Refused("costly")
        plain = ESCAPED.sub(_letter, body)
        is_objects = _holds_objects(data, begin.start(), bool(body))
        (outside if is_objects else unpacked).append(plain)
        if begin.start() >= place:
            outside.append(data[place : begin.start()])
            stop = data.find(b"endstream", begin.end())
            place = max(end, stop) if stop >= 0 else len(data)
    outside.append(data[place:])
    return b"\n".join(outside), unpacked


def _holds_objects(data: bytes, begin: int, is_packed: bool) -> bool:
    """Whether a stream says that it holds objects. Refused when it does and is packed otherwise than we can look into."""
    head = ESCAPED.sub(_letter, data[max(0, begin - DICTIONARY) : begin])
    head = head[head.rfind(b"obj") + 3 :]
    if b"/ObjStm" not in head:
        return False
    if not is_packed or not PLAIN_FLATE.search(head) or b"/DecodeParms" in head:
        raise Refused("active")
    return True


def _inflate(data: bytes, place: int, most: int) -> tuple[bytes, int]:
    """What a zlib stream at a place unpacks to, up to ``most`` bytes and as far as it is sound, and where it ends."""
    if place + 2 > len(data) or data[place] & 0x0F != 8 or int.from_bytes(data[place : place + 2]) % 31:
        return b"", place
    machine = zlib.decompressobj()
    parts, left, at = [], most, place
    with contextlib.suppress(zlib.error):
        while not machine.eof and at < len(data) and left > 0:
            piece = data[at : at + READ]
            at += len(piece)
            part = machine.decompress(piece, left)
            while part:
                parts.append(part)
                left -= len(part)
                part = (
                    machine.decompress(machine.unconsumed_tail, left)
                    if left > 0 and machine.unconsumed_tail
                    else b""
                )
    return b"".join(parts), at - len(machine.unused_data) if machine.eof else place


# Office documents

ZIP_LIMITS = archives.Limits(entries=3_000, unpacked_bytes=160 * 1024 * 1024)
INNER_LIMITS = archives.Limits(entries=1_000, unpacked_bytes=40 * 1024 * 1024)
OFFICE_TYPES = {
    b"wordprocessingml.document.main+xml": ("docx", "wordprocessingml.document"),
    b"spreadsheetml.sheet.main+xml": ("xlsx", "spreadsheetml.sheet"),
    b"presentationml.presentation.main+xml": ("pptx", "presentationml.presentation"),
    b"presentationml.slideshow.main+xml": ("pptx", "presentationml.presentation"),
}
OFFICE_FAMILY = "application/vnd.openxmlformats-officedocument."
DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
FIELD_THAT_RUNS = re.compile(rb"(?:instrText[^>]*>|instr=\")[^<\"]*\bDDE(?:AUTO)?\b", re.IGNORECASE)
MACROS = (
    "vbaproject",
    "vbadata",
    "/macrosheets/",
    "/activex/",
    "/customui",
    "userform",
    "/externallinks/",
    "/dialogsheets/",
)
NAMES_KEPT = (".xml", ".rels", ".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".tif", ".tiff", ".bmp", ".fntdata", ".odttf",
              ".xlsx", ".docx", ".pptx", ".mp3", ".wav", ".m4a", ".mp4", ".vml", ".wdp", ".thmx", ".jfif", ".webp")  # fmt: skip
INNER = (".xlsx", ".docx", ".pptx")
EARLIEST = (1980, 1, 1, 0, 0, 0)


def repack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A Word, Excel or PowerPoint document packed anew from its checked parts: no macros, no links that load, no comments."""
    kind, family, parts = office_parts(data, ZIP_LIMITS, outermost=True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return {"kind": kind, "type": OFFICE_FAMILY + family, "suffix": f".{kind}"}, out.getvalue()


def office_parts(data: bytes, limits: Any, outermost: bool) -> tuple[str, str, list[tuple[str, bytes]]]:
    """Kind, family, and the parts of a document, each checked."""
    with archives.opened(io.BytesIO(data), limits) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        if len({name.lower() for name in names}) != len(names):
            raise Refused("damaged")
        if "EncryptedPackage" in names:
            raise Refused("locked")
        if "[Content_Types].xml" not in names:
            raise Refused("kind")
        names.sort(key=lambda name: name != "[Content_Types].xml")
        parts = [(name, archive.read(name)) for name in names]
    types = parts[0][1]
    if b"macroEnabled" in types or b"vbaProject" in types:
        raise Refused("macros")
    for name, content in parts:
        check_part(name, content, outermost)
    for marker, (kind, family) in OFFICE_TYPES.items():
        if marker in types:
            return kind, family, parts
    raise Refused("kind")


def check_part(name: str, content: bytes, outermost: bool) -> None:
    """Refuse a part that runs, loads from elsewhere, or is no part of a document."""
    low = "/" + name.lower()
    if any(mark in low for mark in MACROS):
        raise Refused("links" if "/externallinks/" in low else "macros")
    if low.endswith(".bin") and "/printersettings/" in low:
        return
    if not low.endswith(NAMES_KEPT):
        raise Refused("embedded" if "/embeddings/" in low else "kind")
    if low.endswith((".xml", ".rels", ".vml")):
        if DOCTYPE.search(content) or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Refused("damaged")
        if FIELD_THAT_RUNS.search(content):
            raise Refused("links")
    if low.endswith(".rels"):
        check_relations(content)
    if low.endswith(INNER):
        if not outermost or not content.startswith(archives.ZIP_MAGIC):
            raise Refused("embedded")
        office_parts(content, INNER_LIMITS, outermost=False)


def check_relations(content: bytes) -> None:
    """Refuse what a program would fetch by itself; a link that a person clicks may stay."""
    for relation in ElementTree.fromstring(content):
        kind = relation.get("Type", "").rpartition("/")[2].lower()
        target = relation.get("Target", "").strip().lower()
        if relation.get("TargetMode", "").lower() == "external":
            if kind != "hyperlink" or not target.startswith(("http://", "https://", "mailto:", "#")):
                raise Refused("links")
        elif "://" in target or target.startswith(("\\\\", "//", "file:")):
            raise Refused("links")
        if kind in ("vbaproject", "oleobject", "control", "attachedtemplate", "activexcontrolbinary"):
            raise Refused("macros")


# Text

MARKUP = re.compile(
    r"<\s*(?:!doctype|html|head|body|script|svg|iframe|object|embed|math|\?xml|img|meta|link|style)\b|javascript:",
    re.I,
)
STARTS_OTHERWISE = ("<?xml", "<?php", "#!", "{\\rtf", "%PDF", "%!PS")
CONTROLS = frozenset(chr(code) for code in range(32)) - {"\n", "\r", "\t", "\f"} | {"\x7f"}


def check_text(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Plain text in UTF-8 or GB18030, kept as UTF-8 with plain line ends; markup and what cannot be shown is refused."""
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            break
    else:
        raise Refused("kind")
    if CONTROLS.intersection(text):
        raise Refused("kind")
    if text.lstrip().startswith(STARTS_OTHERWISE) or MARKUP.search(text):
        raise Refused("markup")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return {"kind": "text", "type": "text/plain; charset=utf-8", "suffix": ".txt"}, plain.encode()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
