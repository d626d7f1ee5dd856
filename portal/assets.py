"""Static files: gathered, named by their content, compressed once at start, and served without touching the application."""

import gzip
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from wsgiref.headers import Headers
from wsgiref.types import WSGIApplication

import brotli
from flask import Response, current_app
from whitenoise import WhiteNoise

PREFIX = "static/"
STYLESHEET = "portal.css"
DARK = "dark.css"
# The components come between; the order decides which rule wins.
FIRST_STYLES = ("tokens.css", "base.css", "layout.css")
LAST_STYLES = ("print.css",)
COMPRESSED = {".css", ".js", ".svg", ".json", ".txt", ".webmanifest"}
NOT_SERVED = {".LICENSE", ".md"}
NAMED_BY_CONTENT = r"[./-][0-9a-f]{12}[./]"


def stylesheet(styles: Path) -> str:
    """The stylesheet of every page: tokens, base, layout, components by name, print; without comments and spare blanks."""
    components = sorted((styles / "components").glob("*.css"))
    files = [styles / name for name in FIRST_STYLES] + components + [styles / name for name in LAST_STYLES]
    return shortened("\n".join(file.read_text(encoding="utf-8") for file in files))


def shortened(text: str) -> str:
    """CSS without comments and without blanks that mean nothing; strings in it hold no comment marks or braces."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*([{};,>])\s*", r"\1", text)
    text = re.sub(r":\s+", ":", text).replace(" !important", "!important")
    text = re.sub(r"[^{};]+\{", lambda rule: re.sub(r" ([+~]) ", r"\1", rule.group()), text)
    return text.replace(";}", "}").strip() + "\n"


def digest(*parts: bytes) -> str:
    """Twelve hexadecimal digits that change whenever one of the parts does."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:12]


def gather(source: Path) -> dict[str, bytes]:
    """Every static file by its logical name (`img/icons.svg`), the styles already joined into `portal.css`, the dark colours beside it."""
    styles = source / "css"
    files = {
        STYLESHEET: stylesheet(styles).encode(),
        DARK: shortened((styles / DARK).read_text(encoding="utf-8")).encode(),
    }
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        served = path.is_file() and path.suffix not in NOT_SERVED and path.name != "lock.json"
        if served and not name.startswith("css/") and not any(part.startswith(".") for part in path.parts):
            files[name] = path.read_bytes()
    return files


def name_by_content(files: Mapping[str, bytes]) -> dict[str, str]:
    """Logical name to public name. Scripts keep their places in one folder named by all of them, so that their imports hold."""
    scripts = [
        part for name in sorted(files) if name.startswith("js/") for part in (name.encode(), files[name])
    ]
    script_folder = f"js-{digest(*scripts)}"
    names = {}
    for name, content in files.items():
        if name.startswith("js/"):
            names[name] = f"{script_folder}/{name.removeprefix('js/')}"
        else:
            stem, dot, ending = name.rpartition(".")
            names[name] = f"{stem}.{digest(content)}{dot}{ending}"
    return names


def with_public_names(manifest: bytes, names: Mapping[str, str]) -> bytes:
    """A web manifest whose icons carry their public names; they lie beside it, so relative addresses hold."""
    text = manifest.decode()
    for name in re.findall(r'"src": "([^"]+)"', text):
        text = text.replace(f'"{name}"', f'"{names[name]}"')
    return text.encode()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name and move it into place, so that nobody ever reads a half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def publish(source: Path, target: Path) -> dict[str, str]:
    """Write every static file of `source` under its public name into `target`, with its compressed twins.

    Returns logical name → public name. Files already there are left alone, so a second start is quick, and two
    processes starting at once write the same bytes. Older files stay: a page opened before an update still finds its own.
    """
    files = gather(source)
    names = name_by_content(files)
    for name in [name for name in files if name.endswith(".webmanifest")]:
        files[name] = with_public_names(files[name], names)
    names = name_by_content(files)
    for name, public in names.items():
        path = target / public
        if path.exists():
            continue
        # The plain file comes last: where it is, its compressed twins are too.
        if path.suffix in COMPRESSED:
            write_whole(path.with_name(path.name + ".br"), brotli.compress(files[name], quality=11))
            write_whole(path.with_name(path.name + ".gz"), gzip.compress(files[name], mtime=0))
        write_whole(path, files[name])
    return names


def static_url(names: Mapping[str, str], name: str, root: str = "/") -> str:
    """The address of a static file by its logical name; KeyError when there is none, so a misspelt name never reaches a page."""
    return f"{root}{PREFIX}{names[name]}"


WORKS_OFFLINE = (
    "js/app.js",
    "js/offline/",
    "js/modules/",
    "vendor/idb.js",
    "img/icons.svg",
    "portal.css",
    "dark.css",
)
"""What pages need that work without a network."""


def worker(page: str, address: str, name: str, scope: str) -> Response:
    """The service worker that keeps a page for times without a network, under a name of its own on the device.

    Another page, another version: then browsers renew it. ``scope``: the addresses it answers for.
    """
    names = current_app.extensions["portal.static"]
    files = [static_url(names, one) for one in sorted(names) if one.startswith(WORKS_OFFLINE)]
    shell = {"name": name, "version": digest(page.encode()), "page": address, "files": files}
    code = static_url(names, "js/offline/worker.js")
    answer = Response(
        f"self.SHELL = {json.dumps(shell)};\nimportScripts({json.dumps(code)});\n", mimetype="text/javascript"
    )
    answer.headers["Service-Worker-Allowed"] = scope
    return answer


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}
"""What goes out with every static file: opened by itself it loads nothing and stands in no frame."""


def serve(application: WSGIApplication, target: Path, more: Mapping[str, str]) -> WhiteNoise:
    """The application with the published files in front of it, kept by browsers for ever because their names change.

    ``more``: headers besides the usual ones.
    """
    fixed = {**HEADERS, **more}

    def add_headers(headers: Headers, _path: str, _url: str) -> None:
        for name, value in fixed.items():
            headers[name] = value

    return WhiteNoise(
        application,
        root=str(target),
        prefix=PREFIX,
        allow_all_origins=False,
        immutable_file_test=NAMED_BY_CONTENT,
        add_headers_function=add_headers,
    )
