"""The same on PostgreSQL: the town's rounds are built, what is frozen stays frozen, stars score again."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.ratings import reproducing, running
from portal.ratings.models import Round, RoundState
from portal.rehearsal import town


@pytest.mark.postgres
def test_rounds_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_url, password_memory_kib=64), TESTING=True
    )
    with app.app_context():
        town.build()
        db.session.commit()
        published = db.session.scalars(select(Round.id).where(Round.state == RoundState.PUBLISHED)).one()
        assert list(reproducing.differences(running.loaded(published))) == []
        for change in ("UPDATE rating_snapshot SET number = 9", "DELETE FROM rubric_version"):
            with pytest.raises(IntegrityError, match=r"frozen|published rubric"):
                db.session.connection().exec_driver_sql(change)
            db.session.rollback()
        db.session.connection().exec_driver_sql("UPDATE rating_entry SET star = 5 WHERE star = 4")
        assert list(reproducing.differences(running.loaded(published)))
        db.session.remove()
        db.engine.dispose()
