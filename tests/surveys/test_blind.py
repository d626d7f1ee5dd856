"""Passes that are signed blindly: the RFC's own vectors, one pass for each household, and nobody who could join the two.

The browser's half is tried in ``test_blind_browser.py``; here it is written once more in Python, from the RFC alone.
"""

import hashlib
import itertools
import json
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.surveys import answering, blind, closing, codes, sending
from portal.surveys.models import Survey, SurveyAnswer, SurveyBox, SurveyHousehold, SurveySchool
from portal.surveys.tries import tries
from tests.surveys.test_surveys import address, newest
from tests.surveys.test_unlinkable import finished, homes_of, opened

VECTOR = json.loads((Path(__file__).parent / "rfc9474.json").read_text(encoding="utf-8"))


FRESH = blind.new_key


@pytest.fixture(scope="module")
def keys():
    """A few keys for all tests here: finding primes takes longer than all the rest."""
    return [FRESH() for _number in range(3)]


@pytest.fixture(autouse=True)
def few_keys(keys, monkeypatch):
    endless = itertools.cycle(keys)
    monkeypatch.setattr(blind, "new_key", lambda: next(endless))


def number(name):
    return int(VECTOR[name], 16)


def raw(name):
    return bytes.fromhex(VECTOR[name])


# The scheme.


