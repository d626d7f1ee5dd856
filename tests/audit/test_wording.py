"""Whoever reads the log reads words: each act that is noted has some, and each area."""

import ast

from portal.audit.wording import ACTS, AREAS
from portal.config import ROOT
from portal.ratings.states import MOVES
from portal.staffing.models import TransferState

NOTING = {"note", "log"}


def noted() -> set[str]:
    """The acts that the portal's code names where it notes them, and those made of a state."""
    found = {f"rating.{move.verb}" for move in MOVES}
    found |= {f"transfer.{state}" for state in (TransferState.REFUSED, TransferState.WITHDRAWN)}
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in NOTING and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and "." in str(first.value):
                    found.add(str(first.value))
    return found


def test_every_act_of_the_log_has_words():
    acts = noted()

    assert len(acts) > 150
    assert sorted(acts - set(ACTS)) == []
    assert sorted({act.partition(".")[0] for act in acts} - set(AREAS)) == []
