"""Faults in pages, as the HTML standard sees them: the Nu checker where there is a Java, html5lib's parser elsewhere.

    faults = faults_in({"home": "<!doctype html>…"})       # [] or ["home:12: Duplicate ID “main”.", …]

All pages go through one run of the checker, because starting it takes most of the time.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import html5lib
import machine
import places
import vendor

SECONDS_TO_CHECK = 300
ADVICE = "Section lacks heading."
"""The standard allows a section without a heading; the checker only advises one. A card needs none."""


def faults_in(pages: Mapping[str, str]) -> list[str]:
    """Every fault of every page, given as name → HTML; each fault names its page and line."""
    java = machine.find_java()
    return _by_the_nu_checker(java, pages) if java else by_html5lib(pages)


def _by_the_nu_checker(java: Path, pages: Mapping[str, str]) -> list[str]:
    with places.locked(places.TOOLS / "vnu.lock"):
        jar = vendor.fetch_named("vnu-jar") / "build/dist/vnu.jar"
    names = list(pages)
    with tempfile.TemporaryDirectory() as folder:
        for position, name in enumerate(names):
            Path(folder, f"{position}.html").write_text(pages[name], encoding="utf-8")
        command = [java, "-Xss4m", "-jar", jar, "--format", "json", "--exit-zero-always", "--stdout", folder]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=SECONDS_TO_CHECK, check=True
        )  # fmt: skip
    faults = []
    for message in json.loads(done.stdout)["messages"]:
        if message["message"].startswith(ADVICE):
            continue
        if message["type"] == "error" or message.get("subType") == "warning":
            name = names[int(Path(message["url"]).stem)]
            faults.append(f"{name}:{message.get('lastLine', '?')}: {message['message']}")
    return faults


def by_html5lib(pages: Mapping[str, str]) -> list[str]:
    """The faults a strict parser finds: fewer than the checker, but none that is not one."""
    faults = []
    for name, text in pages.items():
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        parser.parse(text)
        for (line, _column), code, values in parser.errors:
            faults.append(f"{name}:{line}: {html5lib.constants.E.get(code, code) % values}")
    return faults