def mgf1(seed, length):
    parts = (hashlib.sha384(seed + place.to_bytes(4)).digest() for place in range(length // 48 + 1))
    return b"".join(parts)[:length]


def pss(message, salt, size):
    """EMSA-PSS of RFC 8017 for a modulus of so many bytes."""
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(size - 98) + b"\1" + salt
    masked = bytes(one ^ mask for one, mask in zip(block, mgf1(digest, len(block)), strict=True))
    return bytes([masked[0] & 127]) + masked[1:] + digest + b"\xbc"


class Browser:
    """A household's browser: a message, its blinding, the pass."""

    def __init__(self, modulus, message=None, salt=None, cover=None):
        self.n, self.size = int.from_bytes(modulus), len(modulus)
        self.message = message or secrets.token_bytes(blind.MESSAGE)
        self.cover = cover or secrets.randbelow(self.n - 2) + 2
        self.encoded = int.from_bytes(pss(self.message, salt or secrets.token_bytes(48), self.size))
        self.blinded = (self.encoded * pow(self.cover, blind.EXPONENT, self.n) % self.n).to_bytes(self.size)

    def finished(self, signature):
        return (int.from_bytes(signature) * pow(self.cover, -1, self.n) % self.n).to_bytes(self.size)

    def pass_for(self, row, signature):
        return f"{row.public_id}.{blind.encoded(self.message)}.{blind.encoded(self.finished(signature))}"


@pytest.fixture(scope="module")
def vector_key():
    """The RFC's key as PEM."""
    p, q, d, n = (number(name) for name in ("p", "q", "d", "n"))
    public = rsa.RSAPublicNumbers(number("e"), n)
    key = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_the_vectors_of_the_rfc(vector_key):
    modulus = number("n").to_bytes(512)
    browser = Browser(modulus, raw("input_msg"), raw("salt"), pow(number("inv"), -1, number("n")))
    assert raw("msg_prefix") + raw("msg") == raw("input_msg")
    assert browser.blinded == raw("blinded_msg")
    assert blind.signed(vector_key, browser.blinded) == raw("blind_sig")
    assert browser.finished(raw("blind_sig")) == raw("sig")
    handed_in = blind.Pass("", raw("input_msg"), raw("sig"))
    assert blind.holds(blind.encoded(modulus), handed_in)
    assert blind.is_over(blind.encoded(modulus), raw("blind_sig"), raw("blinded_msg"))


def test_another_message_another_signature_or_another_key_do_not_hold(vector_key):
    modulus = blind.encoded(number("n").to_bytes(512))
    message, signature = raw("input_msg"), raw("sig")
    assert blind.holds(modulus, blind.Pass("", message, signature))
    for wrong in (
        blind.Pass("", message[:-1] + b"\0", signature), blind.Pass("", message, signature[:-1] + b"\0"),
        blind.Pass("", message, raw("blind_sig")), blind.Pass("", message, b""), blind.Pass("", message, b"\0" * 512),
    ):  # fmt: skip
        assert not blind.holds(modulus, wrong)
    assert not blind.holds(FRESH()[1], blind.Pass("", message, signature[:256]))


def test_what_is_no_blinded_message_is_not_signed(vector_key):
    n = number("n")
    for wrong in (b"", b"\0" * 512, n.to_bytes(512), (n - 1).to_bytes(512)[1:], b"\xff" * 512, b"\1" * 513):
        with pytest.raises(blind.NotBlinded):
            blind.signed(vector_key, wrong)


@given(st.text(max_size=600))
@settings(max_examples=100)
def test_no_text_breaks_the_reading_of_passes(text):
    found = blind.read(text)
    assert found is None or len(found.message) == blind.MESSAGE


# Through the front door.


@pytest.fixture
def blind_one(app):
    """A questionnaire to the families of one school with blindly signed passes, open; the row of the school."""
    return opened(blind=True)


@pytest.fixture
def home_of_li(blind_one):
    """The invitation of 李晚晴's household."""
    return db.session.scalars(
        select(SurveyHousehold).where(
            SurveyHousehold.survey_school_id == blind_one.id, SurveyHousehold.household_id == 1
        )
    ).one()


def signed_in_her_account(client, home, blinded):
    """Send a blinded message from the page of the pass, as its script does; the page that follows."""
    page = client.page(f"/surveys/mine/{home.public_id}")
    token = page.all("input", name="csrf_token")[0].get("value")
    return client.send(f"/surveys/mine/{home.public_id}/signature", {"blinded": blinded, "csrf_token": token})


def data(page):
    return page.all("section", data_module="blind")[0]


def boxes_of(row):
    db.session.rollback()
    return db.session.scalars(select(SurveyBox).where(SurveyBox.survey_school_id == row.id)).all()


def test_a_family_fetches_its_pass_and_answers_with_it_without_a_session(as_, blind_one, home_of_li):
    mother = as_("李晚晴")
    assert f"/surveys/mine/{home_of_li.public_id}" in mother.page("/").html
    assert "盖住内容请平台签名" in mother.page(f"/surveys/mine/{home_of_li.public_id}").text
    browser = Browser(blind.decoded(blind_one.modulus))
    page = signed_in_her_account(mother, home_of_li, blind.encoded(browser.blinded))
    signature = blind.decoded(data(page).get("data-signature"))
    mine = browser.pass_for(blind_one, signature)
    visitor = as_(None)
    for choice in ("1", "5"):
        shown = visitor.page(f"/q/with-pass/{blind_one.public_id}")
        assert shown.all("input", name="token")[0].get("value") == ""
        assert visitor.send("/q/answers", {"token": mine, "q12": choice}).heading == "答卷已收到"
    boxes = boxes_of(blind_one)
    assert [answering.unpacked(box.content) for box in boxes] == [(0, answering.Given({"q12": "5"}))]
    finished(blind_one)
    assert blind_one.answered == 1 and blind_one.signing_key is None and blind_one.modulus is None
    assert visitor.send("/q/answers", {"token": mine, "q12": "5"}).status == 404


def test_a_household_gets_one_pass_and_the_code_goes_with_it(as_, blind_one, home_of_li):
    token = home_of_li.token
    as_(None).page(f"/q/{token}").press("提交答卷", q12="1")
    assert len(boxes_of(blind_one)) == 1
    mother, modulus = as_("李晚晴"), blind.decoded(blind_one.modulus)
    first, second = Browser(modulus), Browser(modulus)
    sent = blind.encoded(first.blinded)
    page = signed_in_her_account(mother, home_of_li, sent)
    assert boxes_of(blind_one) == [], "what was answered with the code has gone with it"
    again = signed_in_her_account(mother, home_of_li, sent)
    assert data(again).get("data-signature") == data(page).get("data-signature"), (
        "a lost answer is given again"
    )
    assert signed_in_her_account(mother, home_of_li, blind.encoded(second.blinded)).status == 409
    assert as_(None).page(f"/q/{token}").status == 404
    assert mother.page(f"/surveys/mine/{home_of_li.public_id}").buttons.count("用答卷码填写") == 0
    assert (
        "已经领过凭证"
        in mother.send(
            f"/surveys/mine/{home_of_li.public_id}",
            {"csrf_token": page.all("input", name="csrf_token")[0].get("value")},
        ).text
    )


@pytest.mark.parametrize("sent", ["", "AAAA", "一二三", "A" * 342, "." * 342, "_" * 342, "x" * 100_000])
def test_a_bad_blinded_message_is_refused_in_words(as_, blind_one, home_of_li, sent):
    page = signed_in_her_account(as_("李晚晴"), home_of_li, sent)
    assert page.status == 422
    db.session.rollback()
    assert db.session.get_one(SurveyHousehold, home_of_li.id).signature is None


def test_without_script_or_on_an_old_phone_the_code_is_offered_in_plain_words(as_, blind_one, home_of_li):
    page = as_("李晚晴").page(f"/surveys/mine/{home_of_li.public_id}")
    assert "做不了凭证" in page.text and "纸条" in page.text
    answered = page.press("用答卷码填写")
    assert answered.path.startswith("/q/")
    assert answered.press("提交答卷", q12="4").heading == "答卷已收到"
    assert [answering.unpacked(box.content)[0] for box in boxes_of(blind_one)] == [home_of_li.class_id]


def test_forged_and_borrowed_passes_are_unknown(as_, blind_one):
    tries.forget()
    other = opened(blind=True)
    browser = Browser(blind.decoded(blind_one.modulus))
    good = browser.pass_for(blind_one, blind.signed(blind_one.signing_key, browser.blinded))
    elsewhere = good.replace(blind_one.public_id, other.public_id)
    unsigned = f"{blind_one.public_id}.{blind.encoded(bytes(64))}.{blind.encoded(bytes(256))}"
    visitor = as_(None)
    for wrong in (elsewhere, unsigned, good[:-4], good + "AAAA", f"{good}.x", "..", "." * 500):
        assert visitor.send("/q/answers", {"token": wrong, "q12": "5"}).status == 404, wrong
    assert visitor.send("/q/answers", {"token": good, "q12": "5"}).status == 200
    assert visitor.page(f"/q/with-pass/{'0' * 22}").status == 404
    tries.forget()


def test_the_district_chooses_it_and_no_message_carries_a_code(as_):
    page = as_("张建平").page("/surveys/new").press("准备好", name="不记名再进一步", apart="blind")
    assert "盲签名凭证" in page.text
    page.press("发给家长")
    survey = newest()
    assert survey.blind and all(
        row.modulus
        for row in db.session.scalars(select(SurveySchool).where(SurveySchool.survey_id == survey.id))
    )
    kinds = set(db.session.scalars(select(Delivery.kind).where(Delivery.kind.startswith("survey."))))
    assert "survey.waits" in kinds and "survey.invited" not in kinds
    sent = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.kind == "survey.waits"))
    sending.write_messages(survey.id)
    assert db.session.scalar(select(func.count(Delivery.id)).where(Delivery.kind == "survey.waits")) == sent
    assert "盲签名凭证" in as_("张建平").page(address(survey)).text


