"""The same imports on PostgreSQL."""

import pytest
from sqlalchemy import func, select

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.schools.models import District, Guardianship, Pupil
from tests.roster import builders
from tests.roster.builders import USERS
from tests.roster.test_importing import snapshot

pytestmark = pytest.mark.postgres


@pytest.fixture
def bring(postgres_url, tmp_path):
    """Run roster commands on a PostgreSQL with one district."""
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_url, password_memory_kib=64), TESTING=True
    )

    def run(*arguments):
        db.session.commit()
        result = app.test_cli_runner().invoke(args=["roster", *map(str, arguments)])
        db.session.rollback()
        return result.exit_code, result.output

    with app.app_context():
        db.session.add(District(name="云溪县", path="/1/"))
        db.session.commit()
        yield run
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("make", [builders.package, builders.workbook])
def test_import_repeat_and_undo(bring, tmp_path, make):
    path = make(tmp_path / "town")
    empty = snapshot()

    code, output = bring("import", path)
    assert code == 0, output
    assert db.session.scalar(select(func.count(Pupil.id))) == 1
    assert db.session.scalar(select(func.count(Guardianship.id))) == 1
    full = snapshot()

    assert "没有要改的内容" in bring("import", path)[1]
    assert snapshot() == full

    code, output = bring("undo")
    assert code == 0, output
    assert snapshot() == empty


def test_a_second_import_and_rows_added_by_hand_share_the_counters(bring, tmp_path):
    assert bring("import", builders.package(tmp_path / "one.zip"))[0] == 0
    lin = db.session.scalar(select(Pupil))
    db.session.add(Pupil(name="白小鹿", school_id=lin.school_id, arrived_on=lin.arrived_on, priority=""))
    db.session.commit()
    more = USERS + "tian,,,true,wangxi,student,,,小满,田,,,,,,dashu,,\n"

    code, output = bring("import", builders.package(tmp_path / "two.zip", {"users.csv": more}), "--delta")

    assert code == 0, output
    assert {*db.session.scalars(select(Pupil.name))} == {"林小禾", "白小鹿", "田小满"}
