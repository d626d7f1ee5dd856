"""The log as those see it who may: one's own entries, the school's, the district's; as a file; the anchors for everybody."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Blueprint, request
from sqlalchemy import Select, and_, or_, select
from werkzeug.wrappers import Response

from portal import clock, names
from portal.access import Role, actor, public, requires
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.audit import exporting
from portal.audit.forms import ChoiceForm, ExportForm
from portal.audit.policy import AUDIT_EXPORT, AUDIT_READ
from portal.audit.wording import AREAS, act_in_words
from portal.extensions import db
from portal.i18n import gettext as _
from portal.paging import page_of
from portal.privacy.exporting import MOST_ALONE
from portal.privacy.models import ExportRequest
from portal.privacy.views.exporting import answer_asking
from portal.templating import render
from portal.trail.anchors import EVERY, of_row
from portal.trail.anchors import public_key as key_of_anchors
from portal.trail.models import TrailAnchor, TrailEntry, TrailHead

bp = Blueprint("audit", __name__, url_prefix="/audit")
SHOWN_ANCHORS = 50
MOST_ENTRIES = 50_000


@bp.get("/")
@requires(AUDIT_READ)
def index() -> str:
    """Entries, newest first: who did what, when, to what kind of record; never what stands in it."""
    acting = actor()
    form = ChoiceForm(request.args)
    sound = form.validate()
    wanted = _chosen(AUDIT_READ.rows(acting), form) if sound else AUDIT_READ.rows(acting)
    listing = page_of(wanted, [(TrailEntry.sequence, True)])
    known = _names(listing.rows)
    others = AUDIT_EXPORT.admits(acting.role)
    return render(
        "audit/index.html",
        form=form,
        listing=listing,
        others=others,
        names={
            entry.sequence: exporting.who(
                known.get(entry.person_id),
                "" if entry.person_id == acting.person_id else entry.role,
            )
            for entry in listing.rows
        },
        role_of=exporting.role_in_words,
        act_of=act_in_words,
        about=request.args.get("object", ""),
        silent=others and _anchors_are_late(),
    )


def _chosen(wanted: Select[Any], form: ChoiceForm) -> Select[Any]:
    """Keep to the day, the person, the area and the record that were asked for."""
    if form.day.data and isinstance(form.day.data, date):
        wanted = wanted.where(exporting.between(form.day.data, form.day.data))
    if form.person.data:
        found = select(Person.id).where(names.matching(Person, form.person.data))
        wanted = wanted.where(TrailEntry.person_id.in_(found), TrailEntry.role != Role.GUARDIAN)
    area = AREAS.get(form.area.data or "")
    if area is not None:
        prefixes = [key for key, name in AREAS.items() if str(name) == str(area)]
        wanted = wanted.where(or_(*(TrailEntry.action.startswith(f"{key}.") for key in prefixes)))
    kind, _colon, number = request.args.get("object", "").partition(":")
    if number.isascii() and number.isdigit() and len(number) < 10:
        wanted = wanted.where(TrailEntry.object_kind == kind, TrailEntry.object_id == int(number))
    return wanted


def _names(entries: Sequence[TrailEntry]) -> dict[int | None, str]:
    ids = {entry.person_id for entry in entries if entry.person_id is not None}
    found = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {person_id: name for person_id, name in found}


def _anchors_are_late() -> bool:
    """Whether entries have waited for an anchor four times as long as they should: then something is wrong."""
    head = db.session.scalars(select(TrailHead)).one()
    last = db.session.scalars(select(TrailAnchor).order_by(TrailAnchor.sequence.desc()).limit(1)).first()
    through = last.sequence if last else 0
    waiting = db.session.scalar(select(TrailEntry.happened_at).where(TrailEntry.sequence == through + 1))
    return head.sequence > through and waiting is not None and clock.now() - waiting > 4 * EVERY


@bp.route("/export", methods=["GET", "POST"])
@requires(AUDIT_EXPORT)
@step_up_required
def export() -> Response | str | tuple[str, int]:
    """Ask for the entries of some days as a file, for those who inspect."""
    form = ExportForm(data={"last": clock.today(), "first": clock.today().replace(day=1)})
    if not form.sent_and_valid():
        page = render("audit/export.html", form=form, most=MOST_ALONE)
        return (page, 422) if request.method == "POST" else page
    acting = actor()
    condition = and_(exporting.between(form.first.data, form.last.data), AUDIT_EXPORT.within(acting))
    if exporting.count(db.session.connection(), condition) > MOST_ENTRIES:
        form.last.errors = [
            _("That is more than %(count)s entries. Choose fewer days.", count=f"{MOST_ENTRIES:,}")
        ]
        return render("audit/export.html", form=form, most=MOST_ALONE), 422
    return answer_asking(
        ExportRequest(
            kind="log",
            district_id=acting.district_id,
            school_id=acting.school_id,
            asked_by_id=acting.person_id,
            purpose=form.reason.data,
            first_on=form.first.data,
            last_on=form.last.data,
            file_kind=form.kind.data,
        )
    )


def _newest() -> list[str]:
    rows = db.session.scalars(
        select(TrailAnchor).order_by(TrailAnchor.sequence.desc()).limit(SHOWN_ANCHORS)
    ).all()
    return [of_row(row).line() for row in rows]


@bp.get("/anchors")
@public
def anchors() -> str:
    """The newest anchors, the key to check them with, and how to keep them."""
    pem = key_of_anchors().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()
    return render("audit/anchors.html", lines=_newest(), key=pem)


@bp.get("/anchors.txt")
@public
def anchors_text() -> Response:
    """The same lines as plain text, for a computer that keeps them."""
    return Response("".join(f"{line}\n" for line in _newest()), mimetype="text/plain")
