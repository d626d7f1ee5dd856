"""Files handed in as proof: per indicator, frozen with the submission, noticed when used again, read by the team only."""

import io

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from portal import clock
from portal.extensions import db
from portal.files.models import File
from portal.ratings import assessing, evidence
from portal.ratings.canonical import restored
from portal.ratings.evidence import Evidence
from portal.ratings.models import Entry, EntryState, Round, RoundState, Sheet
from portal.schools.models import School
from portal.trail.models import TrailEntry
from tests.files import seeds

SHOWS = "三月十二日家长课签到表。"


@pytest.fixture
def entry(app):
    """This year's self-assessment of the town's school, still open; requests also come from pages that went stale."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield found("望溪小学")
    app.config["WTF_CSRF_ENABLED"] = True


def found(name, state=RoundState.OPEN):
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == state, School.name == name)
    ).one()


def where(entry, item="D4"):
    return f"/ratings/assessments/{entry.public_id}/items/{item}/files"


def hand_in(client, entry, *files, item="D4", **typed):
    page = client.page(where(entry, item))
    fields = page.fields(page.form_of("添加文件")) | {"shows": SHOWS, "masked": "y"} | typed
    sent = [(io.BytesIO(content), name) for content, name in files]
    return client.send(where(entry, item), {**fields, "files": sent}, files=True)


def rows(entry, item="D4"):
    return evidence.standing(db.session.get(Entry, entry.id), item)


def freeze(entry):
    """The submission's snapshot, and the school with its inspectors."""
    row = db.session.get(Entry, entry.id)
    row.claimed_star = 4
    assessing.freeze(assessing_loaded(row))
    row.state, row.submitted_at = EntryState.SCORING, clock.now()
    db.session.commit()


def kept_beside(row, owner_kind="rating_evidence", **values):
    """The public id of a copy of a file of the same school, with other values of its evidence or its owner."""
    columns = [column.key for column in Evidence.__table__.columns if column.key not in ("id", "public_id")]
    other = Evidence(**{name: getattr(row, name) for name in columns} | {"item_id": "A3"} | values)
    source = db.session.scalars(select(File).where(File.public_id == row.file_public_id)).one()
    db.session.add(other if owner_kind == "rating_evidence" else source)
    db.session.flush()
    names = [name.key for name in File.__table__.columns if name.key not in ("id", "public_id")]
    owner = {
        "owner_kind": owner_kind,
        "owner_id": other.id or row.id,
        "stored_key": f"{owner_kind}{values}"[:40],
    }
    copy = File(**{name: getattr(source, name) for name in names} | owner)
    db.session.add(copy)
    db.session.commit()
    return copy.public_id


def assessing_loaded(row):
    db.session.refresh(row, ["round"])
    db.session.refresh(row.round, ["rubric_version", "school_year"])
    return row


def test_a_file_is_added_opened_taken_out_and_counts_as_proof(as_, entry):
    head = as_("孙立德")
    item = head.page(f"/ratings/assessments/{entry.public_id}/items/D4")
    assert where(entry) in item.links.values()
    page = hand_in(head, entry, (seeds.pdf(), "签到表.pdf"), (seeds.picture(), "公示.png"))
    assert "已添加 2 个文件" in page.text and SHOWS in page.text and "签到表.pdf" in page.text
    first, second = rows(entry)
    gone, gone_file = second.public_id, second.file_public_id
    assert head.get(f"/files/{first.file_public_id}").status_code == 200
    assert "D4" in evidence.items_with_files(entry)
    for name, role in (("吴正清", None), ("张建平", None), ("钱文博", None), ("王雪", "class_teacher")):
        assert as_(name, role).get(f"/files/{first.file_public_id}").status_code == 404, (
            "not before it is sent"
        )
    page = head.send(where(entry) + "/removal", {"file": gone})
    assert "公示.png" not in page.text
    assert head.send(where(entry) + "/removal", {"file": gone}).status == 409, "gone already"
    assert db.session.scalar(select(File.id).where(File.public_id == gone_file)) is None
    acts = set(db.session.scalars(select(TrailEntry.action)))
    assert {"rating.evidence_added", "rating.evidence_removed"} <= acts


