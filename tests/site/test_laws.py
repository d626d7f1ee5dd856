"""The laws of the house that hold over the whole tree: who may import whom, where names stand, what nobody writes."""

import ast
import re
from pathlib import Path

import html5lib
import pytest

from portal import create_app
from portal.access import public, refuse_undeclared, rendered
from portal.config import ROOT, Settings
from scripts import translations

FEATURES = [
    "keys",
    "trail",
    "jobs",
    "settings",
    "deliveries",
    "accounts",
    "schools",
    "signon",
    "roster",
    "files",
    "joining",
    "custody",
    "contacts",
    "staffing",
    "recovery",
    "courses",
    "visits",
    "care",
    "notices",
    "committees",
    "opinions",
    "surveys",
    "ratings",
    "privacy",
    "audit",
]
LAST = ["home", "rehearsal"]
ORDER = {name: place for place, name in enumerate(FEATURES + LAST)}
TEMPLATE_FOLDERS = {"layouts", "components", "errors", "styles"}
AGREED = ROOT / "tests/site/access.txt"


def modules() -> dict[str, Path]:
    """Dotted name → file of everything in the portal."""
    found = {}
    for path in (ROOT / "portal").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(source: str, known: set[str]) -> set[str]:
    """The portal's modules that a source imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return found & known


def graph() -> dict[str, set[str]]:
    files = modules()
    return {
        name: imports_of(path.read_text(encoding="utf-8"), set(files)) - {name}
        for name, path in files.items()
    }


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """One import cycle, or nothing."""
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(name: str) -> list[str]:
        state[name] = 1
        trail.append(name)
        for other in sorted(edges.get(name, ())):
            if state.get(other) == 1:
                return [*trail[trail.index(other) :], other]
            if other not in state and (found := visit(other)):
                return found
        trail.pop()
        state[name] = 2
        return []

    for name in sorted(edges):
        if name not in state and (found := visit(name)):
            return found
    return []


def wrong_way(edges: dict[str, set[str]]) -> list[str]:
    """Imports that go to a later feature, or from plumbing to a feature that is not among those it may know."""
    found = []
    for name, others in edges.items():
        parts = name.split(".")
        own = ORDER.get(parts[1]) if len(parts) > 1 else None
        for other in others:
            target = other.split(".")
            theirs = ORDER.get(target[1]) if len(target) > 1 else None
            if own is not None and theirs is not None and theirs > own:
                found.append(f"{name} imports the later {other}")
            if own is None and theirs is not None and name != "portal":
                found.append(f"plumbing {name} imports the feature {other}")
    return found


def test_no_import_goes_in_a_circle():
    assert cycle(graph()) == []


def test_the_search_for_circles_finds_one():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]


def test_features_import_only_earlier_ones():
    assert wrong_way(graph()) == []


def test_the_order_of_features_is_kept_by_the_check():
    assert wrong_way({"portal.courses.views": {"portal.visits.models"}})
    assert wrong_way({"portal.paging": {"portal.visits.models"}})


def test_every_feature_has_its_place_in_the_order():
    folders = {
        path.name for path in (ROOT / "portal").iterdir() if path.is_dir() and path.name != "__pycache__"
    }

    assert folders <= set(ORDER)


def test_page_templates_are_named_after_their_endpoints(one_app):
    strays = []
    for path in (ROOT / "templates").rglob("*.html"):
        folder = path.relative_to(ROOT / "templates").parts[0]
        if folder in TEMPLATE_FOLDERS or path.name.startswith("_"):
            continue
        parts = path.relative_to(ROOT / "templates").with_suffix("").parts
        if ".".join(parts) not in one_app.view_functions and not named_in_views(folder, path):
            strays.append(str(path.relative_to(ROOT)))

    assert strays == []


def named_in_views(folder: str, path: Path) -> bool:
    """Whether a view of the feature renders it under its own name (a page that several endpoints show)."""
    wanted = f'"{path.relative_to(ROOT / "templates").as_posix()}"'
    return any(
        wanted in source.read_text(encoding="utf-8") for source in (ROOT / "portal" / folder).rglob("*.py")
    )


def test_only_the_clock_asks_the_time():
    asks = re.compile(r"datetime\.now\(|date\.today\(|time\.time\(|utcnow\(")
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "portal").rglob("*.py")
        if path.name != "clock.py" and asks.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_no_sql_is_written_by_hand():
    by_hand = re.compile(r"""\btext\(\s*f?["'](?:SELECT|INSERT|UPDATE|DELETE|WITH)\b(?! 1["'])""", re.I)
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "portal").rglob("*.py")
        if by_hand.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []
    assert by_hand.search('text("SELECT name FROM person")')


def test_the_access_table_is_the_one_we_agreed(one_app):
    """To change who may do what, change tests/site/access.txt in the same commit: it is the part to review.

    `flask access-table > tests/site/access.txt` writes it.
    """
    assert rendered(one_app) == AGREED.read_text(encoding="utf-8").splitlines()


def test_an_endpoint_that_does_not_say_who_it_is_for_keeps_the_portal_from_starting(tmp_path, monkeypatch):
    app = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True)
    app.add_url_rule("/open", "declared", public(lambda: "x"))
    refuse_undeclared(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "x")
    with pytest.raises(RuntimeError, match="forgotten"):
        refuse_undeclared(app)


def test_no_sentence_is_missing_fuzzy_or_unused():
    assert translations.problems() == []


def test_a_missing_sentence_is_reported(monkeypatch):
    everything = translations.sentences()
    everything["A sentence nobody translated.", None] = {"portal/nowhere.py"}
    monkeypatch.setattr(translations, "sentences", lambda: everything)

    assert any("A sentence nobody translated." in problem for problem in translations.problems())


def bare_words(template: str) -> list[str]:
    """Words of a template that do not go through the catalogue; names of languages are themselves in every language."""
    template = re.sub(r"(</?){{.*?}}", r"\1div", template)
    source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", template, flags=re.S)
    tree = html5lib.parseFragment(source, treebuilder="etree")
    texts = (
        text
        for element in tree.iter()
        if not str(element.tag).endswith(("script", "style"))
        for text in (element.text, element.tail)
    )
    words = (re.sub(r"\s+", " ", text).strip() for text in texts if text)
    return [word for word in words if re.search(r"[A-Z][a-z]+|[\u3400-\u9fff]{2,}", word)]


def test_templates_hold_no_sentence_outside_the_catalogue():
    found = [
        f"{path.name}: {word}"
        for path in (ROOT / "templates").rglob("*.html")
        if "styles" not in path.parts
        for word in bare_words(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_a_sentence_outside_the_catalogue_is_found():
    assert bare_words('<p class="x">Welcome {{ name }}</p>') == ["Welcome"]
    assert bare_words("<p>{{ _('Welcome') }}</p>") == []
