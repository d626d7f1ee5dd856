"""Every page of the portal, found by walking, as every actor, in every language, normal and elder."""

import re
from collections.abc import Iterator
from contextvars import copy_context

import pytest
from flask import Flask, Response
from sqlalchemy import select, update

from portal import create_app
from portal.access import public
from portal.accounts.models import Person
from portal.config import Settings
from portal.extensions import db
from tests.site.actors import LANGUAGES, PLAYERS, Player
from tests.site.checks import Answer, complaints
from tests.site.crawl import endpoint_of, fetch, walk
from tests.support.html import faults_in

STARTS = ("/", "/courses/", "/stars/", "/account/sign-in")
REACHED_OTHERWISE = {
    "visits.offline": "opened from a device that took visits along; tried in tests/visits",
    "care.shared": "from the link that a partner was given; tried in tests/care",
    "visits.package": "asked by scripts; tried in tests/visits",
    "visits.standing": "asked by scripts; tried in tests/visits",
    "visits.worker": "asked by scripts; tried in tests/visits",
    "accounts.new_password": "only half signed in; tried in tests/accounts",
    "answers.questionnaire": "by the code of a questionnaire; tried in tests/surveys",
    "answers.with_pass": "with a pass, while passes are signed blindly; tried in tests/surveys",
    "surveys.access": "only where passes are signed blindly; tried in tests/surveys",
    "answers.thanks": "by the code of a questionnaire; tried in tests/surveys",
    "audit.anchors_text": "kept by machines; tried in tests/audit",
    "files.signed": "only from another origin; tried in tests/files",
    "staffing.hand_over_class": "only while a hand-over is planned; tried in tests/staffing",
    "accounts.proof": "only on the way to something guarded; tried in tests/accounts",
    "accounts.recovery_code_list": "only with a second factor; tried in tests/accounts",
    "accounts.second_step": "only half signed in; tried in tests/accounts",
    "accounts.set_up": "only half signed in; tried in tests/accounts",
    "home.health": "asked by machines",
    "styles.index": "in development only",
    "joining.paper": "only within an hour of printing; tried in tests/joining",
    "joining.sent": "only after a request; tried in tests/joining",
    "joining.waiting": "only after a request; tried in tests/joining",
    "joining.you": "only with the code of a slip; tried in tests/joining",
    "notices.edit": "only while a draft is open; tried in tests/notices",
    "notices.preview": "only while a draft is open; tried in tests/notices",
    "ratings.appeal": "only while an appeal against a measure waits; tried in tests/ratings",
    "ratings.concern": "only in the days of public notice; tried in tests/ratings",
    "ratings.concern_case": "only while an objection of somebody waits; tried in tests/ratings",
    "ratings.edit_item": "only while a rubric is a draft; tried in tests/ratings",
    "ratings.edit_rubric": "only while a rubric is a draft; tried in tests/ratings",
    "ratings.gap": "only between two locked sheets; tried in tests/ratings",
    "ratings.gaps": "only between two locked sheets; tried in tests/ratings",
    "ratings.draw": "only while a round is being prepared; tried in tests/ratings",
    "ratings.draw_file": "only when a draw was announced; tried in tests/ratings",
    "ratings.interest": "only before a sheet is opened; tried in tests/ratings",
    "ratings.panel": "only when the inspectors agreed; tried in tests/ratings",
    "ratings.inspectors": "only while a round is being prepared; tried in tests/ratings",
    "ratings.edit_note": "only while a sheet is open; tried in tests/ratings",
    "ratings.kit": "opened from a device that took sheets along; tried in tests/ratings",
    "ratings.kit_package": "asked by scripts; tried in tests/ratings",
    "ratings.kit_standing": "asked by scripts; tried in tests/ratings",
    "ratings.kit_worker": "asked by scripts; tried in tests/ratings",
    "ratings.sheet_texts": "only when two texts met; tried in tests/ratings",
    "ratings.new_item": "only while a rubric is a draft; tried in tests/ratings",
    "ratings.objection": "only while an objection waits; tried in tests/ratings",
    "ratings.objection_veto": "only while an objection to a veto waits; tried in tests/ratings",
    "ratings.objection_item": "only while an objection waits; tried in tests/ratings",
    "ratings.rubric_settings": "only while a rubric is a draft; tried in tests/ratings",
    "ratings.year_end_csv": "only when a sheet was made; tried in tests/ratings",
    "ratings.year_end_xlsx": "only when a sheet was made; tried in tests/ratings",
    "recovery.asked": "only after a request; tried in tests/recovery",
    "recovery.paper": "only within an hour of a code; tried in tests/recovery",
    "staffing.graduates": "only when a class leaves and the next year is founded; tried in tests/staffing",
    "staffing.slips_paper": "only within an hour of making slips; tried in tests/staffing",
    "signon.arrive": "only back from a provider; tried in tests/signon",
    "signon.index": "only with several providers; tried in tests/signon",
    "signon.left": "only after signing out; tried in tests/signon",
    "signon.start": "only with a provider; tried in tests/signon",
    "accounts.enter_code": "only after asking for a code; tried in tests/accounts",
    "accounts.enter_second_code": "only half signed in; tried in tests/accounts",
    "accounts.enter_email_code": "only after asking for a code; tried in tests/accounts",
    "roster.annotated": "only after an upload; tried in tests/roster",
    "roster.changes": "only after an upload; tried in tests/roster",
    "roster.show": "only after an upload; tried in tests/roster",
}


