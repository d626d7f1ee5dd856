"""Outgoing TLS: a certificate that nobody we trust has signed is refused before a word of the message leaves."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal import clock
from portal.deliveries.channels import Fate, Message
from portal.deliveries.gateway import Gateway
from portal.deliveries.mail import Mail
from portal.files.storage import Place

MESSAGE = Message("00000000000000000000000000000001", "+8613800001111", "标题", "内容")


def certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that signed itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "self.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path


class Listener:
    """A TLS server that greets like a mail server where it is one, answers whatever it is told with 200, and keeps it."""

    def __init__(self, pem: Path, greeting: bytes = b"") -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.heard: list[bytes] = []
        self.greeting, self.context = greeting, context
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            try:
                line, _where = self.door.accept()
            except OSError:
                return
            line.settimeout(5)
            try:
                with self.context.wrap_socket(line, server_side=True) as safe:
                    safe.sendall(self.greeting)
                    heard = safe.recv(4096)
                    while heard.startswith(b"POST") and MESSAGE.key.encode() + b'"' not in heard:
                        heard += safe.recv(4096)
                    self.heard.append(heard)
                    safe.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n" + b'{"id":"1"}'
                    )
            except OSError:
                line.close()


@pytest.fixture
def pem(tmp_path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def listener(pem) -> Iterator[Listener]:
    made = Listener(pem)
    yield made
    made.door.close()


@pytest.fixture
def letters(pem) -> Iterator[Listener]:
    made = Listener(pem, b"220 here\r\n")
    yield made
    made.door.close()


def test_a_gateway_with_a_certificate_of_its_own_hears_nothing(listener):
    answer = Gateway(f"https://127.0.0.1:{listener.port}/").deliver(MESSAGE)

    assert answer.fate != Fate.TAKEN
    assert listener.heard == []


def test_a_mail_server_with_a_certificate_of_its_own_hears_nothing(letters):
    answer = Mail(f"smtps://127.0.0.1:{letters.port}", "no-reply@example.cn").deliver(MESSAGE)

    assert (answer.fate, answer.problem) == (Fate.LATER, "SSLCertVerificationError")
    assert letters.heard == []


def test_a_storage_with_a_certificate_of_its_own_hears_nothing(listener, tmp_path):
    key = tmp_path / "key"
    key.write_text("secret")
    place = Place(
        tmp_path / "files", "s3://gongyu", f"https://127.0.0.1:{listener.port}", key_id="a", key_file=key
    )
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.put(place.open(), "a", b"secret")

    assert listener.heard == []


def test_the_same_servers_are_spoken_to_once_their_certificate_is_trusted(
    listener, letters, pem, monkeypatch
):
    """The control."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    taken = Gateway(f"https://127.0.0.1:{listener.port}/").deliver(MESSAGE)
    Mail(f"smtps://127.0.0.1:{letters.port}", "no-reply@example.cn").deliver(MESSAGE)

    assert taken.fate == Fate.TAKEN
    assert MESSAGE.recipient.encode() in listener.heard[0]
    assert letters.heard[0].startswith(b"ehlo")
