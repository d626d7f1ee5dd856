"""Uploads as strangers send them: broken multipart, names that lie, slow lines; and what others notice of it: nothing."""

import fcntl
import http.client
import io
import re
import socket
import threading
import time

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.serving import make_server

from portal.accounts.models import Person
from portal.database import write_lock_path
from portal.extensions import db
from portal.files import decoding
from portal.files.intake import clean_name, suffix_of
from portal.files.models import File
from portal.rehearsal.files import NAME
from tests.files import seeds
from tests.files.conftest import add

BOUNDARY = "----vorhang"


def files():
    return db.session.scalars(
        select(File).where(File.owner_kind == "notice", File.name != NAME).order_by(File.id)
    ).all()


def part(disposition, content=b"", kind=b"image/jpeg"):
    head = b"Content-Disposition: " + disposition + b"\r\nContent-Type: " + kind
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


@pytest.fixture
def post(as_, draft):
    """Sends a raw body to the door as the author; the tokens of the form are put before it."""
    author = as_("林悦", "committee_chair")
    page = author.page(f"/notices/{draft.public_id}/preview")
    fields = page.fields(page.form_of("添加文件"))
    hidden = b"".join(
        part(f'form-data; name="{name}"'.encode(), values[0].encode(), b"text/plain")
        for name, values in fields.items()
    )

    def send(body, kind=f"multipart/form-data; boundary={BOUNDARY}"):
        return author.post(f"/notices/{draft.public_id}/files", data=hidden + body, content_type=kind)

    return send


END = f"--{BOUNDARY}--\r\n".encode()
FILE = b'form-data; name="files"; filename="a.jpg"'


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (part(FILE, seeds.picture()) + END, {303}),
        (part(FILE, seeds.picture()), {303, 400, 422}),
        (part(FILE, seeds.picture())[:-40], {303, 400, 422}),
        (part(b'form-data; name="files"', b"no file") + END, {422}),
        (part(b'form-data; name="files"; filename=""') + END, {422}),
        (part(b"form-data", b"x") + END, {400, 422}),
        (part(b'attachment; name="files"; filename="a.jpg"', b"x") + END, {400, 422}),
        (part(b'form-data; name="files"; filename*=UTF-8\'\'%e5%9b%be.jpg', seeds.picture()) + END, {303}),
        (part(b'form-data; name="files"; filename="a\x00.jpg"', seeds.picture()) + END, {303, 400, 422}),
        (part(b'form-data; name="files"; filename="\xff\xfe.jpg"', seeds.picture()) + END, {303, 400}),
        (part(b'form-data; name="files"; filename="' + b"a" * 9_000 + b'.jpg"', seeds.picture()) + END, {303, 400, 413}),
        (part(b'form-data; name="files"; filename="' + b"a" * 2_000_000 + b'"', b"x") + END, {400, 413, 422}),
        (part(FILE, b"") + END, {422}),
        (b"".join(part(b'form-data; name="x"', b"x") for _ in range(1_001)) + END, {413}),
        (part(b'form-data; name="note"', b"x" * 600_000) + END, {413}),
        (part(FILE, seeds.picture(), b"multipart/mixed; boundary=inner") + END, {303, 422}),
        (part(FILE, seeds.picture()) * 2 + END, {303}),
        (part(FILE, b"%PDF-1.7") * 6 + END, {422}),
        (b"\r\n" * 5_000 + part(FILE, seeds.picture()) + END, {303, 400, 422}),
        (part(FILE, b"\xff\xd8\xff" + bytes(33 * 1024 * 1024)) + END, {413}),
        (part(FILE, b"\xff\xd8\xff" + bytes(21 * 1024 * 1024)) + END, {422}),
    ],
)  # fmt: skip
def test_broken_multipart_is_answered_in_words(post, body, statuses):
    answer = post(body)

    assert answer.status_code in statuses
    assert b"Traceback" not in answer.get_data()
    assert (len(files()) == 1) == (answer.status_code == 303)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other",
             "application/x-www-form-urlencoded", "application/json", "text/plain", ""],
)  # fmt: skip
def test_a_wrong_content_type_is_no_failure(post, kind):
    assert post(part(FILE, seeds.picture()) + END, kind).status_code in (400, 413, 415, 422)
    assert files() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("集合地点.JPG", "集合地点.jpg"),
        ("C:\\Users\\王\\计划.docx", "计划.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("a\u202egpj.exe", "agpj.pdf"),
        ("a.pdf\x00.exe", "a.pdf.pdf"),
        ("a.pdf. . ", "a.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("...", "文件.pdf"),
        ("", "文件.pdf"),
        ('a";b=c.pdf', "a_;b=c.pdf"),
        ("长" * 300 + ".pdf", "长" * 196 + ".pdf"),
        ("a\r\nX: y.pdf", "aX_ y.pdf"),
        ("e\u0301te\u0301.pdf", "e\u0301te\u0301.pdf"),
    ],
)  # fmt: skip
def test_names_are_kept_as_typed_as_far_as_they_are_fit(app, typed, kept):
    assert clean_name(typed, ".jpg" if typed.endswith("JPG") else ".pdf") == kept
    assert suffix_of(typed) in ("", ".jpg", ".docx", ".exe", ".pdf")