def test_after_the_submission_nothing_changes_not_even_by_a_file_of_the_same_name(as_, entry):
    head = as_("孙立德")
    hand_in(head, entry, (seeds.pdf(), "签到表.pdf"))
    page = head.page(where(entry))
    fields = page.fields(page.form_of("添加文件")) | {"shows": SHOWS, "masked": "y"}
    (row,) = rows(entry)
    before = head.get(f"/files/{row.file_public_id}").get_data()
    freeze(entry)
    frozen = restored(assessing.latest_snapshot(entry).content)["files"]["D4"]
    assert [(one["name"], one["sha256"], one["shows"]) for one in frozen] == [
        ("签到表.pdf", row.sha256, SHOWS)
    ]

    other = head.send(
        where(entry), {**fields, "files": [(io.BytesIO(b"other words"), "签到表.pdf")]}, files=True
    )
    assert other.status == 409
    assert head.send(where(entry) + "/removal", {"file": row.public_id}).status == 409
    assert (
        head.send(where(entry) + "/reason", {"again-file": row.public_id, "again-reason": "另一处"}).status
        == 409
    )
    assert "添加文件" not in head.page(where(entry)).buttons
    assert head.get(f"/files/{row.file_public_id}").get_data() == before
    for change in ("shows = 'x'", "sha256 = '" + "0" * 64 + "'", "frozen_at = NULL"):
        with pytest.raises(DatabaseError, match="frozen"):
            db.session.connection().exec_driver_sql(
                f"UPDATE rating_evidence SET {change} WHERE id = {row.id}"
            )
        db.session.rollback()
    with pytest.raises(DatabaseError, match="frozen"):
        db.session.connection().exec_driver_sql(f"DELETE FROM rating_evidence WHERE id = {row.id}")
    db.session.rollback()

    content = restored(assessing.latest_snapshot(entry).content)
    assert evidence.tampered(content) == []
    db.session.execute(update(File).where(File.public_id == row.file_public_id).values(sha256="1" * 64))
    assert evidence.tampered(content) == ["签到表.pdf"], "another content under the same name"


def test_only_the_team_and_the_district_read_what_was_sent(as_, entry):
    hand_in(as_("孙立德"), entry, (seeds.pdf(), "签到表.pdf"))
    freeze(entry)
    (row,) = rows(entry)
    file = f"/files/{row.file_public_id}"
    assert as_("吴正清").get(file).status_code == 404, "before they said that nothing ties them to the school"
    db.session.execute(update(Sheet).where(Sheet.entry_id == entry.id).values(declared_at=clock.now()))
    db.session.commit()
    expected = {
        ("吴正清", None): 200, ("冯秀英", None): 200, ("张建平", None): 200, ("孙立德", None): 200,
        ("钱文博", None): 404, ("何静", None): 404, ("王雪", "class_teacher"): 404, ("李晚晴", None): 404,
        ("唐芸", "district_staff"): 404, ("邓宇", None): 403, ("秦守正", None): 403, (None, None): 302,
    }  # fmt: skip
    assert {who: as_(*who).get(file).status_code for who in expected} == expected
    later = db.session.get(Evidence, row.id)
    unsent, elsewhere = kept_beside(later, frozen_at=None), kept_beside(later, owner_kind="elsewhere")
    for who in (("吴正清", None), ("张建平", None)):
        assert as_(*who).get(f"/files/{unsent}").status_code == 404, "added after the submission"
    objected = kept_beside(later, item_id="objection:D4")
    assert as_("吴正清").get(f"/files/{objected}").status_code == 404, "what the school objects with later"
    for who in (("吴正清", None), ("孙立德", None)):
        assert as_(*who).get(f"/files/{elsewhere}").status_code == 404, "of another kind of row"
    sheet = db.session.scalars(
        select(Sheet).where(Sheet.entry_id == entry.id).order_by(Sheet.id).limit(1)
    ).one()
    page = as_("吴正清").page(f"/ratings/sheets/{sheet.public_id}/items/D4")
    assert SHOWS in page.text and file in page.links.values()
    db.session.delete(sheet)
    db.session.commit()
    assert as_("吴正清").get(file).status_code == 404, "no longer of the team"
    assert as_("冯秀英").get(file).status_code == 200
    district = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert SHOWS in district.text


