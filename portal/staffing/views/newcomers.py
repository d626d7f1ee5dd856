"""First access: who has never signed in, their slips on paper or by message, and the page that takes them."""

import io

from flask import current_app, request, send_file, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, public, requires
from portal.accounts import arriving, limits
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.staffing import newcomers
from portal.staffing.forms import FirstAccessForm, NewcomersForm
from portal.staffing.models import AccessSlip
from portal.staffing.policy import APPOINTMENT_END
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.templating import render
from portal.trail.models import note


@bp.route("/appointments/newcomers", methods=["GET", "POST"])
@requires(APPOINTMENT_END)
@step_up_required
def first_slips() -> Answer:
    """Those who have never signed in, by name; choose who gets a slip. ``person`` narrows the list to one."""
    acting = actor()
    wanted = newcomers.newcomers(acting)
    if one := request.args.get("person", ""):
        wanted = wanted.where(Person.public_id == one)
    listing = page_of(wanted, [(Person.name_pinyin, False), (Person.id, False)])
    people = {person.public_id: person for person in listing.rows}
    slips = newcomers.slips_of(listing.rows)
    chosen = [key for key, person in people.items() if one or person.id not in slips]
    form = NewcomersForm(
        {key: person.name for key, person in people.items()}, data={"people": chosen, "by": "paper"}
    )
    if form.sent_and_valid():
        try:
            by_message = form.by.data == "message"
            newcomers.make(acting, [people[key] for key in form.people.data], by_message=by_message)
        except RuleBroken as broken:
            db.session.rollback()
            form.form_errors.append(broken.message)
        else:
            words = (
                _("The codes are on their way.") if by_message else _("The slips can be printed for an hour.")
            )
            return commit_and_go(url_for(".first_slips"), words)
    return form_page(
        "staffing/first_slips.html",
        form=form,
        more_url=listing.more_url,
        one=one,
        slips=[(person.name, slips[person.id]) for person in listing.rows if person.id in slips],
        printable=len(db.session.scalars(newcomers.kept(acting)).all()),
    )


@bp.get("/appointments/newcomers/paper")
@requires(APPOINTMENT_END)
@step_up_required
def slips_paper() -> Response:
    """The slips as PDF, for whoever made them, within an hour."""
    slips = db.session.scalars(
        newcomers.kept(actor()).options(joinedload(AccessSlip.person)).order_by(AccessSlip.id)
    ).all()
    if not slips:
        raise RuleBroken(_("The codes are no longer kept for printing. Make new slips."))
    address = current_app.config["ADDRESS"].rstrip("/") + url_for(".first_access")
    if not current_app.config["ADDRESS"]:
        address = url_for(".first_access", _external=True)
    answer = send_file(
        io.BytesIO(newcomers.paper(slips, address)),
        mimetype="application/pdf",
        download_name="first-access.pdf",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.route("/first-access", methods=["GET", "POST"])
@public
def first_access() -> Answer:
    """Enter number and code of one's first slip; then a password is chosen."""
    form = FirstAccessForm()
    if not form.sent_and_valid():
        return form_page("staffing/first_access.html", form=form)
    if limits.count("first access", request.remote_addr or "") > limits.PER_ADDRESS:
        db.session.commit()
        form.form_errors.append(_("Too many attempts from here. Wait 15 minutes, then try again."))
        return render("staffing/first_access.html", form=form), 429
    person = newcomers.take(form.number.data, form.code.data)
    if person is None:
        note("access.slip_failed", None, person_id=None, object_kind=AccessSlip.__tablename__)
        db.session.commit()
        form.form_errors.append(
            _(
                "Number and code do not open anything. Check both; after five tries, or three days, ask for a new slip."
            )
        )
        return form_page("staffing/first_access.html", form=form)
    return arriving.after_first_factor(person, arriving.RECOVERY)
