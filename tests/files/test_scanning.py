"""The virus scanner: a real clamd, and a double that answers as a broken one would. Once set, silence is not consent."""

import socket
import struct
import threading

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.files import scanning
from portal.files.jobs import scan_waiting
from portal.files.models import File, State
from portal.rehearsal.files import NAME
from tests.files import seeds
from tests.files.conftest import add, publish
from tests.support.services import EICAR, scanner


@pytest.fixture
def ask(app):
    """Sets where the scanner is; nothing is set again afterwards."""
    yield lambda address: app.config.update(CLAMD_ADDRESS=address)
    app.config["CLAMD_ADDRESS"] = ""


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    with scanner(tmp_path_factory.mktemp("clamd")) as service:
        yield service


def files():
    return db.session.scalars(
        select(File).where(File.owner_kind == "notice", File.name != NAME).order_by(File.id)
    ).all()


@pytest.fixture
def broken():
    """``broken(answer, …)``: a scanner on a free port that reads everything and answers so; its address."""
    listeners = []

    def start(answer, reads=True, waits=0.0):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            while True:
                try:
                    connection, _peer = listener.accept()
                except OSError:
                    return
                with connection:
                    if reads:
                        _read_stream(connection)
                    if waits:
                        threading.Event().wait(waits)
                    if answer:
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def _read_stream(connection):
    stream = connection.makefile("rb")
    assert stream.read(10) == b"zINSTREAM\0"
    while length := struct.unpack(">I", stream.read(4))[0]:
        stream.read(length)


def test_a_real_scanner_finds_and_passes(app, ask, clamd):
    ask(f"tcp://127.0.0.1:{clamd.port}")

    assert scanning.scan(b"nothing harmful" * 100_000) == ""
    assert "EICAR" in scanning.scan(EICAR)


def test_a_harmful_file_is_not_kept_and_a_good_one_is(as_, draft, ask, clamd):
    ask(f"127.0.0.1:{clamd.port}")
    author = as_("林悦", "committee_chair")

    page = add(author, draft, (seeds.office("docx", {"word/media/image1.png": EICAR}), "名单.docx"))
    assert page.status == 422
    assert "病毒检查发现有害内容" in page.text
    assert files() == []
    assert add(author, draft, (seeds.pdf(), "a.pdf")).status == 200
    (kept,) = files()
    assert (kept.state, kept.scanned_at is None) == (State.CLEAN, False)


def test_without_a_scanner_set_the_same_harmful_file_is_taken(as_, draft):
    """The control: it is the scanner that refuses it."""
    page = add(
        as_("林悦", "committee_chair"),
        draft,
        (seeds.office("docx", {"word/media/image1.png": EICAR}), "名单.docx"),
    )

    assert page.status == 200
    assert [file.state for file in files()] == [State.CLEAN]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: OK",
        b"stream: O",
        b"OK\0",
        b"stream: OK\0stream: OK\0",
        b"stream: OK\n",
        b"\xff\xfe\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: Something ERROR\0",
        b"x" * 100_000,
    ],
)
def test_whatever_is_no_whole_answer_is_none(app, ask, broken, answer):
    ask(broken(answer))

    with pytest.raises(scanning.ScannerDown):
        scanning.scan(b"a" * 300_000)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "unix:/nowhere/clamd.ctl", "/nowhere", "nonsense", "host:port"]
)
def test_a_scanner_that_is_not_there(app, ask, address):
    ask(address)

    with pytest.raises(scanning.ScannerDown):
        scanning.scan(b"a")


def test_a_scanner_that_takes_too_long(app, ask, broken, monkeypatch):
    monkeypatch.setattr(scanning, "SECONDS", 0.3)
    ask(broken(b"stream: OK\0", waits=2.0))
    with pytest.raises(scanning.ScannerDown):
        scanning.scan(b"a")
    ask(broken(b"stream: OK\0", reads=False, waits=2.0))
    with pytest.raises(scanning.ScannerDown):
        scanning.scan(b"a" * 50_000_000)


def test_while_the_scanner_is_down_files_wait_and_nobody_sees_them(as_, draft, ask, broken, clamd):
    author = as_("林悦", "committee_chair")
    ask(broken(b"stream: O"))
    page = add(author, draft, (seeds.pdf(), "a.pdf"))
    publish(draft)

    assert "检查中" in page.text
    (kept,) = files()
    assert kept.state == State.QUARANTINED
    assert as_("李晚晴").get(f"/files/{kept.public_id}").status_code == 409
    assert author.get(f"/files/{kept.public_id}").status_code == 409
    assert "检查中" in as_("李晚晴").page(f"/notices/{draft.public_id}").text

    scan_waiting()
    assert files()[0].state == State.QUARANTINED, "it is still down"
    ask("")
    scan_waiting()
    assert files()[0].state == State.QUARANTINED, "no scanner is no consent either"

    ask(f"127.0.0.1:{clamd.port}")
    scan_waiting()
    scan_waiting()
    db.session.expire_all()
    assert files()[0].state == State.CLEAN
    assert as_("李晚晴").get(f"/files/{kept.public_id}").status_code == 200


def test_what_the_scanner_learns_later_is_shown_no_more(app, as_, draft, ask, clamd):
    author = as_("林悦", "committee_chair")
    add(
        author,
        draft,
        (seeds.office("docx", {"word/media/image1.png": EICAR}), "名单.docx"),
        (seeds.pdf(), "a.pdf"),
    )
    publish(draft)
    ask(f"127.0.0.1:{clamd.port}")

    assert app.test_cli_runner().invoke(args=["files", "scan"]).exit_code == 0

    db.session.expire_all()
    assert [file.state for file in files()] == [State.REFUSED, State.CLEAN]
    assert as_("李晚晴").get(f"/files/{files()[0].public_id}").status_code == 409
    assert author.get(f"/files/{files()[0].public_id}").status_code == 409


def test_commands_of_a_scan_need_a_scanner(app, ask):
    assert app.test_cli_runner().invoke(args=["files", "scan"]).exit_code == 1
    ask("127.0.0.1:1")
    assert app.test_cli_runner().invoke(args=["files", "scan"]).exit_code == 1


@pytest.mark.parametrize("answer", ["stream: OK\0", "stream: A.B FOUND\0"])
def test_the_double_can_say_yes_and_no(app, ask, broken, answer):
    """The control of the double: a whole answer is taken for what it says."""
    ask(broken(answer.encode()))

    assert scanning.scan(b"a") == ("" if "OK" in answer else "A.B")
