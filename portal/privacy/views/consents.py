"""Consent as the family gives it and as the school sees it."""

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, requires
from portal.accounts.models import Person
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.privacy import consents as register
from portal.privacy.ages import Band, bands
from portal.privacy.forms import PaperForm
from portal.privacy.models import ANSWER_NAMES, CHANNEL_NAMES, Consent
from portal.privacy.policy import CONSENT_COUNT, CONSENT_GIVE, CONSENT_READ, CONSENT_RECORD
from portal.privacy.purposes import PURPOSES
from portal.privacy.views.blueprint import Answer, bp, form_page
from portal.schools.models import Guardianship, Pupil, SchoolClass
from portal.templating import render
from portal.trail.models import note

HISTORY = 30


@bp.get("/consents")
@requires(CONSENT_READ)
def consents() -> str:
    """Every purpose for every child of the guardian, with both answers side by side."""
    acting = actor()
    children = db.session.scalars(
        CONSENT_READ.rows(acting).options(joinedload(Pupil.school)).order_by(Pupil.id)
    ).all()
    ids = [child.id for child in children]
    signs_for = set(db.session.scalars(select(Pupil.id).where(CONSENT_GIVE.within(acting))))
    history = db.session.scalars(
        select(Consent)
        .where(Consent.pupil_id.in_(ids), Consent.person_id == acting.person_id)
        .order_by(Consent.id.desc())
        .limit(HISTORY)
    ).all()
    return render(
        "privacy/consents.html",
        children=children,
        standings=register.standings(ids, acting.on, acting.person_id),
        purposes={purpose: (declared, declared.on(acting.on)) for purpose, declared in PURPOSES.items()},
        signs_for=signs_for,
        under_14={pupil_id for pupil_id, band in bands(ids).items() if band == Band.UNDER_14},
        history=history,
        names={child.id: child.name for child in children},
        answers=ANSWER_NAMES,
        channels=CHANNEL_NAMES,
    )


def _purpose(word: str) -> Purpose:
    if word not in list(Purpose):
        raise RuleBroken(_("There is no such purpose. Open the page again."), status=422)
    return Purpose(word)


@bp.post("/consents/<public_id>/answers")
@requires(CONSENT_GIVE)
def answer(public_id: str) -> Response:
    """Agree, refuse or withdraw: one tap, in force at once."""
    child = find(CONSENT_GIVE, public_id)
    purpose = _purpose(request.form.get("purpose", ""))
    word, version = request.form.get("answer"), request.form.get("version", "")
    if word not in ("yes", "no") or not (version.isascii() and version.isdigit() and len(version) < 6):
        raise RuleBroken(_("Choose whether you agree."), status=422)
    made = register.answer(child, actor().person_id, purpose, int(version), word == "yes", at=clock.now())
    note(
        f"consent.{made.answer}",
        made,
        person_id=actor().person_id,
        role=actor().role,
        pupil_id=child.id,
        purpose=purpose.value,
        version=made.version,
    )
    said = _("You agreed. You can withdraw it here at any time.")
    if word == "no":
        said = _("Noted, in force at once. Notices and visits go on as before.")
    return commit_and_go(url_for(".consents", _anchor=f"{purpose.value}-{child.public_id}"), said)


@bp.get("/consents/classes")
@requires(CONSENT_COUNT)
def classes() -> str:
    """The classes whose answers one may see."""
    acting = actor()
    rows = db.session.scalars(
        CONSENT_COUNT.rows(acting).options(joinedload(SchoolClass.grade)).order_by(SchoolClass.id)
    ).all()
    return render("privacy/classes.html", classes=rows)


@bp.get("/consents/classes/<public_id>")
@requires(CONSENT_COUNT)
def class_consents(public_id: str) -> str:
    """How many of a class allow what, and which children's guardians; for work, not for a wall."""
    school_class = find(CONSENT_COUNT, public_id)
    acting = actor()
    pupils = db.session.scalars(register.pupils_in(school_class.id, acting.on)).all()
    found = register.standings([pupil.id for pupil in pupils], acting.on)
    chosen = request.args.get("purpose", "")
    purpose = Purpose(chosen) if chosen in list(Purpose) else Purpose.SCHOOL_PHOTO
    counts = {
        one: (
            sum(found[pupil.id, one].allowed for pupil in pupils),
            sum(found[pupil.id, one].refused for pupil in pupils),
            sum(found[pupil.id, one].is_open for pupil in pupils),
        )
        for one in PURPOSES
    }
    return render(
        "privacy/class_consents.html",
        school_class=school_class,
        pupils=pupils,
        standings=found,
        purpose=purpose,
        purposes=PURPOSES,
        counts=counts,
        reminded=register.reminded(school_class.id, acting.on).get(purpose),
        records=CONSENT_RECORD.admits(acting.role),
    )


@bp.post("/consents/classes/<public_id>/reminder")
@requires(CONSENT_COUNT)
def remind(public_id: str) -> Response:
    """Ask the families who have not answered, once."""
    school_class = find(CONSENT_COUNT, public_id)
    purpose = _purpose(request.form.get("purpose", ""))
    register.remind(school_class, purpose, actor().person_id, actor().on)
    note(
        "consent.asked",
        school_class,
        person_id=actor().person_id,
        role=actor().role,
        purpose=purpose.value,
    )
    return commit_and_go(
        url_for(".class_consents", public_id=school_class.public_id, purpose=purpose.value),
        _("Those who have not answered find the question on their first page."),
    )


@bp.route("/consents/pupils/<public_id>/paper", methods=["GET", "POST"])
@requires(CONSENT_RECORD)
def paper(public_id: str) -> Answer:
    """Enter what a guardian signed on paper."""
    child = find(CONSENT_RECORD, public_id)
    guardians = {
        key: f"{relation} {name}"
        for key, relation, name in db.session.execute(
            register.signers(actor().on)
            .with_only_columns(Guardianship.public_id, Guardianship.relation, Person.name)
            .join(Person, Person.id == Guardianship.person_id)
            .where(Guardianship.pupil_id == child.id)
            .order_by(Guardianship.id)
        )
    }
    form = PaperForm(guardians, data={"signed_on": clock.today()})
    if not form.sent_and_valid():
        return form_page("privacy/paper.html", form=form, pupil=child, guardians=guardians)
    tie = db.session.scalars(
        select(Guardianship).where(
            Guardianship.public_id == form.guardian.data, Guardianship.pupil_id == child.id
        )
    ).one()
    purpose = Purpose(form.purpose.data)
    made = register.answer(
        child,
        tie.person_id,
        purpose,
        PURPOSES[purpose].on(form.signed_on.data).number,
        form.answer.data == "yes",
        at=clock.now(),
        recorded_by_id=actor().person_id,
        signed_on=form.signed_on.data,
    )
    note(
        f"consent.{made.answer}",
        made,
        person_id=actor().person_id,
        role=actor().role,
        pupil_id=child.id,
        subject_id=tie.person_id,
        purpose=purpose.value,
        version=made.version,
        on_paper=True,
    )
    return commit_and_go(
        url_for(".paper", public_id=child.public_id),
        _("Entered. The guardian sees it, and that the school entered it."),
    )
