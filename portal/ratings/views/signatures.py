"""Second signatures: criteria, decision, publication and answer are carried out, or go back to whoever signed."""

from flask import url_for
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import objecting, running, signatures, states
from portal.ratings.models import Entry, Round
from portal.ratings.policy import ENTRY_MANAGE, OBJECTION_HEAR, ROUND_MANAGE, RUBRIC_MANAGE
from portal.ratings.views.blueprint import bp
from portal.ratings.views.objections import case_of


def _taken_back() -> str:
    return _("The signature is taken back. The record of it stays.")


@bp.post("/ratings/rubrics/<public_id>/publication/countersignature")
@requires(RUBRIC_MANAGE)
@step_up_required
def countersign_rubric(public_id: str) -> Response:
    """Publish a rubric as the second person."""
    running.publish_rubric(find(RUBRIC_MANAGE, public_id), actor())
    return commit_and_go(
        url_for(".rubric", public_id=public_id), _("The rubric is published. It can be used in rounds.")
    )


@bp.post("/ratings/rubrics/<public_id>/publication/withdrawal")
@requires(RUBRIC_MANAGE)
def withdraw_rubric(public_id: str) -> Response:
    """Take back the signature under a rubric."""
    signatures.take_back(find(RUBRIC_MANAGE, public_id), ("publish_rubric",), actor())
    return commit_and_go(url_for(".rubric", public_id=public_id), _taken_back())


@bp.post("/ratings/rounds/<public_id>/publication/countersignature")
@requires(ROUND_MANAGE)
@step_up_required
def countersign_publication(public_id: str) -> Response:
    """Publish all results of a round as the second person."""
    running.publish(find(ROUND_MANAGE, public_id, joinedload(Round.rubric_version)), actor())
    return commit_and_go(
        url_for(".round_page", public_id=public_id),
        _("The results are published. Anyone can read them on the star pages."),
    )


@bp.post("/ratings/rounds/<public_id>/publication/withdrawal")
@requires(ROUND_MANAGE)
def withdraw_publication(public_id: str) -> Response:
    """Take back the signature under a publication."""
    signatures.take_back(find(ROUND_MANAGE, public_id), ("publish",), actor())
    return commit_and_go(url_for(".round_page", public_id=public_id), _taken_back())


@bp.post("/ratings/entries/<public_id>/decision/countersignature")
@requires(ENTRY_MANAGE)
@step_up_required
def countersign_decision(public_id: str) -> Response:
    """Decide about a school as the second person."""
    found = find(
        ENTRY_MANAGE,
        public_id,
        joinedload(Entry.school),
        joinedload(Entry.round).joinedload(Round.rubric_version),
        selectinload(Entry.vetoes),
    )
    running.decide(found, actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id),
        _("Decided. The result is public when the round is published."),
    )


@bp.post("/ratings/entries/<public_id>/decision/withdrawal")
@requires(ENTRY_MANAGE)
def withdraw_decision(public_id: str) -> Response:
    """Take back the signature under a decision."""
    signatures.take_back(find(ENTRY_MANAGE, public_id), states.DECIDING, actor())
    return commit_and_go(url_for(".entry", public_id=public_id), _taken_back())


@bp.post("/ratings/entries/<public_id>/void/countersignature")
@requires(ENTRY_MANAGE)
@step_up_required
def countersign_void(public_id: str) -> Response:
    """Make a sheet void as the second person."""
    found = find(ENTRY_MANAGE, public_id, joinedload(Entry.school), joinedload(Entry.round))
    running.void(found, actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id),
        _("The sheet is void and stays readable. Somebody else scores now."),
    )


@bp.post("/ratings/entries/<public_id>/void/withdrawal")
@requires(ENTRY_MANAGE)
def withdraw_void(public_id: str) -> Response:
    """Take back the signature under making a sheet void."""
    signatures.take_back(find(ENTRY_MANAGE, public_id), ("rerun",), actor())
    return commit_and_go(url_for(".entry", public_id=public_id), _taken_back())


@bp.post("/ratings/entries/<public_id>/objection/countersignature")
@requires(OBJECTION_HEAR)
@step_up_required
def countersign_answer(public_id: str) -> Response:
    """Answer an objection or appeal as the second person."""
    entry, case = case_of(public_id)
    objecting.answer(entry, case, actor())
    return commit_and_go(
        url_for("home.index"), _("Answered. The school sees the reasons and what it may do next.")
    )


@bp.post("/ratings/entries/<public_id>/objection/withdrawal")
@requires(OBJECTION_HEAR)
def withdraw_answer(public_id: str) -> Response:
    """Take back the signature under an answer."""
    _entry, case = case_of(public_id)
    signatures.take_back(case, objecting.ANSWERS, actor())
    return commit_and_go(url_for(".objection", public_id=public_id), _taken_back())