def look(app: Flask, as_, player: Player, language: str, elder: bool, **more: int) -> Iterator[Answer]:
    if player.name is not None:
        db.session.execute(
            update(Person).where(Person.name == player.name).values(language=language, elder=elder)
        )
        db.session.commit()
    client = as_(player.name, player.role)
    if player.name is None:
        client.set_cookie("elder", "1" if elder else "0")
        client.set_cookie("language", language)
    starts = [start for start in STARTS if endpoint_of(app, start)]
    yield from walk(app, client, language, tuple(starts), **more)


WALKS = [
    pytest.param(
        player,
        language,
        elder,
        id=f"{player.actor}-{language}-{'elder' if elder else 'normal'}",
        marks=[] if elder == ((place + turn) % 2 == 0) else [pytest.mark.soak],
    )
    for place, player in enumerate(PLAYERS)
    for turn, language in enumerate(LANGUAGES)
    for elder in (False, True)
]
"""Everybody in every language, each in both modes in turn: elder mode is one thing of the layouts. The other half in the soak."""


@pytest.mark.parametrize(("player", "language", "elder"), WALKS)
def test_every_page_is_what_it_must_be(app, as_, player, language, elder):
    found = []
    for answer in look(app, as_, player, language, elder):
        found += [f"{answer.path}: {complaint}" for complaint in complaints(answer)]
        if answer.status in (403, 404, 405):
            found.append(f"{answer.path}: a link leads to {answer.status}")

    assert found == []


@pytest.mark.timeout(300)
def test_every_page_is_reached_by_somebody_and_sound_html(app, as_):
    """All pages of all actors; through the strictest checker there is on this machine in one run, the first of each kind."""
    reached, pages = set(), {}
    for player in PLAYERS:
        elder, seen = player.actor == "grandparent", set()
        for answer in look(app, as_, player, "zh-Hans", elder, same_page=40):
            endpoint = endpoint_of(app, answer.path)
            reached.add(endpoint)
            if answer.is_page and not answer.developer and endpoint not in seen:
                seen.add(endpoint)
                pages[f"{player.actor} {answer.path}"] = answer.html
    there = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and rule.endpoint not in REACHED_OTHERWISE
    }

    assert sorted(there - reached) == []
    assert len(pages) > 60
    faults = faults_in({**pages, "seeded": "<!doctype html><html lang=zh><title>x</title><p><b>x</p></b>"})
    assert {fault for fault in faults if not fault.startswith("seeded:")} == set()
    assert faults, "the control: the seeded page is faulty"


