"""Notices as families read them and as authors write and follow them."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, requires
from portal.extensions import db
from portal.files.intake import NotTaken, chosen, take
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.jobs.queue import ring
from portal.notices import answering, attaching, audience, reading, writing
from portal.notices.attaching import attachments
from portal.notices.forms import CorrectionForm, FilesForm, NoticeForm, PublishForm, WithdrawalForm
from portal.notices.jobs import count_audience
from portal.notices.models import (
    Counts,
    Notice,
    NoticeHousehold,
    NoticeReceipt,
    NoticeReminder,
    Scope,
)
from portal.notices.policy import (
    NOTICE_READ,
    NOTICE_REPORT,
    NOTICE_WARNED,
    NOTICE_WITHDRAW,
    NOTICE_WRITE,
    SEES_NAMES,
)
from portal.once import commit_and_go
from portal.paging import page_of
from portal.templating import render

bp = Blueprint("notices", __name__, url_prefix="/notices")
ROWS = 20


# Families


@bp.get("/")
@requires(NOTICE_READ)
def index() -> str:
    """A guardian's notices: what waits for them first, then newest first."""
    acting = actor()
    children = reading.children(acting)
    child = request.args.get("child", "")
    child = child if child in {child_id for child_id, _name in children} else ""
    after = request.args.get("after", "")
    waits = reading.waiting(acting) if not after and not child else []
    entries, further = reading.page(acting, reading.Cursor.read(after), child)
    waiting_ids = {entry.row.id for entry in waits}
    return render(
        "notices/index.html",
        waits=waits,
        entries=[entry for entry in entries if entry.row.id not in waiting_ids],
        children=children,
        child=child,
        more_url=url_for("notices.index", after=further.write(), child=child or None) if further else None,
        first_page=not after,
    )


@bp.get("/<public_id>")
@requires(NOTICE_READ)
def show(public_id: str) -> str:
    """One notice in full, with what this guardian and the household did."""
    notice = find(NOTICE_READ, public_id, selectinload(Notice.texts))
    receipt = db.session.get(NoticeReceipt, (notice.id, notice.round, actor().person_id))
    return render(
        "notices/show.html",
        notice=notice,
        files=attachments(notice),
        receipt=receipt,
        partner_at=_partner_confirmed_at(notice),
        expired=notice.has_expired(clock.today()),
    )


def _partner_confirmed_at(notice: Notice) -> Any:
    """When somebody else of every household of this guardian confirmed; None where each answers or none has."""
    if notice.counts != Counts.HOUSEHOLD or not notice.asks_to_confirm:
        return None
    households = audience.households_of(notice, actor().person_id)
    rows = db.session.scalars(
        select(NoticeHousehold.confirmed_at).where(
            NoticeHousehold.notice_id == notice.id,
            NoticeHousehold.round == notice.round,
            NoticeHousehold.household_id.in_(households),
            NoticeHousehold.confirmed_at.is_not(None),
        )
    ).all()
    return max(at for at in rows if at) if rows and len(rows) == len(households) else None


@bp.post("/<public_id>/openings")
@requires(NOTICE_READ)
def open_one(public_id: str) -> Response:
    """Record that the guardian has seen it: sent by the page itself, or by hand with a button."""
    notice = find(NOTICE_READ, public_id)
    answering.open_notice(notice, actor().person_id)
    message = _("Noted. Thank you for reading.") if request.form.get("by_hand") else ""
    return commit_and_go(url_for("notices.show", public_id=public_id), message)


@bp.post("/<public_id>/confirmations")
@requires(NOTICE_READ)
def confirm(public_id: str) -> Response:
    """Record the guardian's confirmation."""
    notice = find(NOTICE_READ, public_id)
    answering.confirm_notice(notice, actor().person_id)
    return commit_and_go(url_for("notices.show", public_id=public_id), _("Confirmed. Thank you."))


# Authors


@bp.get("/outbox")
@requires(NOTICE_REPORT)
def outbox() -> str:
    """The author's drafts and notices, and those of others to the same families; newest first."""
    wanted = NOTICE_REPORT.rows(actor()).options(joinedload(Notice.summary))
    return render(
        "notices/outbox.html", listing=page_of(wanted, [(Notice.id, True)], size=ROWS), today=clock.today()
    )


@bp.get("/flagged")
@requires(NOTICE_WARNED)
def flagged() -> str:
    """Published notices of the district that look like a request for money."""
    wanted = NOTICE_WARNED.rows(actor()).options(joinedload(Notice.author))
    return render("notices/flagged.html", listing=page_of(wanted, [(Notice.id, True)], size=ROWS))


@bp.get("/new")
@requires(NOTICE_WRITE)
def new() -> str:
    """The form of a new notice."""
    form = NoticeForm(audience.choices(actor()), formdata=None)
    return render("notices/new.html", form=form)


