"""Referrals to partners: made, decided, recalled by the school; opened by the one recipient without an account."""

from flask import abort, request, url_for
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock, i18n
from portal.access import actor, find, public, requires
from portal.accounts.stepping import step_up_required
from portal.care import handing, referring
from portal.care.forms import AddressForm, CodeForm, NumberForm, PartnerForm, ReferralForm
from portal.care.models import PART_NAMES, Basis, CarePlan, Partner, Referral, ReferralCopy, ReferralState
from portal.care.policy import CARE_OPEN, CARE_OVERRIDE, CARE_PARTNER, CARE_PLAN, CARE_REFER
from portal.care.views.blueprint import WORDS, Answer, bp, form_page, found, log
from portal.deliveries.models import CHANNEL_NAMES, STATE_NAMES, masked
from portal.errors import RuleBroken, error_page
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.row_security import all_rows
from portal.templating import render
from portal.trail.reads import opened

WHOLE = (
    joinedload(Referral.pupil),
    joinedload(Referral.partner),
    joinedload(Referral.author),
    joinedload(Referral.decided_by),
    joinedload(Referral.school),
    selectinload(Referral.openings),
    selectinload(Referral.copies).options(joinedload(ReferralCopy.sender), joinedload(ReferralCopy.delivery)),
)


@bp.get("/partners")
@requires(CARE_PARTNER)
def partners() -> str:
    """The partners to whom the school may refer."""
    rows = CARE_PARTNER.rows(actor()).where(Partner.ended_on.is_(None))
    found_rows = db.session.scalars(rows.order_by(Partner.name, Partner.id)).all()
    return render("care/partners.html", partners=found_rows, **WORDS)


@bp.route("/partners/new", methods=["GET", "POST"])
@requires(CARE_PARTNER)
def new_partner() -> Answer:
    """Add a partner."""
    acting = actor()
    form = PartnerForm()
    if not form.sent_and_valid():
        return form_page("care/new_partner.html", form=form)
    same = CARE_PARTNER.rows(acting).where(Partner.name == form.name.data, Partner.ended_on.is_(None))
    if db.session.scalar(same) is not None:
        raise RuleBroken(_("This partner stands in the list already."))
    made = Partner(school_id=acting.school_id, kind=form.kind.data, name=form.name.data, started_on=acting.on)
    db.session.add(made)
    log("care.partner_added", made, kind=made.kind)
    return commit_and_go(url_for(".partners"), _("Added."))


@bp.post("/partners/<public_id>/end")
@requires(CARE_PARTNER)
def end_partner(public_id: str) -> Response:
    """Work with a partner no longer; what was referred stays in the files."""
    row = found(CARE_PARTNER, public_id)
    row.ended_on = row.ended_on or actor().on
    log("care.partner_ended", row)
    return commit_and_go(url_for(".partners"), _("Taken out of the list."))


@bp.route("/pupils/<public_id>/referral", methods=["GET", "POST"])
@requires(CARE_OPEN)
@step_up_required
def new_referral(public_id: str) -> Answer:
    """Refer a child: partner, one recipient, the parts that go along, until when."""
    pupil = find(CARE_OPEN, public_id)
    acting = actor()
    allowed = referring.allowed(pupil, acting.on)
    places = {one.public_id: one for one in referring.partners(pupil.school_id)}
    form = ReferralForm({key: one.name for key, one in places.items()}, PART_NAMES, allowed, referring.MOST)
    if not places or not form.sent_and_valid():
        return form_page(
            "care/new_referral.html", form=form, pupil=pupil, allowed=allowed, any_partner=bool(places)
        )
    plan = db.session.scalar(
        CARE_PLAN.rows(acting)
        .where(CarePlan.pupil_id == pupil.id, CarePlan.closed_on.is_(None))
        .options(selectinload(CarePlan.measures), selectinload(CarePlan.reviews))
        .limit(1)
    )
    content = referring.content(acting, pupil, plan, form.parts.data, form.message.data or "")
    made = Referral(
        pupil_id=pupil.id,
        school_id=pupil.school_id,
        partner_id=places[form.partner.data].id,
        author_id=acting.person_id,
        basis=Basis.CONSENT if allowed else Basis.SAFETY,
        state=ReferralState.OPEN if allowed else ReferralState.WAITING,
        made_at=clock.now(),
        expires_on=form.expires_on.data,
    )
    made.recipient, made.parts = form.recipient.data, [part for part, _lines in content]
    made.content, made.code = content, referring.new_code()
    made.reason = "" if allowed else form.reason.data
    db.session.add(made)
    log("care.referred", made, basis=made.basis, parts=len(content), expires_on=str(made.expires_on))
    db.session.flush()
    said = _("The referral is ready. Give the recipient the link and, by another way, the code.")
    if not allowed:
        said = _("Without consent a second person decides: the principal, or another one of the leadership.")
    return commit_and_go(url_for(".referral", public_id=made.public_id), said)


@bp.get("/referrals/<public_id>")
@requires(CARE_REFER)
def referral(public_id: str) -> Answer:
    """A referral: what goes along, link and code while it is open, each copy handed over, who opened it when."""
    return _page(find(CARE_REFER, public_id, *WHOLE), AddressForm(formdata=None))


