"""How files go out: as files and nothing else, in parts, sealed where they lie, by a link of one minute elsewhere."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from portal import clock, create_app
from portal.access import Role
from portal.config import Settings
from portal.extensions import db
from portal.files import chunks, storage
from portal.files.jobs import sweep_orphans
from portal.files.models import File, State
from portal.files.storing import bytes_of
from portal.files.views import disposition
from portal.notices.models import Notice
from portal.rehearsal.files import NAME
from portal.trail.models import TrailEntry
from portal.trail.reads import READ
from tests.files import seeds
from tests.files.conftest import add, publish

LONG = "说明。" * 60_000


@pytest.fixture
def kept(as_, draft):
    """A picture, a PDF and a long text of a published notice, and a mother who may see them."""
    author = as_("林悦", "committee_chair")
    add(
        author,
        draft,
        (seeds.picture(size=(400, 300), exif=seeds.exif()), "集合地点.jpg"),
        (seeds.pdf(), "路线.pdf"),
        (LONG.encode(), "说明.txt"),
    )
    publish(draft)
    rows = db.session.scalars(
        select(File).where(File.owner_kind == "notice", File.name != NAME).order_by(File.id)
    ).all()
    return {file.kind: file for file in rows}


def get(as_, file, **named):
    return as_("李晚晴").get(f"/files/{file.public_id}", **named)


def test_a_file_goes_out_as_nothing_but_a_file(as_, kept):
    answer = get(as_, kept["pdf"])

    assert answer.headers["Content-Type"] == "application/pdf"
    assert (
        answer.headers["Content-Disposition"]
        == "attachment; filename=\"file.pdf\"; filename*=UTF-8''%E8%B7%AF%E7%BA%BF.pdf"
    )
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert get(as_, kept["image"]).headers["Content-Disposition"].startswith("inline;")
    assert get(as_, kept["text"]).headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=65530-65545", 206, 65530, 65546),
        ("bytes=-5", 206, -5, None),
        ("bytes=100-", 206, 100, None),
        ("bytes=0-99999999", 200, 0, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("lines=0-1", 200, 0, None),
        ("bytes=x-y", 200, 0, None),
        ("bytes=9-3", 200, 0, None),
    ],
)
def test_parts_of_a_file(as_, kept, asked, status, start, stop):
    answer = get(as_, kept["text"], headers={"Range": asked})

    assert answer.status_code == status
    assert answer.get_data() == LONG.encode()[start:stop]
    assert int(answer.headers["Content-Length"]) == len(answer.get_data())
    if status == 206:
        assert re.fullmatch(rf"bytes \d+-\d+/{len(LONG.encode())}", answer.headers["Content-Range"])


def test_a_part_beyond_the_end_and_a_part_of_another_version(as_, kept):
    beyond = get(as_, kept["text"], headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{kept['text'].size}"
    other = get(as_, kept["text"], headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, len(other.get_data())) == (200, kept["text"].size)


def test_head_and_not_modified(as_, kept):
    mother = as_("李晚晴")
    address = f"/files/{kept['text'].public_id}"
    head = mother.head(address)
    assert (head.status_code, head.get_data()) == (200, b"")
    assert int(head.headers["Content-Length"]) == kept["text"].size
    again = mother.get(address, headers={"If-None-Match": head.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    for method in ("post", "put", "delete", "patch", "options"):
        assert getattr(mother, method)(address).status_code in (400, 405)


def test_what_lies_on_the_disk_shows_nothing(app, kept):
    folder = app.config["INSTANCE"] / "files"
    lying = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert folder.stat().st_mode & 0o077 == 0
    assert len(lying) >= 3
    for content in lying.values():
        assert content.startswith(b"GYF1")
        for mark in (b"JFIF", b"%PDF", "说明".encode(), b"endobj"):
            assert mark not in content
    assert "说明".encode() in bytes_of(kept["text"], 0, 30), "the control: the mark is in the file itself"


def test_a_changed_cut_or_exchanged_object_is_never_shown(app, as_, kept):
    folder = app.config["INSTANCE"] / "files"
    text, pdf = (folder / kept[kind].stored_key for kind in ("text", "pdf"))
    whole = text.read_bytes()
    for damaged in (
        whole[:-1] + bytes([whole[-1] ^ 1]),
        whole[: len(whole) // 2],
        whole[:4] + whole[4 + 65552 : 4 + 2 * 65552] + whole[4 : 4 + 65552] + whole[4 + 2 * 65552 :],
        pdf.read_bytes(),
    ):
        text.write_bytes(damaged)
        answer = get(as_, kept["text"])
        assert answer.status_code == 503
        assert "打不开" in answer.get_data(as_text=True)
    text.write_bytes(whole)
    assert get(as_, kept["text"]).status_code == 200


def test_a_quarantined_or_refused_file_is_shown_to_nobody(as_, kept):
    for state, words in ((State.QUARANTINED, "病毒检查"), (State.REFUSED, "没有通过")):
        kept["pdf"].state = state
        db.session.commit()
        answer = get(as_, kept["pdf"])
        assert answer.status_code == 409
        assert words in answer.get_data(as_text=True)
        assert b"%PDF" not in answer.get_data()
    notice = db.session.get(Notice, kept["pdf"].owner_id)
    page = as_("李晚晴").page(f"/notices/{notice.public_id}")
    assert "已禁用" in page.text
    assert not any("路线" in name for name in page.links)


def readings():
    return db.session.scalars(select(TrailEntry).where(TrailEntry.action == READ)).all()


def test_each_reading_of_a_sensitive_file_is_an_entry_and_nothing_is_cached(as_, kept):
    kept["image"].holds = "F4"
    db.session.commit()

    answer = as_("王雪", Role.CLASS_TEACHER).get(f"/files/{kept['image'].public_id}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    (entry,) = readings()
    assert (entry.object_kind, entry.object_id, entry.category) == ("file", kept["image"].id, "F4")
    as_("王雪", Role.CLASS_TEACHER).get(f"/files/{kept['pdf'].public_id}")
    assert len(readings()) == 1, "a notice's attachment is no sensitive record"


@pytest.fixture
def elsewhere(app):
    """Files on an origin of their own."""
    app.config["FILES_ORIGIN"] = "https://files.yunxi.example"
    yield "https://files.yunxi.example"
    app.config["FILES_ORIGIN"] = ""


def test_files_on_their_own_origin_come_by_a_link_of_one_minute(as_, kept, elsewhere):
    kept["image"].holds = "F4"
    db.session.commit()
    sent_on = as_("王雪", Role.CLASS_TEACHER).get(f"/files/{kept['image'].public_id}")
    assert sent_on.status_code == 303
    link = sent_on.headers["Location"]
    assert link.startswith(elsewhere + "/files/signed/")
    visitor, path = as_(None), link.removeprefix(elsewhere)

    shown = visitor.get(path, base_url=elsewhere)
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in shown.headers
    assert [entry.role for entry in readings()] == ["class_teacher"]

    assert visitor.get(path).status_code == 404, "the portal's own origin shows nothing by a link"
    assert visitor.get(path[:-10] + "A" * 10, base_url=elsewhere).status_code == 404
    with time_machine.travel(clock.now() + timedelta(seconds=62), tick=False):
        assert visitor.get(path, base_url=elsewhere).status_code == 410
    assert as_("唐芸").get(f"/files/{kept['image'].public_id}").status_code == 404


def test_pages_may_show_pictures_of_the_origin_of_files(tmp_path):
    settings = Settings(instance=tmp_path, database_url="", files_origin="https://files.yunxi.example/")
    app = create_app(settings, TESTING=True)

    policy = app.test_client().get("/account/sign-in").headers["Content-Security-Policy"]

    assert "img-src 'self' data: https://files.yunxi.example;" in policy


def test_without_an_origin_of_its_own_a_link_is_nothing(as_, kept):
    assert as_(None).get("/files/signed/x").status_code == 404


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("plan.pdf", "plan.pdf"),
        ("春游 plan.pdf", "plan.pdf"),
        ("café.pdf", "cafe.pdf"),
        ("春游.pdf", "file.pdf"),
        ('a";x=".pdf', "a_;x=_.pdf".replace(";", "_").replace("=", "_")),
        ("😀.jpg", "file.jpg"),
    ],
)
def test_the_header_names_the_file_for_old_and_new_browsers(name, plain):
    header = disposition(name, inline=False)

    assert f'filename="{plain}"' in header
    assert header.isascii() and "\r" not in header and "\n" not in header


def test_objects_without_a_row_are_swept_and_rows_without_an_object_are_found(app, kept):
    storage.put("aa/orphan", b"x")
    known = {file.stored_key for file in db.session.scalars(select(File))}
    sweep_orphans()
    names = {found.name for batch in storage.objects() for found in batch}
    assert "aa/orphan" in names, "it may belong to an upload in progress"
    with time_machine.travel(clock.now() + timedelta(hours=3), tick=False):
        sweep_orphans()
    names = {found.name for batch in storage.objects() for found in batch}
    assert "aa/orphan" not in names and known <= names

    runner = app.test_cli_runner()
    assert runner.invoke(args=["files", "check", "--deep"]).exit_code == 0
    lying = app.config["INSTANCE"] / "files" / kept["pdf"].stored_key
    content = lying.read_bytes()
    lying.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert runner.invoke(args=["files", "check"]).exit_code == 0, "the size is right"
    deep = runner.invoke(args=["files", "check", "--deep"])
    assert (deep.exit_code, kept["pdf"].public_id in deep.output) == (1, True)
    lying.write_bytes(content[:-1])
    assert runner.invoke(args=["files", "check"]).exit_code == 1
    lying.unlink()
    assert runner.invoke(args=["files", "check"]).exit_code == 1
    lying.write_bytes(content)


def test_with_the_row_goes_the_key(kept):
    """A copy of the object alone, of a backup say, opens no more once its row is gone: its key is nowhere else."""
    file = kept["pdf"]
    assert bytes.fromhex(file.data_key) not in file.data_key_sealed
    assert file.data_key.encode() not in file.data_key_sealed
    file.data_key = chunks.new_key()
    with pytest.raises(chunks.ChunkBroken):
        bytes_of(file, 0, file.size)