# Nobody can join them.


def test_every_stored_signature_could_be_that_of_every_pass(app):
    """With all rows and all keys: for each household that was signed for and each pass that was handed in there is exactly one
    blinding that leads from the one to the other, so no pairing is likelier than another."""
    row = opened(blind=True)
    modulus, pem = blind.decoded(row.modulus), row.signing_key
    n, homes = int.from_bytes(modulus), homes_of(row)[:6]
    browsers = [Browser(modulus) for _home in homes]
    for home, browser in zip(homes, browsers, strict=True):
        home.signature = blind.signed(pem, browser.blinded)
    db.session.commit()
    stored = [int.from_bytes(home.signature) for home in homes]
    handed_in = [
        (one.message, int.from_bytes(one.finished(home.signature)))
        for one, home in zip(browsers, homes, strict=True)
    ]
    for place, signature in enumerate(stored):
        for other, (message, of_pass) in enumerate(handed_in):
            cover = signature * pow(of_pass, -1, n) % n
            assert 1 < cover < n, "a blinding as good as any other"
            encoded = pow(of_pass, blind.EXPONENT, n)
            led_to = encoded * pow(cover, blind.EXPONENT, n) % n
            assert led_to == pow(signature, blind.EXPONENT, n), "it leads from this pass to that household"
            assert blind.holds(row.modulus, blind.Pass("", message, of_pass.to_bytes(256)))
            assert (cover == browsers[place].cover) is (place == other), "only the browser knows which it was"


def test_without_the_blinding_the_signature_names_the_household(app):
    """The control: what was signed is handed in as it is."""
    row = opened(blind=True)
    modulus = blind.decoded(row.modulus)
    browsers = [Browser(modulus, cover=1) for _number in range(4)]
    stored = [blind.signed(row.signing_key, one.blinded) for one in browsers]
    assert [
        stored.index(one.finished(signature)) for one, signature in zip(browsers, stored, strict=True)
    ] == [0, 1, 2, 3]


def test_nothing_that_is_stored_leads_from_a_household_to_its_box(app, as_):
    """With every key of the portal: a box of a code is found from the household, one of a pass from none."""
    row = opened(blind=True)
    by_code, *by_pass = homes_of(row)[:5]
    answering.put(answering.admission_of(by_code.token, by_code), answering.Given({"q12": "1"}))
    visitor = as_(None)
    for home in by_pass:
        browser = Browser(blind.decoded(row.modulus))
        signature = blind.signed(row.signing_key, browser.blinded)
        home.token, home.signature, home.fetched = None, signature, True
        db.session.commit()
        visitor.send("/q/answers", {"token": browser.pass_for(row, signature), "q12": "5"})
    boxes = {box.key for box in boxes_of(row)}
    assert len(boxes) == 5
    homes = db.session.scalars(
        select(SurveyHousehold).where(SurveyHousehold.survey_school_id == row.id)
    ).all()
    tried = set()
    for home in homes:
        known = [home.token, home.public_id, str(home.id), str(home.household_id)]
        known += [blind.encoded(home.signature), home.signature.hex()] if home.signature else []
        known += [f"{row.public_id}.{one}" for one in known if one]
        tried |= {codes.box_key(one) for one in known if one}
    assert boxes & tried == {codes.box_key(by_code.token)}
    closing.close(db.session.get_one(Survey, row.survey_id), None)
    closing.count(row)
    db.session.commit()
    answers = db.session.scalars(select(SurveyAnswer).where(SurveyAnswer.survey_school_id == row.id)).all()
    assert len(answers) == 5 and all(answer.class_id is None for answer in answers)