@bp.post("/")
@requires(NOTICE_WRITE)
def create() -> Response | tuple[str, int]:
    """Keep a new draft and show its preview."""
    form = NoticeForm(audience.choices(actor()))
    if not form.sent_and_valid():
        return render("notices/new.html", form=form), 422
    notice = writing.draft(actor(), form.chosen(), **form.words())
    return commit_and_go(url_for("notices.preview", public_id=notice.public_id), _("Draft saved."))


@bp.get("/<public_id>/edit")
@requires(NOTICE_WRITE)
def edit(public_id: str) -> str:
    """The form of a draft."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_draft()
    form = NoticeForm(audience.choices(actor()), formdata=None, obj=notice)
    form.audience.data = f"{notice.scope_kind}:{notice.scope_id}"
    return render("notices/edit.html", form=form, notice=notice)


@bp.post("/<public_id>/text")
@requires(NOTICE_WRITE)
def rewrite(public_id: str) -> Response | tuple[str, int]:
    """Change a draft."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_draft()
    form = NoticeForm(audience.choices(actor()), kept_days=(notice.due_on, notice.expires_on))
    valid = form.sent_and_valid()
    if form.is_stale(notice):
        form.revision.data = str(notice.revision)
        return render("notices/edit.html", form=form, notice=notice), 412
    if not valid:
        return render("notices/edit.html", form=form, notice=notice), 422
    writing.rewrite(notice, actor(), form.chosen(), **form.words())
    return commit_and_go(url_for("notices.preview", public_id=public_id), _("Draft saved."))


@bp.get("/<public_id>/preview")
@requires(NOTICE_WRITE)
def preview(public_id: str) -> str:
    """The draft as families will read it, how many they are, and whom the portal does not reach."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_draft()
    return _preview(notice, PublishForm(formdata=None), FilesForm(formdata=None))


def _preview(notice: Notice, form: PublishForm, files_form: FilesForm) -> str:
    names = actor().role in SEES_NAMES
    return render(
        "notices/preview.html",
        notice=notice,
        form=form,
        files_form=files_form,
        files=attachments(notice),
        most_files=attaching.MOST,
        size=audience.size(notice),
        unreached=audience.unreached(notice) if names else None,
        money=writing.asks_for_money(notice),
        expired=False,
    )


@bp.post("/<public_id>/publications")
@requires(NOTICE_WRITE)
def publish(public_id: str) -> Response | tuple[str, int]:
    """Publish a draft. A text that seems to ask for money needs a tick."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_draft()
    form = PublishForm()
    if writing.asks_for_money(notice) and not form.money_known.data:
        form.money_known.errors = [
            _("Take the request for money out, or tick that you publish it all the same.")
        ]
        return _preview(notice, form, FilesForm(formdata=None)), 422
    writing.publish(notice, actor())
    answer = commit_and_go(url_for("notices.report", public_id=public_id), _("Published."))
    ring(count_audience, notice_id=notice.id)
    return answer


@bp.post("/<public_id>/files")
@requires(NOTICE_WRITE)
def attach(public_id: str) -> Response | tuple[str, int]:
    """Add files to a draft. They are looked at while no transaction is open."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_draft()
    form = FilesForm()
    if not form.sent_and_valid():
        return _preview(notice, PublishForm(formdata=None), form), 422
    uploads = chosen(form.files.data)
    there = len(attachments(notice).now)
    try:
        if there + len(uploads) > attaching.MOST:
            raise NotTaken(attaching.too_many(there))
        taken = take(uploads)
        notice = find(NOTICE_WRITE, public_id)
        notice.must_be_draft()
        added = attaching.attach(notice, actor(), taken)
    except NotTaken as refused:
        form.files.errors = [refused.message]
        notice = find(NOTICE_WRITE, public_id)
        return _preview(notice, PublishForm(formdata=None), form), refused.status
    message = ngettext("%(num)s file was added.", "%(num)s files were added.", added)
    return commit_and_go(url_for("notices.preview", public_id=public_id), message)


@bp.post("/<public_id>/file-removals")
@requires(NOTICE_WRITE)
def detach(public_id: str) -> Response:
    """Take a file out of a draft."""
    attaching.detach(find(NOTICE_WRITE, public_id), actor(), request.form.get("file", ""))
    return commit_and_go(url_for("notices.preview", public_id=public_id), _("The file is taken out."))


@bp.post("/<public_id>/deletions")
@requires(NOTICE_WRITE)
def discard(public_id: str) -> Response:
    """Delete a draft."""
    writing.discard(
        find(NOTICE_WRITE, public_id, joinedload(Notice.summary), selectinload(Notice.texts)), actor()
    )
    return commit_and_go(url_for("notices.outbox"), _("The draft is deleted."))


@bp.get("/<public_id>/report")
@requires(NOTICE_REPORT)
def report(public_id: str) -> str:
    """How a notice went: delivered, opened and confirmed kept apart, and who is missing, for those who may know."""
    notice = find(
        NOTICE_REPORT,
        public_id,
        joinedload(Notice.summary),
        joinedload(Notice.author),
        selectinload(Notice.texts),
    )
    acting = actor()
    counted = notice.summary
    small = notice.scope_kind != Scope.DISTRICT
    now = audience.size(notice) if small or counted.counted_at is None else counted
    missing = audience.missing_households(notice) if small else now.households - _answered(notice)
    reminders = db.session.scalars(
        select(NoticeReminder)
        .where(NoticeReminder.notice_id == notice.id)
        .order_by(NoticeReminder.reminded_on.desc())
        .limit(ROWS)
    ).all()
    return render(
        "notices/report.html",
        notice=notice,
        files=attachments(notice),
        summary=counted,
        size=now,
        missing=max(missing, 0),
        children=audience.missing_children(notice) if acting.role in SEES_NAMES and small else None,
        reminders=reminders,
        may_write=NOTICE_WRITE.holds_for(acting, notice),
        may_withdraw=NOTICE_WITHDRAW.holds_for(acting, notice),
        today=clock.today(),
        expired=notice.has_expired(clock.today()),
    )


def _answered(notice: Notice) -> int:
    counted = notice.summary
    return counted.confirmed_households if notice.asks_to_confirm else counted.opened_households


@bp.post("/<public_id>/reminders")
@requires(NOTICE_WRITE)
def remind(public_id: str) -> Response:
    """Remind only those who are missing; once a day."""
    missing = writing.remind(find(NOTICE_WRITE, public_id), actor())
    message = ngettext("%(num)s family is reminded.", "%(num)s families are reminded.", missing)
    return commit_and_go(url_for("notices.report", public_id=public_id), message)


@bp.get("/<public_id>/correction")
@requires(NOTICE_WRITE)
def correction(public_id: str) -> str:
    """The form to correct a published notice."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_published()
    form = CorrectionForm(attachments(notice).now, formdata=None, obj=notice)
    return _correction(notice, form)


