"""A number that reaches nobody, a name written wrong, and a wish that was declined."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.contacts import changing
from portal.contacts.models import ChangeRequest, Decision, Detail
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools.models import Guardianship


def _tie(town: Town, child: str, guardian: str) -> Guardianship:
    return db.session.scalars(
        select(Guardianship)
        .where(
            Guardianship.pupil_id == town.pupils[child].id,
            Guardianship.person_id == town.people[guardian].id,
        )
        .options(
            joinedload(Guardianship.pupil),
            joinedload(Guardianship.person),
            selectinload(Guardianship.flags),
        )
    ).one()


def build(town: Town) -> None:
    """Write it down in the current transaction."""
    now = clock.now()
    changing.note_wrong_number(town.people["赵大江"].id, town.people["王雪"].id, now - timedelta(days=3))
    grandmother = _tie(town, "赵小满", "周桂兰")
    wanted = {**changing.present(grandmother, town.today), Detail.RELATION: "姥姥"}
    changing.ask(grandmother, wanted, town.today, now - timedelta(days=1))
    chair = _tie(town, "林嘉树", "林悦")
    wanted = {**changing.present(chair, town.today), Detail.PICKS_UP: changing.NO}
    (declined,) = changing.ask(chair, wanted, town.today, now - timedelta(days=9))
    _decide(declined, town)


def _decide(request: ChangeRequest, town: Town) -> None:
    request.decide(
        Decision.DECLINED,
        town.people["何静"].id,
        clock.now() - timedelta(days=8),
        "请先到学校更换接送卡，再由班主任修改。",
    )
