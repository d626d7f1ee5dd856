"""One's own offices, and lending a hat for a while."""

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires, signed_in
from portal.accounts.models import Appointment, Person
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.staffing import delegating
from portal.staffing.forms import DelegationForm
from portal.staffing.policy import (
    DELEGATE,
    DELEGATION_END,
    in_force_or_coming,
    lent_or_borrowed,
)
from portal.staffing.views.appointments import office_name, places_of
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.templating import render


@bp.get("/appointments/mine")
@signed_in
def mine() -> str:
    """My offices with their days, whom I let stand in, and for whom I stand in."""
    acting = actor()
    own = db.session.scalars(
        select(Appointment)
        .where(Appointment.person_id == acting.person_id)
        .order_by(Appointment.ended_on.is_not(None), Appointment.started_on.desc(), Appointment.id)
        .limit(30)
    ).all()
    lent = db.session.scalars(
        select(Appointment)
        .where(
            lent_or_borrowed(acting), Appointment.person_id != acting.person_id, in_force_or_coming(acting)
        )
        .options(joinedload(Appointment.person))
        .order_by(Appointment.started_on, Appointment.id)
    ).all()
    return render(
        "staffing/mine.html",
        own=own,
        lent=lent,
        places=places_of([*own, *lent]),
        office_name=office_name,
        lendable=[
            one.id
            for one in own
            if one.id == acting.appointment_id
            and one.role in delegating.LENDABLE
            and one.delegated_from_id is None
            and not one.title
        ],
        may_end=DELEGATION_END.admits(acting.role),
        today=acting.on,
    )


@bp.route("/appointments/<public_id>/delegation", methods=["GET", "POST"])
@requires(DELEGATE)
@step_up_required
def delegate(public_id: str) -> Answer:
    """Let a colleague stand in for a while."""
    acting = actor()
    origin = find(DELEGATE, public_id)
    form = DelegationForm(delegating.colleagues(acting), data={"started_on": acting.on})
    if form.sent_and_valid():
        colleague = db.session.scalars(
            select(Person).where(Person.public_id == form.colleague.data)
        ).one_or_none()
        try:
            if colleague is None:
                raise RuleBroken(_("Choose a colleague of your school."), 422)
            delegating.lend(
                origin,
                colleague,
                form.started_on.data,
                form.last_on.data,
                opens_sealed=form.opens_sealed.data,
                actor=acting,
            )
        except RuleBroken as broken:
            db.session.rollback()
            form.form_errors.append(broken.message)
        else:
            return commit_and_go(
                url_for(".mine"), _("Your colleague stands in for you in that time. Both of you see it here.")
            )
    origin = find(DELEGATE, public_id)
    return form_page(
        "staffing/delegate.html",
        form=form,
        origin=origin,
        office=office_name(origin),
        place=places_of([origin]).get(origin.id, ""),
    )


@bp.post("/appointments/<public_id>/return")
@requires(DELEGATION_END)
def give_back(public_id: str) -> Response:
    """End a delegation at once, by who lent the hat or who wears it."""
    delegation = find(DELEGATION_END, public_id)
    delegating.give_back(delegation, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".mine"), _("It is over from this minute on."))
