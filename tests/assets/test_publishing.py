"""Static files reach the browser whole, named by their content, compressed, and never twice."""

import gzip
import json
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from portal import assets

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The project's own static files, published once."""
    target = tmp_path_factory.mktemp("static")
    return target, assets.publish(STATIC, target)


def nobody_home(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return [b""]


@pytest.fixture(scope="module")
def browser(published: tuple[Path, dict[str, str]]) -> Client:
    return Client(assets.serve(nobody_home, published[0], {"Strict-Transport-Security": "max-age=1"}))


def test_the_stylesheet_stays_within_its_budget(published: tuple[Path, dict[str, str]]) -> None:
    target, names = published
    assert sum((target / names[name]).stat().st_size for name in ("portal.css", "dark.css")) <= 25 * 1024


def test_every_style_is_in_the_stylesheet_or_the_dark_one() -> None:
    joined = assets.stylesheet(STATIC / "css") + assets.gather(STATIC)["dark.css"].decode()
    for file in (STATIC / "css").rglob("*.css"):
        assert assets.shortened(file.read_text(encoding="utf-8")).strip() in joined, file.name


def test_shortening_keeps_blanks_that_mean_something() -> None:
    css = "/* note */ a .b > c + d { margin: calc(1em + 4px) 4px;  color: red; }\n@media (min-width: 2em) { .d :focus { x: y } }"
    assert (
        assets.shortened(css)
        == "a .b>c+d{margin:calc(1em + 4px) 4px;color:red}@media (min-width:2em){.d :focus{x:y}}\n"
    )


def test_a_published_file_is_kept_for_ever_and_never_sniffed(
    browser: Client, published: tuple[Path, dict[str, str]]
) -> None:
    for name in ("portal.css", "img/icons.svg", "js/app.js", "js/modules/autosave.js"):
        answer = browser.get(assets.static_url(published[1], name))
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["Cache-Control"], name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"] == "max-age=1"


@pytest.mark.parametrize(("encoding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_the_compressed_twin_holds_the_same_bytes(
    browser: Client, published: tuple[Path, dict[str, str]], encoding: str, unpack: object
) -> None:
    address = assets.static_url(published[1], "portal.css")
    plain = browser.get(address).data
    packed = browser.get(address, headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding
    assert callable(unpack) and unpack(packed.data) == plain


def test_a_changed_file_gets_a_new_name_and_the_old_one_stays(tmp_path: Path) -> None:
    source = small_site(tmp_path / "source")
    before = assets.publish(source, tmp_path / "out")
    (source / "img/mark.svg").write_text("<svg>new</svg>", encoding="utf-8")
    after = assets.publish(source, tmp_path / "out")
    assert before["img/mark.svg"] != after["img/mark.svg"]
    assert before["portal.css"] == after["portal.css"]
    assert (tmp_path / "out" / before["img/mark.svg"]).is_file()


def test_a_changed_module_renames_all_scripts_so_that_imports_hold(tmp_path: Path) -> None:
    source = small_site(tmp_path / "source")
    before = assets.publish(source, tmp_path / "out")
    (source / "js/modules/one.js").write_text("export const start = 2;", encoding="utf-8")
    after = assets.publish(source, tmp_path / "out")
    assert before["js/app.js"] != after["js/app.js"]
    assert (tmp_path / "out" / after["js/app.js"]).with_name("modules").joinpath("one.js").is_file()


def test_two_workers_starting_at_once_leave_whole_files(tmp_path: Path) -> None:
    source = small_site(tmp_path / "source")
    answers: list[dict[str, str]] = []
    workers = [
        threading.Thread(target=lambda: answers.append(assets.publish(source, tmp_path / "out")))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 6 and all(names == answers[0] for names in answers)
    for name, content in assets.gather(source).items():
        assert (tmp_path / "out" / answers[0][name]).read_bytes() == content
    assert not list((tmp_path / "out").rglob(".part-*"))


def test_the_manifest_names_icons_that_are_there(
    browser: Client, published: tuple[Path, dict[str, str]]
) -> None:
    answer = browser.get(assets.static_url(published[1], "site.webmanifest"))
    icons = [icon["src"] for icon in json.loads(answer.data)["icons"]]
    assert icons and all(browser.get(f"/static/{icon}").status_code == 200 for icon in icons)


def test_a_misspelt_name_is_an_error_not_a_dead_link(published: tuple[Path, dict[str, str]]) -> None:
    with pytest.raises(KeyError):
        assets.static_url(published[1], "img/lgoo.svg")


@given(
    st.dictionaries(st.text("abc/", min_size=1, max_size=6), st.binary(max_size=20), min_size=2, max_size=5)
)
def test_different_content_never_shares_a_name(files: dict[str, bytes]) -> None:
    names = assets.name_by_content({f"img/{name}.bin": content for name, content in files.items()})
    assert len(set(names.values())) == len(files)


def test_every_icon_used_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text(encoding="utf-8")))
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "templates").rglob("*.html"))
    used = set(re.findall(r'(?:\bicon|\bsign)\("([a-z0-9-]+)"|\bicon="([a-z0-9-]+)"', text))
    wanted = {first or second for first, second in used}
    assert wanted and wanted <= drawn, wanted - drawn


def small_site(source: Path) -> Path:
    """A source folder with one file of each kind."""
    for name, text in {
        "css/tokens.css": ":root { --ink: #000; }",
        "css/dark.css": ":root { --ink: #fff; }",
        "css/base.css": "body { color: var(--ink); }",
        "css/layout.css": ".page { margin: 0; }",
        "css/print.css": "@media print { a { color: #000; } }",
        "css/components/button.css": ".button { padding: 1px; }",
        "img/mark.svg": "<svg/>",
        "js/app.js": 'import("./modules/one.js");',
        "js/modules/one.js": "export const start = 1;",
    }.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return source
