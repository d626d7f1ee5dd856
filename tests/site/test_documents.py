"""The documents say what is there: settings, packages, places, links, commands."""

import ast
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pictures
import polib
import pytest
import visit_pictures

from portal.config import ROOT, Settings
from portal.rehearsal.commands import ACCOUNTS
from portal.rehearsal.town import PASSWORD
from portal.roster.columns import SHEETS

BY_CONVENTION = {
    "HOME": "the user's folder",
    "PATH": "the machine's",
    "XDG_CONFIG_HOME": "where pip keeps its settings",
    "XDG_CACHE_HOME": "where uv keeps its cache",
    "UV_CACHE_DIR": "uv's own",
    "DEBIAN_FRONTEND": "set by us",
    "npm_config_registry": "npm's other spelling",
}
"""Variables that belong to the machine or to other tools; everything else must stand in the README."""
SHORTEST_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


def documents() -> list[Path]:
    """All Markdown files of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def first_cells(text: str, heading: str) -> list[str]:
    """The first cells of the tables under a heading, headings of columns left out."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"no section {heading}"
    rows = [line for line in section[1].splitlines() if line.startswith("|")]
    cells = [line.split("|")[1].strip() for line in rows]
    return [
        cell
        for place, cell in enumerate(cells)
        if not set(cell) <= set("- ") and not (place + 1 < len(cells) and set(cells[place + 1]) <= set("- "))
    ]


