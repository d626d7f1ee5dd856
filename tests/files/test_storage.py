"""Files on a real server of the S3 protocol, and what happens when the place of files is away or full."""

import contextlib
import os
import subprocess
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine
from sqlalchemy import func, select

from portal import clock
from portal.access import Actor, Role
from portal.custody.models import Restriction
from portal.extensions import db
from portal.files import chunks, storage
from portal.files.chunks import CHUNK
from portal.files.intake import Taken, new_stored_key
from portal.files.jobs import ORPHAN_AFTER, sweep_orphans
from portal.files.models import File, State
from portal.files.storing import keep
from portal.notices.models import Notice
from portal.privacy import erasing, retention
from portal.rehearsal.files import NAME
from portal.schools.models import Pupil
from tests.files import seeds
from tests.files.conftest import add, publish, sent
from tests.support.services import KEY, KEY_ID, Service, s3_storage


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_storage(tmp_path_factory.mktemp("s3")) as service:
        yield service


@pytest.fixture
def on_s3(app, s3: Service):
    """The portal keeps its files there; it has none yet."""
    if s3.process is None:
        s3.start()
    key_file = s3.folder / "key"
    key_file.write_text(KEY + "\n", encoding="utf-8")
    db.session.execute(File.__table__.delete())
    db.session.commit()
    with at(app, s3, key_file):
        yield s3


class at:  # noqa: N801
    """Within, the portal's files are at another place."""

    def __init__(self, app, s3, key_file, key_id=KEY_ID):
        self.app = app
        self.place = storage.Place(
            folder=app.config["INSTANCE"] / "nowhere",
            url="s3://gongyu/portal",
            endpoint=f"http://127.0.0.1:{s3.port}",
            key_id=key_id,
            key_file=key_file,
        )

    def __enter__(self):
        self.before = self.app.extensions["portal.files"]
        self.app.extensions["portal.files"] = self.place
        self.app.extensions.pop("portal.files.opened", None)

    def __exit__(self, *_error):
        self.app.extensions["portal.files"] = self.before
        self.app.extensions.pop("portal.files.opened", None)


def files():
    return db.session.scalars(
        select(File).where(File.owner_kind == "notice", File.name != NAME).order_by(File.id)
    ).all()


def lying(s3):
    return [path for path in (s3.folder / "buckets" / "gongyu").rglob("*") if path.is_file()]


def test_a_file_goes_to_the_bucket_and_comes_back(app, as_, draft, on_s3):
    large = "家校共育。" * 500_000
    before = len(lying(on_s3))
    page = add(as_("林悦", "committee_chair"), draft, (large.encode(), "长.txt"), (seeds.pdf(), "a.pdf"))
    publish(draft)

    assert "已添加 2 个文件" in page.text
    assert len(lying(on_s3)) - before == 2
    assert all(path.read_bytes().startswith(b"GYF1") for path in lying(on_s3))
    text = files()[0]
    mother = as_("李晚晴")
    assert mother.get(f"/files/{text.public_id}").get_data(as_text=True) == large
    part = mother.get(
        f"/files/{text.public_id}", headers={"Range": f"bytes={CHUNK * 3 + 7}-{CHUNK * 3 + 16}"}
    )
    assert part.get_data() == large.encode()[CHUNK * 3 + 7 : CHUNK * 3 + 17]
    assert app.test_cli_runner().invoke(args=["files", "check", "--deep"]).exit_code == 0
    storage.remove(text.stored_key)
    assert app.test_cli_runner().invoke(args=["files", "check"]).exit_code == 1
    assert mother.get(f"/files/{text.public_id}").status_code == 503


def test_a_wrong_key_keeps_nothing(app, as_, draft, on_s3, tmp_path):
    wrong = tmp_path / "key"
    wrong.write_text("another-secret-key", encoding="utf-8")
    with at(app, on_s3, wrong):
        page = add(as_("林悦", "committee_chair"), draft, (seeds.pdf(), "a.pdf"))

    assert page.status == 503
    assert files() == []


def test_when_the_storage_is_away_text_is_saved_and_nothing_is_half_kept(app, as_, draft, on_s3):
    author = as_("林悦", "committee_chair")
    add(author, draft, (seeds.pdf(), "a.pdf"))
    publish(draft)
    file = files()[0]
    on_s3.stop()

    assert as_("李晚晴").page(f"/notices/{draft.public_id}").status == 200, "the text is read"
    answer = as_("李晚晴").get(f"/files/{file.public_id}")
    assert answer.status_code == 503
    assert "暂时打不开文件" in answer.get_data(as_text=True)

    page = author.page(f"/notices/{draft.public_id}/correction")
    fields = page.fields(page.form_of("发布更正"))
    with_file = {**fields, "change": "换了时间", "body": "改到十点。"}
    page = author.send(
        f"/notices/{draft.public_id}/corrections",
        {**with_file, "files": [sent(seeds.picture(), "b.jpg")]},
        files=True,
    )
    assert page.status == 503
    assert "暂时不能保存文件" in page.text
    typed = page.fields(page.form_of("发布更正"))
    assert (typed["change"], typed["body"]) == (["换了时间"], ["改到十点。"])
    assert db.session.get(Notice, draft.id).revision == 1
    assert page.press("发布更正").status == 200, "the text goes out without the file"
    assert db.session.scalar(select(func.count()).select_from(File).where(File.name == "b.jpg")) == 0

    on_s3.start()
    assert as_("李晚晴").get(f"/files/{file.public_id}").status_code == 200, "it recovers by itself"


