"""Single sign-on against a real OpenID provider: the whole way, and everything a hostile or broken one may do."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from sqlalchemy import delete, func, select

from portal import clock
from portal.accounts.models import AuthSession, Passkey, Person
from portal.database import checkpoint
from portal.extensions import db
from portal.schools.models import District
from portal.signon import asking, checking, tying
from portal.signon.models import SignOnProvider, SignOnTie
from portal.trail.models import TrailEntry
from tests.signon.provider import SECRET


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def is_in(client):
    return client.get("/").status_code == 200


def failures():
    wanted = select(TrailEntry.facts).where(TrailEntry.action == "account.sign_on_failed")
    return [facts["why"] for facts in db.session.scalars(wanted)]


# The whole way


def test_a_teacher_signs_in_through_the_district(walk, teacher):
    one = walk()
    page = one.whole()

    assert page.status == 200
    assert page.path == "/"
    assert "王雪" in page.heading
    entry = db.session.scalars(select(TrailEntry).where(TrailEntry.action == "account.signed_in")).all()[-1]
    assert (entry.person_id, entry.facts["how"]) == (teacher.id, "oidc")


def test_the_request_carries_state_nonce_and_pkce(walk):
    query = parse_qs(urlsplit(walk().away()).query)

    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 43
    assert len(query["nonce"][0]) >= 43
    assert len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == ["http://localhost/sign-on/return"]
    assert "client_secret" not in query


def test_one_arrives_where_one_wanted_to_go(walk):
    assert walk().whole(to="/account/").path == "/account/"


def test_coming_back_changes_nothing_before_the_tap(walk):
    one = walk()
    one.away()
    one.at_provider()
    before = db.session.scalar(select(func.count(AuthSession.id)))
    page = one.back()

    assert page.status == 200
    assert db.session.scalar(select(func.count(AuthSession.id))) == before
    assert not is_in(one.client)


@pytest.mark.parametrize("claims", [{"phone_number_verified": True}, {}])
def test_a_number_counts_only_when_it_is_verified(walk, op, claims):
    number = person("李晚晴").phone
    op.tell(user="unknown to the roster", claims={"phone_number": number, **claims})
    page = walk().whole()

    assert page.status == (200 if claims else 403)


def test_an_account_name_is_recognised(walk, op):
    op.tell(user="x", claims={"preferred_username": "LiWanqing"})

    assert "李晚晴" in walk().whole().heading


def test_signing_out_leads_to_the_way_out_of_the_provider(walk, op):
    one = walk()
    one.whole()
    page = one.client.page("/account/").press("退出这台设备")

    assert page.heading == "您已退出本系统"
    assert page.links["在那边也退出"].startswith(f"{op.issuer}/session?client_id=gongyu")
    assert not is_in(one.client)
    assert one.client.get_cookie("sign-on") is None


@pytest.mark.parametrize("words, place", [([], "/account/second-step"), (["urn:test:password"], "/")])
def test_a_second_factor_is_asked_for_unless_the_district_trusts_the_providers(
    walk, provider, teacher, words, place
):
    db.session.add(
        Passkey(
            person_id=teacher.id, name="电脑", credential_id=b"k", public_key=b"p", created_at=clock.now()
        )
    )
    row = db.session.get_one(SignOnProvider, provider.id)
    row.trusts_second, row.second_words = bool(words), words
    db.session.commit()

    assert walk().whole().path == place


# Who was named once stays the one


def named(op, subject, name):
    op.tell(user=subject, claims={"phone_number": person(name).phone, "phone_number_verified": True})


def test_a_number_given_to_somebody_else_opens_nothing(walk, op):
    """The provider gives the phone of 李晚晴 to another subject; the control: before anybody was tied, it opens."""
    named(op, "subject of 李晚晴", "李晚晴")
    assert walk().whole().status == 200
    assert walk().whole().status == 200, "the same subject comes in again"
    named(op, "subject of a stranger", "李晚晴")
    one = walk()
    page = one.whole()

    assert page.status == 403 and "找回账号" in page.text
    assert not is_in(one.client) and failures() == ["another subject"]
    db.session.execute(delete(SignOnTie))
    db.session.commit()
    assert walk().whole().status == 200


def test_a_subject_does_not_become_somebody_else(walk, op):
    named(op, "subject of 李晚晴", "李晚晴")
    assert walk().whole().status == 200
    named(op, "subject of 李晚晴", "周桂兰")

    assert walk().whole().status == 403
    assert [tie.person_id for tie in db.session.scalars(select(SignOnTie))] == [person("李晚晴").id]


def test_two_people_of_the_school_untie_with_a_recovery(walk, op):
    named(op, "old", "李晚晴")
    walk().whole()
    tying.untie(person("李晚晴").id)
    db.session.commit()
    named(op, "new", "李晚晴")

    assert walk().whole().status == 200


def test_other_claims_begin_anew_and_other_roles_do_not(walk, op, provider):
    named(op, "old", "李晚晴")
    walk().whole()
    row = db.session.get_one(SignOnProvider, provider.id)
    same = SignOnProvider(**{name: getattr(row, name) for name in tying.NAMES}, district_id=row.district_id)
    tying.untie_all(row, same)
    assert db.session.scalar(select(func.count(SignOnTie.id))) == 1
    same.phone_claim = "mobile"
    tying.untie_all(row, same)
    assert db.session.scalar(select(func.count(SignOnTie.id))) == 0


def test_no_token_of_the_provider_is_kept(walk, op, home):
    """The tokens are asked for once, read and dropped: no table, cookie or page holds one (ASVS 10.1.1)."""
    seen = []
    asked = asking.exchanged

    def remember(*given):
        found = asked(*given)
        seen.extend(word for word in found.values() if isinstance(word, str) and len(word) > 15)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "exchanged", remember)
        one = walk()
        page = one.whole()
    assert page.status == 200 and len(seen) >= 2
    db.session.rollback()
    checkpoint(str(home / "portal.db"))
    kept = (home / "portal.db").read_bytes() + page.html.encode()
    cookies = "".join(cookie.value for cookie in one.client._cookies.values())
    for token in seen:
        for part in (token, *token.split(".")):
            assert len(part) < 15 or (part.encode() not in kept and part not in cookies)
    assert b"account.signed_in" in kept, "the search finds what is there"


# Whom it does not let in


def test_nobody_is_made_by_signing_on(walk, op):
    before = db.session.scalar(select(func.count(Person.id)))
    op.tell(user="T-9999", claims={"phone_number": "+8613999999999", "phone_number_verified": True})
    page = walk().whole()

    assert page.status == 403
    assert "没有找到您" in page.text
    assert db.session.scalar(select(func.count(Person.id))) == before
    assert failures() == ["not matched"]


def test_an_answer_that_fits_two_people_signs_nobody_in(walk, op):
    op.tell(claims={"phone_number": person("李晚晴").phone, "phone_number_verified": True})
    one = walk()
    page = one.whole()

    assert page.status == 403
    assert "两个不同的人" in page.text
    assert not is_in(one.client)


@pytest.mark.parametrize("name", ["何静", "张建平", "系统管理员"])
def test_a_role_the_district_did_not_name_is_refused(walk, op, name):
    op.tell(user="x", claims={"preferred_username": person(name).account_name})
    page = walk().whole()

    assert page.status == 403
    assert "您的身份" in page.text


def test_a_provider_does_not_open_what_another_district_gave(walk, op, provider):
    op.tell(user="x", claims={"preferred_username": "xucheng"})
    assert walk().whole().status == 403
    provider = db.session.get_one(SignOnProvider, provider.id)
    provider.district_id = db.session.scalar(select(District.id).where(District.name.contains("石桥")))
    db.session.commit()

    op.tell(user="x", claims={"preferred_username": "wangxue"})
    assert walk().whole().status == 403


# A hostile or broken provider

LIES = {
    "wrong nonce": {"changed": {"nonce": "another"}},
    "no nonce": {"left_out": ["nonce"]},
    "wrong issuer": {"changed": {"iss": "https://evil.example"}},
    "no issuer": {"left_out": ["iss"]},
    "wrong audience": {"changed": {"aud": ["another"]}},
    "no audience": {"left_out": ["aud"]},
    "several audiences without azp": {"changed": {"aud": ["another", "third"]}},
    "azp of another": {"changed": {"aud": ["gongyu", "another"], "azp": "another"}},
    "expired": {"changed": {"exp": 1_600_000_000}},
    "no expiry": {"left_out": ["exp"]},
    "from the future": {"changed": {"iat": 4_000_000_000}},
    "expiry is a text": {"changed": {"exp": "soon"}},
    "no subject": {"left_out": ["sub"]},
    "alg none": {"signed": "none"},
    "HS256 with the public key (PEM)": {"signed": "public key as secret"},
    "HS256 with the public key (JWK)": {"signed": "public key as secret", "secret": "jwk"},
    "HS256 with the client's secret": {"signed": "client secret"},
    "broken signature": {"signed": "broken"},
    "signed by another key of the same name": {"signed": "other key"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_no_lie_is_believed(walk, op, lie):
    op.tell(**lie)
    one = walk()
    page = one.whole()

    assert page.status == 403
    assert "无法核实" in page.text
    assert not is_in(one.client)
    assert len(failures()) == 1


def test_the_check_finds_lies_only(walk, op):
    """The control: claims changed and signed again by the true key are believed when they are true."""
    op.tell(changed={"nickname": "小雪"})

    assert walk().whole().status == 200


def test_a_code_works_once(walk, op):
    one = walk()
    one.away()
    one.at_provider()
    page = one.back()
    values = page.fields(page.form_of("继续"))
    assert page.press("继续").path == "/"
    again = walk()
    again.away()
    state = parse_qs(urlsplit(again.address).query)["state"][0]
    page = again.client.page(f"/sign-on/return?state={state}&code={values['code'][0]}")

    assert page.press("继续").status == 403


def test_the_same_answer_twice_signs_in_once(walk):
    one = walk()
    one.away()
    one.at_provider()
    page = one.back()
    page.press("继续")

    assert one.client.page(one.back_to).status == 400


def test_the_state_of_another_browser_is_refused(walk):
    mine, theirs = walk(), walk()
    mine.away()
    theirs.away()
    mine.at_provider()

    assert theirs.client.page(mine.back_to).status == 400
    assert walk().client.page(mine.back_to).status == 400


@pytest.mark.parametrize("state", ["", "x", "é", "x" * 9000, "\x00"])
def test_a_mangled_state_is_refused(walk, state):
    one = walk()
    one.away()

    assert one.client.page("/sign-on/return", query_string={"state": state, "code": "x"}).status == 400


@pytest.mark.parametrize("code", ["", "x" * 9000])
def test_an_answer_without_a_code_is_refused(walk, code):
    one = walk()
    one.away()
    state = parse_qs(urlsplit(one.address).query)["state"][0]

    assert one.client.page("/sign-on/return", query_string={"state": state, "code": code}).status == 400


def test_the_answer_of_another_issuer_is_refused(walk):
    one = walk()
    one.away()
    one.at_provider()

    assert one.client.page(re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fevil.example", one.back_to)).status == 400


def test_a_sign_in_begun_too_long_ago_begins_again(walk):
    one = walk()
    one.away()
    one.at_provider()
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False):
        assert one.back().status == 400


@pytest.mark.parametrize(
    "problem, status",
    [("access_denied", 403), ("<script>alert(1)</script>", 403), ("temporarily_unavailable", 503)],
)
def test_an_answer_that_says_no_is_shown_in_words(walk, op, problem, status):
    op.tell(error=problem)
    one = walk()
    one.away()
    one.at_provider()
    page = one.back()

    assert page.status == status
    assert "<script>alert" not in page.html


PLACES = ("/.well-known/openid-configuration", "/jwks", "/token")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ["down", "moved", "huge", "garbled"])
def test_a_provider_out_of_order_gets_a_page_that_says_so(walk, op, place, way):
    op.tell(**{way: place, "elsewhere": f"{op.issuer}/elsewhere"})
    one = walk()
    answer = one.client.get(one.client.page("/account/sign-in").links["云溪县教育局统一登录"])
    if answer.status_code == 302:
        one.address = answer.headers["Location"]
        one.at_provider()
        page = one.back().press("继续")
    else:
        page = one.client.page("/account/sign-in")
        page = one.client.page(page.links["云溪县教育局统一登录"])

    assert page.status == 503 or (way == "garbled" and page.status in (403, 503))
    assert "暂时没有回应" in page.text or page.status == 403
    assert not is_in(one.client)
    assert "/elsewhere" not in op.asked


def test_a_slow_provider_is_not_waited_for_without_end(walk, op, monkeypatch):
    monkeypatch.setitem(asking.LIMITS, "timeout", (0.2, 0.2))
    op.tell(slow="/.well-known/openid-configuration", seconds=2)
    page = walk().client.page("/account/sign-in")
    page = page.client.page(page.links["云溪县教育局统一登录"])

    assert page.status == 503


def test_new_keys_of_the_provider_are_fetched(walk, op):
    assert walk().whole().status == 200
    with time_machine.travel(clock.now() + timedelta(seconds=30), tick=False):
        op.tell(rotate=True)
        assert walk().whole().status == 200


def test_forged_key_names_do_not_keep_us_fetching(walk, op, monkeypatch):
    assert walk().whole().status == 200
    before = op.asked.count("/jwks")
    op.tell(rotate=True)
    for _time in range(3):
        walk().whole()

    assert op.asked.count("/jwks") - before <= 1


@pytest.mark.parametrize("skew", [-50, 50])
def test_clocks_may_differ_by_a_minute(walk, op, skew):
    now = int(clock.now().timestamp())
    op.tell(changed={"iat": now + skew, "exp": now + 300 + skew})

    assert walk().whole().status == 200


def test_only_the_operators_hosts_are_spoken_to(app, op):
    host = urlsplit(op.issuer).netloc
    for url in (
        f"https://{host}@evil.example/", "https://evil.example/", f"ftp://{host}/", f"http://{host.replace('127.0.0.1', '169.254.169.254')}/",
        f"http://evil.example#{host}", f"http://{host}\\@evil.example/", "http://[::1]/", "http://localhost/", f"http://{host} .evil.example/",
        "file:///etc/passwd", "", "http://", f"//{host}/", "http://127.0.0.1:1/", "http://127.0.0.1:99999/",
    ):  # fmt: skip
        assert not asking.is_allowed(url), url
    assert asking.is_allowed(f"{op.issuer}/x")


@pytest.mark.parametrize("name", asking.NEEDED)
@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "https://evil.example/t", 7])
def test_addresses_elsewhere_in_the_providers_description_are_refused(walk, op, name, url):
    op.tell(metadata={name: url})
    page = walk().client.page("/account/sign-in")

    assert page.client.page(page.links["云溪县教育局统一登录"]).status == 503


def test_a_description_of_another_issuer_is_refused(walk, op):
    op.tell(metadata={"issuer": "https://evil.example"})
    page = walk().client.page("/account/sign-in")

    assert page.client.page(page.links["云溪县教育局统一登录"]).status == 503


def test_two_steps_count_only_in_words_the_district_trusts(provider):
    provider.second_words = ["urn:two", "mfa"]
    assert not checking.is_second(provider, {"acr": "urn:two"})
    provider.trusts_second = True
    assert checking.is_second(provider, {"acr": "urn:two"})
    assert checking.is_second(provider, {"amr": ["pwd", "mfa"]})
    for claims in ({}, {"acr": "0"}, {"amr": "mfa"}, {"amr": ["pwd"]}, {"acr": ["urn:two"]}):
        assert not checking.is_second(provider, claims)


# What the district sets


def filled(op, **more):
    return {
        "name": "云溪县教育局统一登录", "issuer": op.issuer, "client_id": "gongyu", "client_secret": SECRET,
        "roster_claim": "sub", "roles": ["class_teacher"], "document": "云教信〔2026〕3号", **more,
    }  # fmt: skip


def set_up(as_, op, **more):
    return as_("张建平").page("/sign-on/settings/edit").press("检查并保存", **filled(op, **more))


def test_the_district_sets_its_provider(as_, op, teacher, walk, home):
    db.session.query(SignOnProvider).delete()
    db.session.commit()
    page = set_up(as_, op)
    assert page.path == "/sign-on/settings"
    assert op.issuer in page.text
    assert SECRET not in page.html
    assert "王雪" in walk().whole().heading

    kept = b"".join((home / name).read_bytes() for name in ("portal.db", "portal.db-wal"))
    assert SECRET.encode() not in kept


def test_a_change_keeps_the_secret_and_the_history(as_, op, provider):
    set_up(as_, op, client_secret="", name="一网通办")
    rows = db.session.scalars(select(SignOnProvider).order_by(SignOnProvider.id)).all()

    assert [row.ended_at is None for row in rows] == [False, True]
    assert rows[1].client_secret == SECRET


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"issuer": "http://169.254.169.254"}, "PORTAL_SIGN_ON_HOSTS"),
        ({"issuer": "https://evil.example"}, "PORTAL_SIGN_ON_HOSTS"),
        ({"issuer": ""}, "请填写"),
        ({"roster_claim": "", "phone_claim": "", "account_claim": ""}, "至少填写一个"),
        ({"roster_claim": "<x>"}, "只能用"),
        ({"roles": []}, "至少选择一种"),
        ({"trusts_second": "y"}, "mfa"),
        ({"name": "长" * 61}, "60"),
    ],
)
def test_what_does_not_hold_is_refused_in_words(as_, op, provider, wrong, said):
    page = set_up(as_, op, **wrong)

    assert page.status == 422
    assert said in page.text
    assert db.session.query(SignOnProvider).count() == 1


def test_an_issuer_that_calls_itself_otherwise_is_not_saved(as_, op, provider):
    op.tell(metadata={"issuer": "https://evil.example"})
    page = set_up(as_, op)

    assert page.status == 422
    assert "没有正常回应" in page.text


def test_switched_off_it_leads_nowhere(as_, walk, provider):
    one = walk()
    one.away()
    one.at_provider()
    as_("张建平").page("/sign-on/settings").press("停用")

    assert one.client.page(one.back_to).status == 404
    assert "云溪县教育局统一登录" not in as_(None).page("/account/sign-in").links
    assert as_(None).get(f"/sign-on/start?at={provider.public_id}").status_code == 404


def test_several_districts_are_chosen_from(as_, op, provider):
    other = SignOnProvider(
        district_id=db.session.scalar(select(District.id).where(District.name.contains("石桥"))),
        name="石桥县统一登录", issuer=op.issuer, client_id="gongyu", roster_claim="sub", roles=["principal"],
        second_words=[], set_at=clock.now(),
    )  # fmt: skip
    db.session.add(other)
    db.session.commit()
    page = as_(None).page("/account/sign-in")
    page = page.client.page(page.links["本地区统一登录"])

    assert "石桥县统一登录" in page.text
    assert "云溪县教育局统一登录" in page.text


def test_the_provider_really_answers(op):
    """The control of the whole file: this is a server of its own, with signed tokens."""
    found = requests.get(f"{op.issuer}/.well-known/openid-configuration", timeout=5).json()
    assert found["issuer"] == op.issuer
    assert requests.get(found["jwks_uri"], timeout=5).json()["keys"]
