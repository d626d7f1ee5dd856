"""Answering without a name: a code or a pass opens the questions, what is answered goes sealed into a box.

Nothing of the request is kept: no time, no address, no device, no session, no once-key, no entry of the log. The same code or
pass answers again until the closing; the later answer replaces the earlier one, and nobody is shown what was answered before.
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
from portal.surveys import blind, codes
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


@dataclass(frozen=True)
class Admission:
    """The right to answer about a school: the box it opens, the class it is counted at (0: none)."""

    box: str
    survey_school_id: int
    class_id: int


def admission_of(token: str, invited: SurveyHousehold) -> Admission:
    """That of a household with its code."""
    return Admission(codes.box_key(token), invited.survey_school_id, invited.class_id)


def admitted(typed: str | None) -> tuple[Admission, SurveySchool] | None:
    """What a code or a pass admits to while the questionnaire may be answered, with school and questions; None otherwise."""
    with all_rows():
        handed_in = blind.read(typed)
        found = _by_code(codes.read(typed)) if handed_in is None else _by_pass(handed_in)
    return found if found is not None and is_open(found[1]) else None


def _by_code(token: str | None) -> tuple[Admission, SurveySchool] | None:
    if token is None:
        return None
    found = db.session.scalar(
        select(SurveyHousehold)
        .where(SurveyHousehold.token_index == SurveyHousehold.token.indexed(token))
        .options(
            joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.survey),
            joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.school),
        )
    )
    return (admission_of(token, found), found.survey_school) if found is not None else None


def _by_pass(handed_in: blind.Pass) -> tuple[Admission, SurveySchool] | None:
    row = school_asked(handed_in.school)
    if row is None or row.modulus is None or not blind.holds(row.modulus, handed_in):
        return None
    return Admission(codes.box_key(blind.encoded(handed_in.message)), row.id, 0), row


def school_asked(public_id: str) -> SurveySchool | None:
    """A school of a blind questionnaire by its public id, with school and questions; None when there is none."""
    with all_rows():
        return db.session.scalar(
            select(SurveySchool)
            .where(SurveySchool.public_id == public_id, SurveySchool.modulus.is_not(None))
            .options(joinedload(SurveySchool.survey), joinedload(SurveySchool.school))
        )


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


def put(admission: Admission, given: Given) -> None:
    """Put an answer into its box, in place of an earlier one, in the current transaction."""
    with all_rows():
        box = db.session.get(SurveyBox, admission.box, with_for_update=True)
        if box is None:
            box = SurveyBox(key=admission.box, survey_school_id=admission.survey_school_id)
            db.session.add(box)
        box.content = packed(admission.class_id, given)
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
