"""Nothing leaves this machine unencrypted without somebody being told (ASVS 12.3.1)."""

import smtplib

import pytest

from portal.config import Settings
from portal.deliveries.mail import Mail


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ()),
        ({"sms_url": "https://sms.example/send"}, ()),
        ({"sms_url": "http://127.0.0.1:9000/send"}, ()),
        ({"sms_url": "http://sms.example/send"}, ("PORTAL_SMS_URL",)),
        ({"sms_url": "https://a.example", "sms_status_url": "http://a.example"}, ("PORTAL_SMS_STATUS_URL",)),
        ({"files_endpoint": "http://minio:9000"}, ("PORTAL_FILES_ENDPOINT",)),
        ({"clamd_address": "unix:/run/clamav/clamd.ctl"}, ()),
        ({"clamd_address": "10.0.0.9:3310"}, ("PORTAL_CLAMD_ADDRESS",)),
        ({"database_url": "postgresql://u@127.0.0.1/p"}, ()),
        ({"database_url": "postgresql:///p?host=/run/postgresql"}, ()),
        ({"database_url": "postgres://u@db.example/p"}, ("DATABASE_URL",)),
        ({"database_url": "postgresql://u@db.example/p?sslmode=prefer"}, ("DATABASE_URL",)),
        ({"database_url": "postgresql://u@db.example/p?sslmode=verify-full"}, ()),
    ],
    ids=str,
)
def test_every_setting_that_goes_in_clear_is_named(tmp_path, given, named):
    assert Settings(instance=tmp_path, **{"database_url": "", **given}).clear_connections == named


def test_the_doctor_names_it(app, monkeypatch):
    def told():
        return app.test_cli_runner().invoke(args=["doctor", "--language", "en"]).output

    assert "without TLS" not in told()
    monkeypatch.setitem(app.config, "CLEAR_CONNECTIONS", ("PORTAL_SMS_URL",))
    assert "✗ PORTAL_SMS_URL leads to another machine without TLS." in told()


class Plain:
    """A mail server elsewhere, or a network before it, that offers no STARTTLS."""

    def __init__(self, host, *_more, **_named):
        self.host, self.said = host, []
        Plain.last = self

    def ehlo(self):
        self.said.append("ehlo")

    def has_extn(self, _name):
        return False

    def login(self, *_given):
        self.said.append("password")

    def close(self):
        self.said.append("close")


def test_no_password_goes_to_a_mail_server_elsewhere_without_tls(monkeypatch):
    """The control: on this machine the same server gets it."""
    monkeypatch.setattr(smtplib, "SMTP", Plain)
    with pytest.raises(smtplib.SMTPNotSupportedError):
        Mail("smtp://portal@mail.example:25", "a@b.example", "secret")._open()
    assert Plain.last.said == ["ehlo", "close"]
    Mail("smtp://portal@127.0.0.1:25", "a@b.example", "secret")._open()
    assert Plain.last.said == ["ehlo", "password"]
