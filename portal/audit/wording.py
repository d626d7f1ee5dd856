"""What happened, in words a person reads: actions, kinds of records, and what is wrong with a trail."""

from portal import clock
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.trail.verifying import Fault, Wrong

AREAS = {
    "account": _l("Account"),
    "appointment": _l("Role"),
    "audit": _l("Log"),
    "class": _l("Class"),
    "consent": _l("Consent"),
    "correction": _l("Home visit"),
    "course": _l("Course"),
    "delivery": _l("Message"),
    "enrolment": _l("Class"),
    "file": _l("File"),
    "follow_up": _l("Agreed step"),
    "guardianship": _l("Family"),
    "household": _l("Family"),
    "invitation": _l("Home visit"),
    "keys": _l("Keys"),
    "notice": _l("Notice"),
    "opinion": _l("Opinion"),
    "pupil": _l("Pupil"),
    "rating": _l("Star rating"),
    "record": _l("Sensitive record"),
    "roster": _l("Roster"),
    "rubric": _l("Rubric"),
    "school": _l("School"),
    "setting": _l("Setting"),
    "term": _l("Term"),
    "trail": _l("Log"),
    "visit": _l("Home visit"),
}
"""First word of an action → the area of work it belongs to; what is not listed here is shown as it is written."""

ACTS = {
    "account.created": _l("opened"),
    "account.device_revoked": _l("signed out a device"),
    "account.password_changed": _l("changed the password"),
    "account.password_reset": _l("reset the password"),
    "account.proof_failed": _l("failed to prove who they are"),
    "account.proved": _l("proved who they are"),
    "account.sign_in_failed": _l("failed to sign in"),
    "account.signed_in": _l("signed in"),
    "account.signed_out": _l("signed out"),
    "appointment.added": _l("given"),
    "appointment.ended": _l("ended"),
    "audit.exported": _l("exported"),
    "correction.answered": _l("answered a correction"),
    "correction.asked": _l("asked for a correction"),
    "course.changed": _l("changed"),
    "course.drafted": _l("drafted"),
    "course.lesson_removed": _l("removed a lesson"),
    "course.published": _l("published"),
    "course.seat_given_back": _l("gave a seat back"),
    "course.seat_taken": _l("took a seat"),
    "course.session_changed": _l("changed a session"),
    "course.signed_in": _l("signed people in"),
    "course.walked_in": _l("added someone present"),
    "course.withdrawn": _l("withdrawn"),
    "delivery.settled": _l("settled"),
    "delivery.texts_listed": _l("texts read"),
    "follow_up.done": _l("done"),
    "household.split": _l("split into two households"),
    "invitation.accepted": _l("invitation accepted"),
    "invitation.declined": _l("invitation declined"),
    "invitation.sent": _l("invitation sent"),
    "invitation.withdrawn": _l("invitation withdrawn"),
    "notice.corrected": _l("corrected"),
    "notice.discarded": _l("discarded"),
    "notice.drafted": _l("drafted"),
    "notice.published": _l("published"),
    "notice.published_with_money": _l("published although it speaks of money"),
    "notice.reminded": _l("reminded"),
    "notice.rewritten": _l("rewritten"),
    "notice.withdrawn": _l("withdrawn"),
    "opinion.acknowledged": _l("acknowledged"),
    "opinion.answered": _l("answered"),
    "opinion.lifted": _l("lifted"),
    "opinion.rated": _l("rated"),
    "opinion.reopened": _l("reopened"),
    "opinion.sent": _l("sent"),
    "rating.agreed": _l("points agreed"),
    "rating.answered": _l("item answered"),
    "rating.assigned": _l("inspectors assigned"),
    "rating.claimed": _l("star claimed"),
    "rating.marked": _l("item scored"),
    "rating.prepared": _l("round prepared"),
    "rating.proposed": _l("points proposed"),
    "rating.settled": _l("points settled"),
    "rating.sheet_locked": _l("sheet locked"),
    "rating.snapshot": _l("evidence frozen"),
    "rating.veto_confirmed": _l("veto confirmed"),
    "rating.veto_dropped": _l("veto dropped"),
    "rating.veto_recorded": _l("veto recorded"),
    "record.read": _l("read"),
    "roster.annotated": _l("downloaded with remarks"),
    "roster.applied": _l("brought in"),
    "roster.undone": _l("import undone"),
    "rubric.published": _l("published"),
    "rubric.stored": _l("stored"),
    "school.phone_changed": _l("changed the telephone number"),
    "setting.changed": _l("changed"),
    "setting.withdrawn": _l("withdrawn"),
    "term.changed": _l("dates changed"),
    "trail.pruned": _l("old entries removed"),
    "visit.amended": _l("mended"),
    "visit.confirmed": _l("confirmed by the family"),
    "visit.written": _l("written down"),
}
"""Action → what was done, as it stands behind the area; an action without words here is shown as it is written."""

CATEGORIES = {"F3": _l("contacts"), "F4": _l("narrative"), "F4S": _l("sealed note")}

KINDS = {
    "opinion": _l("Opinion"),
    "person": _l("Person"),
    "pupil": _l("Pupil"),
    "sealed_note": _l("Sealed note"),
    "visit": _l("Home visit"),
}


def act_in_words(action: str, category: str = "", kind: str = "") -> str:
    """家访：已写下; what has no words yet as it stands in the log."""
    area, act = AREAS.get(action.partition(".")[0]), ACTS.get(action)
    if area is None or act is None:
        return action
    if category:
        shown = KINDS.get(kind, CATEGORIES[category])
        return _("%(area)s: %(act)s", area=str(shown), act=str(act))
    return _("%(area)s: %(act)s", area=str(area), act=str(act))


def fault_in_words(fault: Fault) -> str:
    """The first bad entry and what is wrong with it, for whoever has to look into it."""
    entry = _("Entry %(number)s", number=fault.sequence)
    if fault.happened_at is not None:
        when = f"{clock.local(fault.happened_at):%Y-%m-%d %H:%M:%S}"
        entry = f"{entry} ({' '.join(part for part in (when, fault.action) if part)})"
    words = {
        Wrong.MISSING: _("%(entry)s is missing.", entry=entry),
        Wrong.CHANGED: _("%(entry)s was changed, or was put in by somebody else.", entry=entry),
        Wrong.OUT_OF_ORDER: _("%(entry)s stands at another place than it was written.", entry=entry),
        Wrong.CUT_OFF: _("%(entry)s and all after it were cut off.", entry=entry),
        Wrong.REWRITTEN: _(
            "%(entry)s is not the one that was anchored: the log was written anew after entry %(since)s.",
            entry=entry,
            since=fault.since,
        ),
        Wrong.ANCHOR: _("The anchor of %(entry)s has a wrong signature.", entry=entry),
    }
    return words[fault.wrong]
