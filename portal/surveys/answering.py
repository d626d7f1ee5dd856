"""Answering without a name: a token opens the questions, what is answered goes sealed into a box.

Nothing of the request is kept: no time, no address, no device, no session, no once-key, no entry of the log. The same token
answers again until the closing; the later answer replaces the earlier one, and nobody is shown what was answered before.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.extensions import db
from portal.keys.sealing import blind_index
from portal.row_security import all_rows
from portal.surveys import codes
from portal.surveys.models import (
    SurveyBox,
    SurveyHousehold,
    SurveyPressure,
    SurveySchool,
    SurveyState,
)

PADDED = 1_800
"""Bytes of every sealed answer, so that its length tells nothing."""
REMARK_LENGTH, REMARK_BYTES = 300, 900
PRESSURE_LENGTH, PRESSURE_BYTES = 100, 300
_COMES = secrets.SystemRandom()


@dataclass(frozen=True)
class Given:
    """What a household answered: choices by question, free words, whether somebody told them what to answer, and how."""

    choices: Mapping[str, str]
    remark: str = ""
    pressed: bool = False
    told: str = ""


def invitation_of(token: str) -> SurveyHousehold | None:
    """The invitation of a token while its questionnaire may be answered, with school and questions; None otherwise."""
    with all_rows():
        found = db.session.scalar(
            select(SurveyHousehold)
            .where(SurveyHousehold.token_index == SurveyHousehold.token.indexed(token))
            .options(
                joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.survey),
                joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.school),
            )
        )
    return found if found is not None and is_open(found.survey_school) else None


def is_open(row: SurveySchool) -> bool:
    """Whether families may answer about a school today."""
    survey = row.survey
    return survey.state == SurveyState.OPEN and clock.today() <= survey.closes_on and not row.is_void


def packed(class_id: int, given: Given) -> str:
    """An answer as text of always the same length in bytes."""
    values: dict[str, Any] = {
        "at": class_id,
        "choices": dict(given.choices),
        "remark": given.remark,
        "pressed": given.pressed,
        "told": given.told,
        "": "",
    }
    bare = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    values[""] = " " * max(PADDED - len(bare.encode()), 0)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def unpacked(text: str) -> tuple[int, Given]:
    """Class and answer of what ``packed`` made."""
    values = json.loads(text)
    return values["at"], Given(values["choices"], values["remark"], values["pressed"], values["told"])


def put(token: str, invited: SurveyHousehold, given: Given) -> None:
    """Put an answer into the box of a token, in place of an earlier one, in the current transaction."""
    key = codes.box_key(token)
    with all_rows():
        box = db.session.get(SurveyBox, key, with_for_update=True)
        if box is None:
            box = SurveyBox(key=key, survey_school_id=invited.survey_school_id)
            db.session.add(box)
        box.content = packed(invited.class_id, given)
        db.session.flush()


def has_answered(invited: SurveyHousehold) -> bool:
    """Whether the box of a household exists; for the message to those who have not answered, and never shown."""
    token = invited.token
    return token is not None and db.session.get(SurveyBox, codes.box_key(token)) is not None


def gather_pressure(row: SurveySchool) -> int:
    """Take the reports of pressure out of all boxes of a school together, shuffled; how many are new.

    Once a night and at the closing: a report that appeared at once would tell when it was sent. It stays when the answer is
    replaced, since whoever presses may ask for that too. The name of a report comes from its box by a keyed index, so that
    it comes once.
    """
    boxes = list(db.session.scalars(select(SurveyBox).where(SurveyBox.survey_school_id == row.id)))
    known = set(
        db.session.scalars(select(SurveyPressure.key).where(SurveyPressure.survey_school_id == row.id))
    )
    _COMES.shuffle(boxes)
    new = 0
    for box in boxes:
        _class_id, given = unpacked(box.content)
        key = blind_index("survey_pressure.key", box.key).hex()[:22]
        if given.pressed and key not in known:
            report = SurveyPressure(key=key, survey_school_id=row.id)
            report.text = given.told
            db.session.add(report)
            new += 1
    db.session.flush()
    return new