def variables_of(source: str) -> set[str]:
    """Names of environment variables that a source reads: ``os.environ.get("X")``, ``os.environ["X"]``, loops over names."""
    found: set[str] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv"):
            found |= names_in(node.args[0], tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            found |= names_in(node.slice, tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            found |= names_in(node.left, tree)
    return found


def names_in(node: ast.expr, tree: ast.AST) -> set[str]:
    """The text of a constant, or the constants that a loop gives to a variable."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    given: set[str] = set()
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For) and ast.unparse(loop.target) == ast.unparse(node):
            given |= {str(part.value) for part in ast.walk(loop.iter) if isinstance(part, ast.Constant)}
    return given


def variables_of_settings() -> set[str]:
    """The variables of portal.config, as the operator writes them."""
    prefix = Settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in Settings.model_fields.items()
    }


def variables_of_scripts() -> set[str]:
    files = [*(ROOT / "scripts").glob("*.py"), *(ROOT / "portal").rglob("*.py"), ROOT / "gunicorn.conf.py"]
    files += [*(ROOT / "tests/support").glob("*.py")]
    found = {name for path in files for name in variables_of(path.read_text(encoding="utf-8"))}
    return found - set(BY_CONVENTION)


def undocumented(readme: str, variables: set[str]) -> set[str]:
    """Variables that the README's settings tables do not name."""
    named = {name for cell in first_cells(readme, "Settings") for name in re.findall(r"`([A-Za-z_]+)`", cell)}
    return variables - named


def test_every_setting_stands_in_the_readme():
    assert undocumented(read("README.md"), variables_of_settings() | variables_of_scripts()) == set()


def test_the_readme_names_no_setting_that_is_gone():
    named = {
        name
        for cell in first_cells(read("README.md"), "Settings")
        for name in re.findall(r"`([A-Z_]+)`", cell)
    }

    assert named - variables_of_settings() - variables_of_scripts() == set()


def test_a_setting_missing_from_the_readme_is_found():
    readme = "## Settings\n\n| Variable | Meaning |\n| --- | --- |\n| `PORT` | … |\n"

    assert undocumented(readme, {"PORT", "PORTAL_HTTPS"}) == {"PORTAL_HTTPS"}
    assert variables_of('for name in ("A_B", "C_D"):\n    os.environ[name]') == {"A_B", "C_D"}
    assert variables_of('os.environ.get("E_F") or os.environ.get("G_H", "1")') == {"E_F", "G_H"}


def commands(group: click.Group, app_context: object) -> set[str]:
    """Every command the portal adds to ``flask``: one word, or group and word."""
    found = set()
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}" for inner in command.commands}
        else:
            found.add(name)
    return found


def test_the_readme_names_every_command_and_no_other(app):
    table = " ".join(first_cells(read("README.md"), "Commands"))
    named = set(re.findall(r"`flask ([a-z-]+(?: [a-z][a-z-]*)?)", table))
    ours = {name for name in commands(app.cli, app) if not name.startswith("db ")} - {
        "routes",
        "shell",
        "run",
    }

    assert named - {"db upgrade"} == ours


def test_the_readme_names_every_rehearsal_account():
    cells = " ".join(first_cells(read("README.md"), "Rehearsal accounts"))

    assert set(re.findall(r"`(\w+)`", cells)) == {account for _role, _name, account in ACCOUNTS}
    assert PASSWORD in read("README.md")


def packages_in(lock: str) -> set[str]:
    """The packages a requirements file asks for by name."""
    lines = (line.strip() for line in read(lock).splitlines())
    return {re.split(r"[=\[<>~!;\s]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}


def vendored() -> set[str]:
    places = ("static/vendor", "templates/documents/fonts", "tests/vendor")
    locks = [ROOT / place / "lock.json" for place in places if (ROOT / place / "lock.json").exists()]
    return {package["name"] for lock in locks for package in json.loads(lock.read_text("utf-8"))["packages"]}


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("To run (requirements.in)", lambda: packages_in("requirements.in")),
        ("To check (requirements-dev.in)", lambda: packages_in("requirements-dev.in")),
        ("Files and programs that are not Python packages", lambda: vendored() | {"lucide", "uv"}),
    ],
)
def test_every_package_has_its_reason(heading, wanted):
    named = first_cells(read("docs/libraries.md"), heading)

    assert len(named) == len(set(named))
    assert set(named) == wanted()


def test_every_package_has_reason_and_licence():
    rows = [line for line in read("docs/libraries.md").splitlines() if re.match(r"\| [a-z]", line)]

    assert len(rows) > 40
    assert [row for row in rows if not all(cell.strip() for cell in row.strip("|").split("|"))] == []


def broken_links(text: str, place: Path) -> list[str]:
    """Relative links and pictures of a Markdown text whose target is not there; anchors must be headings."""
    broken = []
    for address in re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", text):
        target = address[0] or address[1]
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        path = (place / unquote(parts.path)).resolve() if parts.path else None
        if path is not None and not (path.exists() and path.is_relative_to(ROOT)):
            broken.append(target)
        elif parts.fragment:
            written = text if path is None else path.read_text(encoding="utf-8")
            if unquote(parts.fragment) not in anchors(written):
                broken.append(target)
    return broken


def anchors(text: str) -> set[str]:
    """The anchors that headings get."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    assert broken_links(document.read_text(encoding="utf-8"), document.parent) == []


def test_a_link_that_leads_nowhere_is_found():
    text = "# One part\n[a](README.md) [b](gone.md) [c](#one-part) [d](#two) ![e](docs/no.png) [f](https://x.invalid/)"

    assert broken_links(text, ROOT) == ["gone.md", "#two", "docs/no.png"]


def absent_places(text: str) -> list[str]:
    """Paths named in backticks that are not in the project; `<feature>` stands for any feature."""
    absent = []
    for named in re.findall(r"`([\w./<>*-]+)`", text):
        is_path = "/" in named and not named.startswith(("/", "./", "<"))
        is_file = re.fullmatch(r"[\w.-]+\.(py|md|toml|html|css|txt|in|yaml)", named) is not None
        if not (is_path or is_file):
            continue
        pattern = re.sub(r"<[a-z]+>", "*", named.rstrip("/"))
        patterns = [pattern] if is_path else [pattern, f"portal/{pattern}", f"portal/*/{pattern}"]
        if not any(next(ROOT.glob(one), None) for one in patterns):
            absent.append(named)
    return absent


def test_the_architecture_names_only_what_is_there():
    assert absent_places(read("ARCHITECTURE.md")) == []
    assert absent_places(read("CONTRIBUTING.md")) == []


def test_a_place_that_is_gone_is_found():
    text = "`portal/access.py` `portal/nowhere/` `templates/<feature>/index.html` `policy.py` `plicy.py`"

    assert absent_places(text) == ["portal/nowhere/", "plicy.py"]


def unnamed_features(text: str) -> set[str]:
    folders = {path.parent.name for path in (ROOT / "portal").glob("*/__init__.py")}
    return {name for name in folders if f"`portal/{name}/`" not in text}


def test_the_architecture_names_every_feature():
    assert unnamed_features(read("ARCHITECTURE.md")) == set()
    assert "visits" in unnamed_features("`portal/courses/`")


def test_the_architecture_fits_into_one_sitting():
    assert len(read("ARCHITECTURE.md").splitlines()) <= 200


def test_every_picture_can_be_taken_again_and_is_shown():
    kept = {path.stem for path in pictures.FOLDER.glob("*.png")}

    assert kept == {picture.name for picture in pictures.PICTURES}
    assert kept == set(
        re.findall(r'<img src="docs/pictures/([a-z-]+)\.png"[^>]+ alt="[^"]+">', read("README.md"))
    )
    assert sum(path.stat().st_size for path in pictures.FOLDER.glob("*.png")) < pictures.LARGEST_TOGETHER


def test_every_step_of_a_visit_is_shown_in_both_modes():
    steps = {f"{number:02}-{name}" for number, name in enumerate(visit_pictures.STEPS, start=1)}
    kept = {path.stem for path in visit_pictures.FOLDER.iterdir()}
    shown = re.findall(r'<img src="pictures/visits/([\w-]+)\.webp"[^>]+ alt="[^"]+">', read("docs/visits.md"))

    assert kept == steps | {f"{step}-elder" for step in steps}
    assert sorted(shown) == sorted(kept)
    together = sum(path.stat().st_size for path in visit_pictures.FOLDER.iterdir())
    assert together < visit_pictures.LARGEST_TOGETHER


HANDBOOKS = ("docs/district.md", "docs/school.md", "docs/visits.md")


def unknown_words(text: str, known: set[str]) -> list[str]:
    """What a handbook quotes from the screen that no page says."""
    return [said for said in re.findall(r"「([^」]+)」", text) if said not in known]


def words_on_screen() -> set[str]:
    catalogue = polib.pofile(str(ROOT / "translations/zh_Hans/LC_MESSAGES/messages.po"))
    return {entry.msgstr for entry in catalogue} | {sheet.name for sheet in SHEETS}


@pytest.mark.parametrize("handbook", HANDBOOKS)
def test_handbooks_quote_what_the_screen_says(handbook):
    text = read(handbook)

    assert text.count("「") > 20
    assert unknown_words(text.replace("「」", ""), words_on_screen()) == []


def test_words_that_no_page_says_are_found():
    assert unknown_words("点「登录」，再点「立即起飞」。", words_on_screen()) == ["立即起飞"]
