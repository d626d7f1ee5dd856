"""Where answers are given: no cookie goes there or comes from there, nothing is logged, and on a host of its own nothing else is."""

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.deliveries.kinds import KINDS
from portal.extensions import db
from portal.schools.models import Guardianship
from portal.surveys.models import SurveyHousehold
from portal.surveys.origin import address
from portal.surveys.tries import tries
from tests.surveys.test_unlinkable import homes_of, opened

HOST = "https://answer.yunxi.example"


@pytest.fixture
def apart(app):
    """Answering on a host of its own."""
    app.config["SURVEY_ORIGIN"], app.config["ADDRESS"] = HOST, "https://gongyu.yunxi.example"
    yield
    app.config["SURVEY_ORIGIN"] = app.config["ADDRESS"] = ""


def first_token():
    return homes_of(opened())[0].token


def walk(client, token):
    """Every answer of the pages of answering: start, wrong code, code, questions, an empty and a full form, thanks, no such page."""
    yield client.get("/q/")
    yield client.post("/q/", data={"code": "0" * 16})
    yield client.post("/q/", data={"code": token})
    yield client.get(f"/q/{token}")
    yield client.post("/q/answers", data={"token": token})
    yield client.post("/q/answers", data={"token": token, "q1": "yes"})
    yield client.get("/q/thanks")
    yield client.get("/q/nowhere")
    yield client.get(f"/q/with-pass/{'0' * 22}")


def test_no_page_of_answering_sets_a_cookie_or_reads_one(app, as_):
    token = first_token()
    for client in (as_("李晚晴"), as_(None)):
        for kept in (("elder", "1"), ("language", "en"), ("theme", "dark")):
            client.set_cookie(*kept)
        for answer in walk(client, token):
            assert "Set-Cookie" not in answer.headers, answer.request.path
            if answer.mimetype == "text/html" and answer.status_code != 303:
                assert 'lang="zh-Hans"' in answer.text and "李晚晴" not in answer.text
                assert "csrf_token" not in answer.text


def test_the_look_for_cookies_finds_those_of_other_pages(app, as_):
    assert "Set-Cookie" in as_(None).get("/account/sign-in").headers


def test_large_letters_and_the_language_are_carried_in_the_address(as_, app):
    token = first_token()
    page = as_(None).page(f"/q/{token}?elder=1&language=zh-Hant")
    assert 'lang="zh-Hant"' in page.html and "data-elder" in page.html
    done = page.press("提交答卷", q1="yes")
    assert done.heading == "答卷已收到" and 'lang="zh-Hant"' in done.html
    assert "data-elder" in done.html
    assert "data-elder" not in as_(None).page(f"/q/{token}").html


def test_what_somebody_has_chosen_goes_along_from_the_account(app, as_):
    client = as_("周桂兰")
    for switch, value in (("elder", "1"), ("language", "zh-Hant")):
        token = client.page("/account/").all("input", name="csrf_token")[0].get("value")
        client.send(f"/account/{switch}", {switch: value, "to": "/", "csrf_token": token})
    home = db.session.scalars(
        select(SurveyHousehold)
        .join(Guardianship, Guardianship.household_id == SurveyHousehold.household_id)
        .join(Person, Person.id == Guardianship.person_id)
        .where(Person.name == "周桂兰")
    ).first()
    token = client.page("/account/").all("input", name="csrf_token")[0].get("value")
    sent = client.post(f"/surveys/mine/{home.public_id}", data={"csrf_token": token})
    assert sent.location.endswith("?elder=1&language=zh-Hant")
    assert "Set-Cookie" not in sent.headers


def test_nothing_of_answering_is_logged(app, as_, caplog):
    token = first_token()
    caplog.clear()
    for answer in walk(as_(None), token):
        assert answer.status_code < 500
    assert caplog.records == []
    as_(None).post("/surveys/new")
    assert caplog.records, "the control: elsewhere a refusal is logged"


def test_on_its_own_host_there_is_answering_and_nothing_else(app, as_, apart):
    token, there = first_token(), {"base_url": HOST}
    client = as_(None)
    assert client.get(f"/q/{token}", **there).status_code == 200
    answer = client.post("/q/answers", data={"token": token, "q1": "yes"}, headers={"Origin": HOST}, **there)
    assert answer.status_code == 303 and answer.location == f"{HOST}/q/thanks"
    assert client.get("/", **there).location == f"{HOST}/q/"
    for path in ("/account/sign-in", "/surveys/mine", "/courses/", "/healthz"):
        elsewhere = client.get(path, **there)
        assert elsewhere.status_code == 404 and "Set-Cookie" not in elsewhere.headers
    assert client.post("/account/sign-in", data={}, **there).status_code == 404
    assert client.get(f"/q/{token}").status_code == 404
    assert client.post("/q/answers", data={"token": token, "q1": "yes"}).status_code == 404
    assert client.get("/q/").location == f"{HOST}/q/"
    page = client.get(f"/q/{token}", **there).text
    assert 'href="https://gongyu.yunxi.example"' in page and f'action="{HOST}/q/answers"' in page
    tries.forget()


def test_links_slips_and_messages_lead_to_that_host(app, as_, apart):
    client = as_("李晚晴")
    token = db.session.scalars(
        select(SurveyHousehold.public_id).where(
            SurveyHousehold.household_id == 1, SurveyHousehold.signature.is_(None)
        )
    ).first()
    page = client.page("/surveys/mine")
    assert f'href="{HOST}/q/"' in page.html
    sent = client.post(
        f"/surveys/mine/{token}", data={"csrf_token": page.all("input", name="csrf_token")[0].get("value")}
    )
    assert (
        sent.location.startswith(f"{HOST}/q/")
        and f"form-action 'self' {HOST}" in sent.headers["Content-Security-Policy"]
    )
    with app.test_request_context("/", base_url="https://gongyu.yunxi.example"):
        assert address("answers.start", whole=True) == f"{HOST}/q/"
        app.config["SURVEY_ORIGIN"] = ""
        assert address("answers.start", whole=True) == "https://gongyu.yunxi.example/q/"
    assert KINDS["survey.invited"].host == KINDS["survey.reminded"].host == "SURVEY_ORIGIN"