def test_nobody_waits_while_a_file_is_looked_at(app, as_, draft, monkeypatch):
    """The lock of the writers is free while the slow work goes on; before it, it was held (the control)."""
    path = write_lock_path(str(app.config["INSTANCE"] / "portal.db"))
    seen = []

    def is_free():
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True

    real = decoding.Decoder.decode

    def watched(self, *arguments):
        seen.append(is_free())
        db.session.execute(select(Person.id).limit(1))
        seen.append(is_free())
        db.session.rollback()
        return real(self, *arguments)

    monkeypatch.setattr(decoding.Decoder, "decode", watched)
    page = add(as_("林悦", "committee_chair"), draft, (seeds.pdf(), "a.pdf"))

    assert page.status == 200
    assert seen == [True, False]


def test_a_child_that_takes_too_much_dies_alone(app):
    with decoding.Decoder(memory=200 * 1024 * 1024) as decoder:
        with pytest.raises(decoding.RefusedFile, match="memory or time"):
            decoder.decode(plain("PNG", 8_000, 5_000), ".png")
        first = decoder.process.pid
        assert decoder.decode(seeds.picture(), ".jpg").kind == "image"
        assert decoder.process.pid == first, "the process that was asked lives on"
    with decoding.Decoder(seconds=0) as decoder, pytest.raises(decoding.RefusedFile, match="memory or time"):
        decoder.decode(seeds.picture(), ".jpg")


def test_the_process_itself_may_die(app):
    with decoding.Decoder() as decoder:
        decoder.decode(seeds.picture(), ".jpg")
        decoder.process.kill()
        decoder.process.wait()
        with pytest.raises(decoding.RefusedFile):
            decoder.decode(seeds.picture(), ".jpg")
        assert decoder.decode(seeds.picture(), ".jpg").kind == "image", "the next file gets a new one"


def plain(format, width, height):
    """A large picture of one colour, quickly made."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "pink").save(out, format)
    return out.getvalue()


def test_the_largest_allowed_picture_stays_within_the_memory(app):
    with decoding.Decoder() as decoder:
        for format in ("PNG", "JPEG"):
            found = decoder.decode(plain(format, 8_000, 5_000), ".x")
            assert found.memory_kib < decoding.MEMORY // 1024
        with pytest.raises(decoding.RefusedFile, match="40 million"):
            decoder.decode(plain("PNG", 8_000, 5_001), ".png")


@pytest.mark.soak
def test_large_pictures_of_every_kind_stay_within_the_memory(app):
    with decoding.Decoder() as decoder:
        for format in ("PNG", "JPEG", "HEIF", "WEBP"):
            for mode in ("RGB", "L"):
                data = seeds.picture(format, (6_000, 4_000), mode)
                assert decoder.decode(data, ".x").memory_kib < decoding.MEMORY // 1024


def test_a_slow_line_holds_up_nobody(app, as_, draft, served):
    """A body that trickles in for seconds; meanwhile others read and write, and at last it is taken."""
    path = f"/notices/{draft.public_id}/files"
    token, cookie, once = served.form(draft)
    body = (
        part(b'form-data; name="csrf_token"', token.encode(), b"text/plain")
        + part(b'form-data; name="once"', once.encode(), b"text/plain")
        + part(FILE, seeds.picture(size=(300, 200)))
        + END
    )
    answers = []

    def trickle():
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n"
                f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            line.sendall(head.encode())
            for place in range(0, len(body), max(1, len(body) // 30)):
                line.sendall(body[place : place + max(1, len(body) // 30)])
                time.sleep(0.08)
            answers.append(line.recv(4096))

    thread = threading.Thread(target=trickle)
    thread.start()
    meanwhile = 0
    while thread.is_alive():
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        connection.request("POST", "/account/elder", headers={"Cookie": cookie})
        assert connection.getresponse().status in (303, 400)
        meanwhile += thread.is_alive()
        connection.close()
    thread.join()

    assert answers[0].startswith(b"HTTP/1.1 303")
    assert meanwhile >= 2, "whoever waits for the slow line has its answer after it, once"


@pytest.fixture
def served(app, as_, draft):
    """The portal over HTTP in threads of this process, and the author signed in there."""
    author = as_("林悦", "committee_chair")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    class Served:
        port = server.server_port

        @staticmethod
        def form(notice):
            page = author.page(f"/notices/{notice.public_id}/preview")
            fields = page.fields(page.form_of("添加文件"))
            cookie = author.get_cookie(app.config["SESSION_COOKIE_NAME"])
            db.session.commit()
            return fields["csrf_token"][0], f"{cookie.key}={cookie.value}", fields["once"][0]

    yield Served
    server.shutdown()
    thread.join(5)


def test_the_form_says_what_is_taken_and_takes_several(as_, draft):
    page = as_("林悦", "committee_chair").page(f"/notices/{draft.public_id}/preview")
    (field,) = page.all("input", type="file")

    assert field.get("multiple") is not None
    assert set(re.findall(r"\.\w+", field.get("accept"))) >= {".jpg", ".heic", ".pdf", ".docx", ".txt"}
    assert page.form_of("添加文件").get("enctype") == "multipart/form-data"
