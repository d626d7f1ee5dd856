"""What is frozen stays frozen, and every star can be scored again from what is stored."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import rubric as engine
from portal.ratings.canonical import digest, restored
from portal.ratings.metrics import METRICS, period_of
from portal.ratings.models import Entry, Mark, Round, RoundState, RubricVersion, Seat, Sheet, Snapshot
from portal.schools.models import Pupil, School, SchoolYear
from portal.trail.models import TrailEntry
from portal.visits.models import Outcome, Visit

DEFAULT = Path(engine.__file__).parent / "examples" / "default.yaml"


def published():
    return db.session.scalars(select(Round).where(Round.state == RoundState.PUBLISHED)).one()


def reproduce(app):
    return app.test_cli_runner().invoke(args=["rating", "reproduce", published().public_id])


def test_the_published_round_scores_again_to_the_last_digit(app):
    said = reproduce(app)
    assert said.exit_code == 0, said.output
    assert "都一致" in said.output


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rating_entry SET star = 5 WHERE star = 4",
        "UPDATE rating_entry SET total = '99' WHERE star = 4",
        "UPDATE rating_entry SET result = replace(result, '89', '98') WHERE star = 4",
        "UPDATE rating_mark SET facts = '{\"points\":0}' WHERE item_id = 'F3'",
        "UPDATE rating_consensus SET facts = '{\"points\":3}'",
    ],
)
def test_reproduce_notices_a_tampered_score(app, change):
    db.session.connection().exec_driver_sql(change)
    db.session.commit()
    said = reproduce(app)
    assert said.exit_code == 1
    assert "望溪小学" in said.output


def test_schools_decided_before_there_were_fingerprints_get_them_once(app):
    connection = db.session.connection()
    for act in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS tr_trail_entry_{act}")
    connection.exec_driver_sql(
        "UPDATE trail_entry SET action = 'rating.opened' WHERE action = 'rating.fingerprints'"
    )
    db.session.commit()
    said = reproduce(app)
    assert said.exit_code == 1 and "望溪小学：日志里没有这所学校的校验值" in said.output.replace(
        ": ", "："
    ), said.output

    def baseline():
        return app.test_cli_runner().invoke(args=["rating", "baseline"])

    db.session.connection().exec_driver_sql("UPDATE rating_entry SET total = '99' WHERE star = 4")
    db.session.commit()
    refused = baseline()
    assert refused.exit_code == 1 and "望溪小学" in refused.output, (
        "a result that cannot be reached gets none"
    )
    db.session.rollback()
    entry = db.session.scalars(select(Entry).where(Entry.star == 4)).first()
    total = restored(entry.result)["total"]
    db.session.connection().exec_driver_sql(f"UPDATE rating_entry SET total = '{total}' WHERE star = 4")
    db.session.commit()
    done = baseline()
    assert done.exit_code == 0, done.output
    assert reproduce(app).exit_code == 0
    again = baseline()
    assert again.exit_code == 0 and "0 所学校" in again.output and "0 轮" in again.output
    acts = db.session.scalars(select(TrailEntry.action).where(TrailEntry.action == "rating.baseline")).all()
    assert len(acts) > 1


def test_reproduce_says_so_when_there_is_no_such_round(app):
    said = app.test_cli_runner().invoke(args=["rating", "reproduce", "nowhere"])
    assert said.exit_code == 1
    assert "没有这一轮" in said.output


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rating_snapshot SET content = '{}'",
        "DELETE FROM rating_snapshot",
        "UPDATE rubric_version SET yaml = 'schema: 1'",
        "UPDATE rubric_version SET state = 'draft'",
        "DELETE FROM rubric_version",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_frozen(app, change):
    with pytest.raises(DatabaseError, match=r"frozen|published rubric"):
        db.session.connection().exec_driver_sql(change)
    db.session.rollback()


def test_the_model_refuses_in_words(app):
    snapshot = db.session.scalars(select(Snapshot).limit(1)).one()
    snapshot.content = "{}"
    with pytest.raises(RuleBroken, match="不能更改"):
        db.session.flush()
    db.session.rollback()
    version = db.session.scalars(select(RubricVersion)).one()
    version.name = "别的名称"
    with pytest.raises(RuleBroken, match="已发布的细则"):
        db.session.flush()
    db.session.rollback()


def test_a_draft_may_still_change(app):
    version = db.session.scalars(select(RubricVersion)).one()
    draft = RubricVersion(
        district_id=version.district_id,
        rubric_id="draft",
        name="草稿",
        version=1,
        yaml=version.yaml,
        canonical=version.canonical,
        sha256=version.sha256,
        stored_at=version.stored_at,
    )
    db.session.add(draft)
    db.session.commit()
    draft.name = "新的名称"
    db.session.commit()
    assert draft.name == "新的名称"


def test_a_snapshot_holds_what_it_was_made_of(app):
    for snapshot in db.session.scalars(select(Snapshot)):
        assert digest(snapshot.content) == snapshot.sha256
        content = restored(snapshot.content)
        assert content["metrics"]["C1"]["metric"] == "visit_coverage"
        assert content["answers"]["A1"]["facts"]["present"]["head"] is True
        assert json.loads(snapshot.content)["period"]["from"].endswith("-09-01")


def test_visit_coverage_is_counted_from_the_visits_themselves(app):
    school = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    year = db.session.scalars(
        select(SchoolYear)
        .where(SchoolYear.district_id == school.district_id)
        .order_by(SchoolYear.starts_on.desc())
        .limit(1)
    ).one()
    period = period_of(year, clock.today())
    metric = METRICS["visit_coverage"]
    records = metric.records(school.id, period)
    visited = set(
        db.session.scalars(
            select(Visit.pupil_id)
            .join(Pupil, Pupil.id == Visit.pupil_id)
            .where(
                Visit.school_id == school.id,
                Visit.outcome == Outcome.MET,
                Visit.held_on >= year.starts_on,
                Pupil.left_on.is_(None),
            )
        )
    )
    figure = metric.figure(records, period)
    assert {record.id for record in records if record.counts} == visited
    assert figure.numerator == len(visited) > 0
    assert figure.denominator == len(records)


def test_a_rubric_is_imported_from_the_command_line(app, tmp_path):
    run = app.test_cli_runner().invoke
    again = run(args=["rubric", "import", str(DEFAULT), "--district", "云溪县"])
    assert again.exit_code == 0, again.output
    assert "已经导入过" in again.output

    changed = tmp_path / "ours.yaml"
    changed.write_text(DEFAULT.read_text("utf-8").replace("validity_years: 3", "validity_years: 2"), "utf-8")
    kept = run(args=["rubric", "import", str(changed), "--district", "云溪县"])
    assert kept.exit_code == 0, kept.output
    assert "第 2 版" in kept.output

    other = run(args=["rubric", "import", str(DEFAULT), "--district", "石桥县"])
    assert "第 1 版" in other.output

    broken = tmp_path / "broken.yaml"
    broken.write_text(DEFAULT.read_text("utf-8").replace("points: 12\n", "points: 13\n", 1), "utf-8")
    refused = run(args=["rubric", "import", str(broken), "--district", "云溪县"])
    assert refused.exit_code == 1
    assert "13" in refused.output

    assert run(args=["rubric", "import", str(DEFAULT)]).exit_code == 1
    assert run(args=["rubric", "import", str(DEFAULT), "--district", "没有县"]).exit_code == 1
    assert (
        db.session.scalar(select(RubricVersion.version).order_by(RubricVersion.version.desc()).limit(1)) == 2
    )


def test_marks_belong_to_two_people(app):
    for entry_id in db.session.scalars(select(Entry.id)):
        own = Sheet.entry_id == entry_id
        people = db.session.scalars(select(Sheet.person_id).where(own, Sheet.seat == Seat.SCORER)).all()
        assert len(set(people)) == 2
    assert db.session.scalar(select(Mark.id).limit(1))
