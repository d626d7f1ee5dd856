"""The installer: uv as a ready-made program, taken from the configured package index and checked by hash.

It needs neither pip nor the venv module, which Debian and Ubuntu leave out of their Python.
"""

import configparser
import html.parser
import io
import json
import os
import platform
import shutil
import urllib.parse
import zipfile
from pathlib import Path
from typing import Any

import downloads
from places import ROOT, TOOLS
from words import StopError

PUBLIC_INDEX = "https://pypi.org/simple"
ASK_FOR = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


def index() -> str:
    """The package index this machine is set up for: uv's variable, pip's variable, pip's settings, else the public one."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    for file in _pip_settings():
        settings = configparser.RawConfigParser(strict=False)
        try:
            settings.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("install", "global"):
            address = settings.get(section, "index-url", fallback="").strip()
            if address:
                return address.rstrip("/")
    return PUBLIC_INDEX


def _pip_settings() -> list[Path]:
    home = Path.home()
    own = os.environ.get("PIP_CONFIG_FILE")
    return [
        *([Path(own)] if own else []),
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        home / "Library/Application Support/pip/pip.conf",
        home / ".pip/pip.conf",
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
    ]


def files_of(package: str) -> list[tuple[str, str]]:
    """The files an index offers of a package: (file name, address), from the JSON or the HTML form of its page."""
    page = f"{index()}/{package}/"
    body = downloads.get(page, {"Accept": ASK_FOR})
    try:
        listed: list[dict[str, Any]] = json.loads(body)["files"]
        found = [(file["filename"], file["url"]) for file in listed]
    except ValueError:
        links = _Links()
        links.feed(body.decode("utf-8", "replace"))
        found = links.found
    return [(name, urllib.parse.urljoin(page, address)) for name, address in found]


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href") if tag == "a" else None
        if address:
            path = urllib.parse.urlsplit(address).path
            self.found.append((urllib.parse.unquote(path.rpartition("/")[2]), address))


def kind_of_machine() -> str:
    """The key of this machine in uv.json: system, processor and, on Linux, the C library."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if system == "darwin":
        return f"darwin-{machine.replace('aarch64', 'arm64')}"
    library = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
    return f"{system}-{machine.replace('arm64', 'aarch64')}-{library}"


def wanted_wheel() -> tuple[str, dict[str, str]]:
    """The pinned version and this machine's wheel (file, sha256); StopError when there is none for it."""
    table = json.loads((ROOT / "scripts/uv.json").read_text(encoding="utf-8"))
    wheel = table["wheels"].get(kind_of_machine())
    if wheel is None:
        raise StopError(kind_of_machine())
    return table["version"], wheel


def wheel_content(wheels: Path | None) -> bytes:
    """uv's wheel from a folder of wheels or from the index, its hash checked."""
    _, wheel = wanted_wheel()
    kept = wheels / wheel["file"] if wheels else None
    if kept and kept.is_file():
        content = kept.read_bytes()
    else:
        addresses = dict(files_of("uv"))
        if wheel["file"] not in addresses:
            raise StopError(f"{wheel['file']}: {index()}")
        content = downloads.get(addresses[wheel["file"]])
    downloads.check_sha256(content, wheel["sha256"], wheel["file"])
    return content


def find_uv(wheels: Path | None) -> Path | None:
    """uv, ready to run: fetched once into `.tools/`, else the one on the path, else None (pip then takes over)."""
    try:
        version, _ = wanted_wheel()
        program = TOOLS / f"uv-{version}" / "uv"
        if not program.is_file():
            with zipfile.ZipFile(io.BytesIO(wheel_content(wheels))) as archive:
                inside = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
                downloads.write_whole(program, archive.read(inside), 0o755)
        return program
    except StopError:
        on_path = shutil.which("uv")
        return Path(on_path) if on_path else None


def settings_for_uv() -> dict[str, str]:
    """The environment uv runs with: the same index and certificates as pip, its cache in the project when HOME is shut."""
    settings = {"UV_DEFAULT_INDEX": index(), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"}
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    if certificates:
        settings["SSL_CERT_FILE"] = certificates
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if "UV_CACHE_DIR" not in os.environ and not os.access(nearest, os.W_OK):
        settings["UV_CACHE_DIR"] = str(TOOLS / "uv-cache")
    return settings
