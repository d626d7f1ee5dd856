"""Words for what an import does and where it stands."""

from portal.i18n import gettext as _
from portal.roster.models import State


def table_names() -> dict[str, str]:
    """The kinds of rows that people count, in the order in which they are shown."""
    return {
        "school": _("Schools"),
        "school_year": _("School years"),
        "school_class": _("Classes"),
        "person": _("Adults"),
        "appointment": _("Staff roles"),
        "pupil": _("Pupils"),
        "enrolment": _("Places in classes"),
        "guardianship": _("Guardians of pupils"),
    }


def state_of(state: str) -> tuple[str, str]:
    """Where an import stands, as a word and the kind of its chip."""
    words = {
        State.WAITING: (_("Waiting to be checked"), "wait"),
        State.CHECKING: (_("Being checked"), "wait"),
        State.CHECKED: (_("Checked, not brought in"), "info"),
        State.APPLYING: (_("Being brought in"), "wait"),
        State.APPLIED: (_("Brought in"), "good"),
        State.UNDOING: (_("Being undone"), "wait"),
        State.UNDONE: (_("Undone"), "plain"),
        State.WITHDRAWN: (_("Import withdrawn"), "plain"),
        State.FAILED: (_("Failed, nothing changed"), "bad"),
    }
    return words[State(state)]