def stored(row, words=b"paper", **more):
    """A sealed object in the bucket with its row at a record."""
    key, name = chunks.new_key(), new_stored_key()
    storage.put(name, chunks.seal(words, key, name))
    taken = Taken(
        "文书.txt", "text", "text/plain", len(words), sha256(words).hexdigest(), name, key, State.CLEAN
    )
    acting = Actor(row.proposed_by_id or 1, Role.SCHOOL_OFFICE, clock.today())
    made = keep(taken, row, acting, slot="paper", holds="F4S")
    for column, value in more.items():
        setattr(made, column, value)
    db.session.commit()
    return name


def in_bucket():
    return {found.name for batch in storage.objects() for found in batch}


def restriction():
    return db.session.scalars(select(Restriction).order_by(Restriction.id).limit(1)).one()


def erased(pupil_id):
    erasing.erase_pupil(db.session.get_one(Pupil, pupil_id), clock.today())
    db.session.commit()


def test_the_objects_of_an_erased_child_leave_the_bucket(app, on_s3):
    row = restriction()
    gone, other = stored(row), new_stored_key()
    storage.put(other, b"of another record")
    before = len(lying(on_s3))
    assert {gone, other} <= in_bucket()

    erased(row.pupil_id)
    erasing.remove_objects()

    assert in_bucket() & {gone, other} == {other}
    assert len(lying(on_s3)) == before - 1, "the server itself has one file less"
    storage.remove(other)


def test_what_the_bucket_could_not_let_go_while_it_was_away_is_swept_when_it_is_back(app, on_s3):
    row = restriction()
    gone = stored(row)
    on_s3.stop()
    erased(row.pupil_id)
    with contextlib.suppress(storage.StorageDown):
        erasing.remove_objects()
    assert db.session.scalar(select(func.count(File.id)).where(File.stored_key == gone)) == 0
    on_s3.start()
    assert gone in in_bucket(), "the control: it is still there"

    sweep_orphans()
    assert gone in in_bucket(), "what was written just now may belong to a request under way"
    with time_machine.travel(clock.now() + ORPHAN_AFTER + timedelta(minutes=1), tick=True):
        sweep_orphans()
    assert gone not in in_bucket()


def test_what_is_kept_no_longer_leaves_the_bucket_too(app, on_s3):
    """Refused files go after a month; a file whose record stays is not touched by the same sweep."""
    row = restriction()
    old = stored(row, state=State.REFUSED, scanned_at=clock.now() - timedelta(days=31))
    young = stored(row, b"other paper", state=State.REFUSED, scanned_at=clock.now())
    assert retention.run(clock.today(), ["refused_files"])["refused_files"] == 1
    with time_machine.travel(clock.now() + ORPHAN_AFTER + timedelta(minutes=1), tick=True):
        sweep_orphans()

    assert in_bucket() & {old, young} == {young}


@pytest.fixture
def full(app, tmp_path):
    """Two megabytes for files, in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip("this machine mounts no small disk")
    before = app.extensions["portal.files"]
    app.extensions["portal.files"] = storage.Place(folder=folder / "files")
    app.extensions.pop("portal.files.opened", None)
    yield folder
    app.extensions["portal.files"] = before
    app.extensions.pop("portal.files.opened", None)
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_and_recovers_when_there_is_room(as_, draft, full):
    author = as_("林悦", "committee_chair")
    ballast = full / "ballast"
    ballast.write_bytes(b"x" * 1_900_000)
    text = ("说明。" * 100_000).encode()

    page = add(author, draft, (text, "说明.txt"))

    assert page.status == 507
    assert "文件空间已满" in page.text
    assert files() == []
    assert [path for path in (full / "files").rglob("*") if path.is_file()] == []
    ballast.unlink()
    assert add(author, draft, (text, "说明.txt")).status == 200
    assert as_("林悦", "committee_chair").page(f"/notices/{draft.public_id}/preview").status == 200


def test_the_database_being_away_leaves_only_an_object_to_sweep(app, as_, draft, monkeypatch):
    """The object comes first: whatever kills the request then, no row names what is not there."""
    author = as_("林悦", "committee_chair")
    before = {found.name for batch in storage.objects() for found in batch}
    monkeypatch.setattr("portal.notices.attaching.keep", lambda *_a, **_n: 1 / 0)
    page = add(author, draft, (seeds.pdf(), "a.pdf"))
    assert page.status == 500
    monkeypatch.undo()

    left = {found.name for batch in storage.objects() for found in batch} - before
    assert len(left) == 1
    assert files() == []
    assert app.test_cli_runner().invoke(args=["files", "check"]).exit_code == 0