def _correction(notice: Notice, form: CorrectionForm, money: Sequence[str] = ()) -> str:
    form.ask_for_files_again()
    return render("notices/correction.html", notice=notice, form=form, money=money, most_files=attaching.MOST)


@bp.post("/<public_id>/corrections")
@requires(NOTICE_WRITE)
def correct(public_id: str) -> Response | tuple[str, int]:
    """Correct a published notice, visibly. New files are looked at while no transaction is open."""
    notice, form = _corrected(public_id)
    valid = form.sent_and_valid()
    if form.is_stale(notice):
        form.revision.data = str(notice.revision)
        return _correction(notice, form), 412
    money = writing.asks_for_money(form.words())
    if valid and money and not form.money_known.data:
        valid = False
        form.money_known.errors = [
            _("Take the request for money out, or tick that you publish it all the same.")
        ]
    if not valid:
        return _correction(notice, form, money), 422
    return _correct_with_files(notice, form, money)


def _corrected(public_id: str) -> tuple[Notice, CorrectionForm]:
    """A published notice, and what was sent to correct it."""
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_published()
    kept_days = (notice.due_on, notice.expires_on)
    return notice, CorrectionForm(attachments(notice).now, kept_days=kept_days)


def _correct_with_files(
    notice: Notice, form: CorrectionForm, money: Sequence[str]
) -> Response | tuple[str, int]:
    uploads, public_id = chosen(form.files.data or []), notice.public_id
    there = len(attachments(notice).now) - len(form.drop.data or [])
    try:
        if there + len(uploads) > attaching.MOST:
            raise NotTaken(attaching.too_many(there))
        taken = take(uploads) if uploads else []
    except NotTaken as refused:
        form.files.errors = [refused.message]
        return _correction(find(NOTICE_WRITE, public_id), form, money), refused.status
    notice = find(NOTICE_WRITE, public_id)
    notice.must_be_published()
    if form.is_stale(notice):
        return _correction(notice, form, money), 412
    files = attaching.Changes(taken, form.drop.data or [])
    writing.correct(notice, actor(), form.change.data or "", bool(form.ask_again.data), files, **form.words())
    return commit_and_go(url_for("notices.report", public_id=public_id), _("The correction is published."))


@bp.get("/<public_id>/withdrawal")
@requires(NOTICE_WITHDRAW)
def withdrawal(public_id: str) -> str:
    """The form to withdraw a notice."""
    notice = find(NOTICE_WITHDRAW, public_id)
    notice.must_be_published()
    return render("notices/withdrawal.html", notice=notice, form=WithdrawalForm(formdata=None))


@bp.post("/<public_id>/withdrawals")
@requires(NOTICE_WITHDRAW)
def withdraw(public_id: str) -> Response | tuple[str, int]:
    """Withdraw a notice with a reason."""
    notice = find(NOTICE_WITHDRAW, public_id)
    notice.must_be_published()
    form = WithdrawalForm()
    if not form.sent_and_valid():
        return render("notices/withdrawal.html", notice=notice, form=form), 422
    writing.withdraw(notice, actor(), form.reason.data or "")
    return commit_and_go(url_for("notices.report", public_id=public_id), _("The notice is withdrawn."))