SEEDS = {
    "no_failure": "<!doctype html><title>x</title><h1>x</h1>Traceback (most recent call last)",
    "strict_html": "<!doctype html><title>x</title><h1>x</h1><p><b>x</p></b><i id=a></i><i id=a></i>",
    "one_heading_in_the_title": "<!doctype html><title>x</title><h1>y</h1>",
    "labelled_controls": "<!doctype html><title>x</title><h1>x</h1><input name=q>",
    "budget": "<!doctype html><title>x</title><h1>x</h1>" + "字" * 11_000,
    "own_host_only": "<!doctype html><title>x</title><h1>x</h1><img alt='' src='//elsewhere.example/a.png'>",
    "nothing_inline": "<!doctype html><title>x</title><h1>x</h1><p style='color:red' onclick='x()'>x</p>",
    "nothing_untranslated": "<!doctype html><html lang=zh-Hans><title>x</title><h1>x</h1><p>Please sign in first</p>",
}


@public
def seed(name: str) -> Response:
    """A page with one defect."""
    if name == "content_policy_and_headers":
        return Response("x", headers={"Content-Security-Policy": "default-src *", "X-Frame-Options": "ALLOW"})
    if name == "says_its_kind":
        return Response("x", headers={"Content-Type": "text/plain"})
    if name == "few_queries":
        for _round in range(40):
            db.session.execute(select(1)).all()
    return Response(SEEDS.get(name, "<!doctype html><title>x</title><h1>x</h1>"), mimetype="text/html")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A portal with one more page per defect."""
    settings = Settings(instance=tmp_path_factory.mktemp("seeded"), database_url="")
    app = create_app(settings, TESTING=True)
    app.add_url_rule("/seeds/<name>", "seed", seed)
    return app


@pytest.mark.parametrize("defect", [*SEEDS, "content_policy_and_headers", "few_queries", "says_its_kind"])
def test_each_check_catches_its_seeded_defect(seeded, defect):
    with seeded.app_context():
        answer = fetch(seeded.test_client(), f"/seeds/{defect}", "zh-Hans")

    assert any(found.startswith(f"{defect}:") for found in complaints(answer)), complaints(answer)


def test_the_check_on_writing_catches_a_get_that_writes():
    answer = Answer("/", 200, {"Content-Type": "text/plain"}, "", statements=["UPDATE person SET name = ?"])

    assert any(found.startswith("reading_never_writes:") for found in complaints(answer))


def test_the_check_on_writing_lets_only_the_entry_of_a_read_pass():
    entry = ["UPDATE trail_head SET sequence=1", "INSERT INTO trail_entry (sequence) VALUES (1)"]
    answer = Answer("/", 200, {"Content-Type": "text/plain"}, "", statements=entry)
    beside = Answer("/", 200, answer.headers, "", statements=[*entry, "DELETE FROM trail_entry"])

    assert not any(found.startswith("reading_never_writes:") for found in complaints(answer))
    assert any(found.startswith("reading_never_writes:") for found in complaints(beside))


def test_a_get_cannot_write_even_if_it_tries(app):
    def try_it():
        with app.test_request_context("/", method="GET"):
            app.preprocess_request()
            with pytest.raises(Exception, match=re.compile("readonly|read-only", re.I)):
                db.session.execute(update(Person).values(name="谁"))
            db.session.rollback()

    # In a context of its own, as on a server: who asks must not stay for the tests that follow.
    copy_context().run(try_it)


def test_the_first_view_of_a_parent_is_light(app, as_):
    """HTML, styles, scripts and signs of the first page, as they travel: at most 100 KB in all."""
    client = as_("李晚晴")
    html = client.get("/").get_data()
    published = app.config["INSTANCE"] / "static"
    sent = {"html": len(html)}
    for kind, pattern in (
        ("css", "portal.*.css.br"),
        ("script", "js-*/**/*.js.br"),
        ("signs", "img/icons.*.svg.br"),
    ):
        sent[kind] = sum(path.stat().st_size for path in published.glob(pattern))

    assert sent["html"] <= 30 * 1024
    assert 0 < sent["css"] <= 25 * 1024
    assert 0 < sent["script"] <= 40 * 1024
    assert sum(sent.values()) <= 100 * 1024