def test_the_same_file_again_is_noticed_asked_about_and_told_to_reviewers(as_, entry):
    head, other = as_("孙立德"), as_("钱文博")
    hand_in(head, entry, (seeds.pdf(), "签到表.pdf"))
    page = hand_in(head, entry, (seeds.pdf(), "换个名字.pdf"))
    assert page.status == 422 and "已经在这个指标" in page.text
    page = hand_in(head, entry, (seeds.pdf(), "换个名字.pdf"), item="A2")
    assert "指标 D4" in page.text
    assert len(evidence.unexplained(entry)) == 2, "both places are asked about"
    check = head.page(f"/ratings/assessments/{entry.public_id}/check")
    assert (
        "提交自评" not in check.buttons
        or head.send(f"/ratings/assessments/{entry.public_id}/submission", {"true": "y"}).status == 409
    )
    (row,) = rows(entry, "A2")
    empty = head.send(where(entry, "A2") + "/reason", {"again-file": row.public_id, "again-reason": " "})
    assert empty.status == 422
    page = head.send(
        where(entry, "A2") + "/reason", {"again-file": row.public_id, "again-reason": "一张表记了两件事。"}
    )
    assert "一张表记了两件事。" in page.text
    assert [one.split()[0] for one in evidence.unexplained(entry)] == ["D4"]

    neighbour = found("东塔小学")
    hand_in(other, neighbour, (seeds.pdf(), "我们的签到表.pdf"))
    assert "另一所学校" not in other.page(where(neighbour)).text, "what is not sent is nobody's"
    freeze(entry)
    page = other.page(where(neighbour))
    assert "另一所学校" in page.text and "望溪小学" not in page.text
    freeze(neighbour)
    told = as_("张建平").page(f"/ratings/entries/{neighbour.public_id}").text
    assert "望溪小学" in told and "没有说明" in told
    assert "一张表记了两件事。" in as_("张建平").page(f"/ratings/entries/{entry.public_id}").text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"shows": ""}, "请写明"),
        ({"masked": ""}, "遮住"),
        ({"shows": "陈一诺妈妈的感谢信"}, "孩子或家长"),
        ({"shows": "家长电话 13812345678"}, "孩子或家长"),
        ({"shows": "x" * 501}, "500"),
    ],
)
def test_what_a_reviewer_must_not_read_is_refused_with_everything_typed_kept(as_, entry, typed, says):
    page = hand_in(as_("孙立德"), entry, (seeds.pdf(), "a.pdf"), **typed)
    assert page.status == 422 and says in page.text
    assert page.fields(page.form_of("添加文件"))["shows"] == [typed.get("shows", SHOWS)]
    assert rows(entry) == []


def test_a_word_that_only_looks_like_a_name_is_let_through_when_somebody_says_so(as_, entry):
    typed = {"shows": "陈一诺展板", "not_named": "y"}
    assert hand_in(as_("孙立德"), entry, (seeds.pdf(), "a.pdf"), **typed).status == 200
    assert len(rows(entry)) == 1


def test_a_broken_file_no_file_and_too_many_are_refused(as_, entry):
    head = as_("孙立德")
    assert hand_in(head, entry, (b"\x89PNG broken", "a.png")).status == 422
    assert hand_in(head, entry).status == 422
    many = [(f"页 {number}".encode(), f"{number}.txt") for number in range(evidence.MOST + 1)]
    assert hand_in(head, entry, *many).status == 422
    assert rows(entry) == []
    assert head.page(where(entry, "C1")).status == 404, "computed from records"


def test_a_file_of_an_older_submission_stays_behind_it(as_, entry):
    head = as_("孙立德")
    hand_in(head, entry, (seeds.pdf(), "签到表.pdf"))
    (row,) = rows(entry)
    freeze(entry)
    db.session.get(Entry, entry.id).state = EntryState.SELF_ASSESSING
    db.session.commit()
    head.send(where(entry) + "/removal", {"file": row.public_id})
    assert rows(entry) == []
    assert head.get(f"/files/{row.file_public_id}").status_code == 200, "the first snapshot rests on it"
    content = restored(assessing.latest_snapshot(entry).content)
    assert evidence.tampered(content) == []


def test_a_file_is_proof_where_the_rubric_asks_for_one(as_, entry):
    hand_in(as_("孙立德"), entry, (seeds.pdf(), "签到表.pdf"))
    row = assessing_loaded(db.session.get(Entry, entry.id))
    rubric = assessing.rubric_of(row.round.rubric_version)
    given = assessing.answers_of(row)
    inputs = assessing.self_inputs(rubric, given, {}, {}, evidence.items_with_files(row))
    assert inputs["items"]["A1"]["evidence"] == 1
