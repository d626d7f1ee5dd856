"""Passkeys in a real browser with a virtual authenticator, and the pages around signing in."""

import pytest
from playwright.sync_api import expect

from portal.rehearsal.town import PASSWORD
from tests.support.browser import PHONE
from tests.support.server import Portal

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory, town_in):
    """The address of a served portal with the town in it, under a name: passkeys are not bound to numbers."""
    portal = Portal(
        town_in(tmp_path_factory.mktemp("accounts")), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    )
    with portal:
        yield portal.address.replace("127.0.0.1", "localhost")


def with_authenticator(page, verifies=True):
    """Give the browser a phone-like authenticator that unlocks at once; (session, id)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": verifies,
                "isUserVerified": verifies,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, made["authenticatorId"]


def sign_in(page, address, account):
    page.goto(f"{address}/account/sign-in")
    page.fill("[name=name]", account)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


def add_passkey(page, address, name="我的手机"):
    page.goto(f"{address}/account/passkeys")
    page.fill("[name=name]", name)
    page.get_by_role("button", name="添加这台设备").click()
    expect(page.get_by_role("heading", name="恢复码")).to_be_visible()
    page.get_by_role("link", name="已经保存好").click()


def test_a_passkey_alone_signs_in_and_serves_as_second_step(open_context, address):
    page = open_context(PHONE).new_page()
    session, key = with_authenticator(page)
    sign_in(page, address, "fangqing")
    page.wait_for_url(f"{address}/")
    add_passkey(page, address)
    expect(page.get_by_text("1 个")).to_be_visible()
    page.get_by_role("button", name="退出这台设备").click()

    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url(f"{address}/")
    credentials = session.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    assert len(credentials) == 1
    assert credentials[0]["signCount"] >= 1

    page.goto(f"{address}/account/")
    page.get_by_role("button", name="退出这台设备").click()
    sign_in(page, address, "fangqing")
    page.get_by_role("button", name="用通行密钥").click()
    page.wait_for_url(f"{address}/")


def test_an_answer_works_once_and_a_copied_key_is_refused(open_context, address):
    page = open_context(PHONE).new_page()
    session, key = with_authenticator(page)
    sign_in(page, address, "zhouguilan")
    page.wait_for_url(f"{address}/")
    add_passkey(page, address)
    page.get_by_role("button", name="退出这台设备").click()
    sent = []
    page.on(
        "request", lambda one: sent.append(one.post_data) if one.url.endswith("/sign-in/passkey") else None
    )
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url(f"{address}/")
    again = page.request.post(
        f"{address}/account/sign-in/passkey",
        data=sent[0],
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert again.status in (400, 422)

    page.goto(f"{address}/account/")
    page.get_by_role("button", name="退出这台设备").click()
    credential = session.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]
    session.send(
        "WebAuthn.removeCredential", {"authenticatorId": key, "credentialId": credential["credentialId"]}
    )
    session.send(
        "WebAuthn.addCredential", {"authenticatorId": key, "credential": {**credential, "signCount": 0}}
    )
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page.get_by_text("没有成功")).to_be_visible()


def test_a_key_that_nobody_unlocked_does_not_sign_in_alone(open_context, address):
    page = open_context(PHONE).new_page()
    session, key = with_authenticator(page)
    sign_in(page, address, "liwanqing")
    page.wait_for_url(f"{address}/")
    add_passkey(page, address)
    page.get_by_role("button", name="退出这台设备").click()
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    page.get_by_role("button", name="用通行密钥登录").click()

    expect(page.get_by_text("没有用上通行密钥")).to_be_visible()
    assert page.url.startswith(f"{address}/account/sign-in")


def test_a_passkey_proves_who_holds_the_device(open_context, address):
    page = open_context(PHONE).new_page()
    with_authenticator(page)
    sign_in(page, address, "linyue")
    page.wait_for_url(f"{address}/")
    add_passkey(page, address)
    page.goto(f"{address}/account/proof?to=/account/activity")
    page.get_by_role("button", name="用通行密钥").click()

    page.wait_for_url(f"{address}/account/activity")
    expect(page.get_by_text("添加了通行密钥")).to_be_visible()


def test_a_browser_without_passkeys_is_not_offered_any(open_context, address):
    context = open_context(PHONE)
    context.add_init_script("delete window.PublicKeyCredential")
    page = context.new_page()
    page.goto(f"{address}/account/sign-in")
    expect(page.get_by_role("button", name="登录", exact=True)).to_be_visible()

    expect(page.get_by_role("button", name="用通行密钥登录")).to_be_hidden()


def test_without_scripts_the_other_ways_stay(open_context, address):
    page = open_context(PHONE, java_script_enabled=False).new_page()
    sign_in(page, address, "hejing")
    page.wait_for_url(f"{address}/")

    page.goto(f"{address}/account/passkeys")
    expect(page.get_by_role("button", name="添加这台设备")).to_be_hidden()


def test_a_password_can_be_pasted_and_shown(open_context, address):
    page = open_context(PHONE).new_page()
    page.goto(f"{address}/account/sign-in")
    field = page.locator("[name=password]")
    assert field.get_attribute("autocomplete") == "current-password"
    field.focus()
    page.keyboard.insert_text(PASSWORD)
    page.get_by_role("button", name="显示").click()

    assert field.get_attribute("type") == "text"
    assert field.input_value() == PASSWORD