def _page(row: Referral, form: AddressForm) -> Answer:
    acting = actor()
    opened("F4", row)
    readable = referring.readable(row, acting.on)
    return form_page(
        "care/referral.html",
        form=form,
        referral=row,
        tried={copy.id: [one for one in row.openings if one.copy_id == copy.id] for copy in row.copies},
        by_link=[one for one in row.openings if one.copy_id is None],
        masked=masked,
        delivery_states=STATE_NAMES,
        delivery_ways=CHANNEL_NAMES,
        most=handing.MOST,
        readable=readable,
        parts=PART_NAMES,
        link=url_for(".shared", token=referring.token_of(row), _external=True) if readable else "",
        may_decide=row.state == ReferralState.WAITING
        and CARE_OVERRIDE.admits(acting.role)
        and row.author_id != acting.person_id,
        today=acting.on,
    )


@bp.post("/referrals/<public_id>/copies")
@requires(CARE_REFER)
@step_up_required
def hand_over(public_id: str) -> Answer:
    """Send the number and, by e-mail, the link to the recipient; the code stays with the school."""
    row = found(CARE_REFER, public_id, *WHOLE)
    form = AddressForm()
    if not form.validate():
        return _page(row, form)
    if not referring.readable(row, actor().on):
        raise RuleBroken(_("This referral cannot be read, so it is not sent."))
    copy = handing.hand_over(row, form.address, actor().person_id, clock.now())
    log("care.referral_sent", row, way=copy.way)
    return commit_and_go(
        url_for(".referral", public_id=public_id), _("On its way. Tell the code by telephone.")
    )


@bp.post("/referrals/<public_id>/approval")
@requires(CARE_OVERRIDE)
@step_up_required
def approve(public_id: str) -> Response:
    """The second person agrees: the child's safety goes before the missing consent."""
    return _decide(public_id, agrees=True)


@bp.post("/referrals/<public_id>/refusal")
@requires(CARE_OVERRIDE)
def refuse(public_id: str) -> Response:
    """The second person does not agree; nothing leaves the school."""
    return _decide(public_id, agrees=False)


def _decide(public_id: str, *, agrees: bool) -> Response:
    row = found(CARE_OVERRIDE, public_id)
    row.decide(actor().person_id, agrees, clock.now())
    log("care.override_approved" if agrees else "care.override_refused", row)
    return commit_and_go(url_for(".referral", public_id=public_id), _("Noted."))


@bp.post("/referrals/<public_id>/recall")
@requires(CARE_REFER)
def recall(public_id: str) -> Response:
    """Take a referral back: from now on the partner reads nothing."""
    row = found(CARE_REFER, public_id)
    row.recall(actor().person_id, clock.now())
    handing.stop(row)
    log("care.referral_recalled", row)
    return commit_and_go(
        url_for(".referral", public_id=public_id), _("Recalled. The link shows nothing any more.")
    )


def _behind(token: str) -> Referral:
    row = referring.behind(token, changing=request.method == "POST")
    if row is None:
        abort(404)
    return row


def _over(row: Referral) -> Answer:
    """The page is gone, and says why; of the child it says nothing."""
    if row.recalled_at is not None:
        day = i18n.long_date(clock.local(row.recalled_at).date())
        said = _(
            "%(school)s took this referral back on %(day)s. Ask the school, please.",
            school=row.school.name,
            day=day,
        )
    elif row.expires_on <= clock.today():
        day = i18n.long_date(row.expires_on)
        said = _(
            "This referral could be read until %(day)s. That day has come. Ask the school, please.", day=day
        )
    else:
        said = _("This referral can no longer be read. Ask the school, please.")
    page, _status = error_page(410, said)
    return str(page), 410


@bp.get("/shared/<token>")
@public
def shared(token: str) -> Answer:
    """The recipient's page: asks for the code and shows nothing of the child."""
    with all_rows():
        row = _behind(token)
        if not referring.readable(row, clock.today()):
            return _over(row)
        return _shown(row, CodeForm(formdata=None))


@bp.post("/shared/<token>")
@public
def open_shared(token: str) -> Answer:
    """With the right code the ticked parts are shown, once per sending; the opening is written down before."""
    with all_rows():
        return _opened(_behind(token), CodeForm())


@bp.route("/shared", methods=["GET", "POST"])
@public
def numbered() -> Answer:
    """The same for whoever got a message: its number finds the referral, the code of the school opens it."""
    if request.method == "GET":
        return render("care/numbered.html", form=NumberForm(request.args))
    form = NumberForm()
    with all_rows():
        named = handing.behind_number(form.number.data, changing=True) if form.validate() else None
        if named is None:
            if form.number.data and not form.number.errors:
                form.number.errors = [_("There is no such number. It stands in the message you got.")]
            return form_page("care/numbered.html", form=form)
        row, copy_id = named
        return _opened(row, form, copy_id)


def _opened(row: Referral, form: CodeForm, copy_id: int | None = None) -> Answer:
    if not referring.readable(row, clock.today()):
        return _over(row)
    valid = form.validate()
    if valid and not referring.right_code(row, form.code.data):
        form.code.errors = [_("This code is not right. After five wrong codes the link is shut.")]
        valid = False
    elif valid:
        referring.open_once(row, clock.now(), copy_id)
    page = _shown(row, form, row.content if valid else None)
    db.session.commit()
    return page if valid else (page, 422)


def _shown(row: Referral, form: CodeForm, content: object = None) -> str:
    by_number = isinstance(form, NumberForm) and content is None
    return render(
        "care/numbered.html" if by_number else "care/shared.html",
        referral=row,
        content=content,
        form=form,
        parts=PART_NAMES,
        school_class=referring.class_of(row, clock.today()),
        now=clock.now(),
    )
