"""Every page of ratings answers each role as written by hand in access.csv."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.asking import RatingQuestion
from portal.ratings.concerns import Concern
from portal.ratings.models import Entry, Round, RoundState, RubricVersion, Sheet
from portal.ratings.standing import Naming
from portal.ratings.windows import Window
from portal.schools.models import School

LINES = list(csv.DictReader((Path(__file__).parent / "access.csv").read_text("utf-8").splitlines()))
WHO = {
    "anonymous": (None, None),
    "guardian": ("李晚晴", "guardian"),
    "restricted_guardian": ("何志强", "guardian"),
    "leaver": ("马兰", "guardian"),
    "class_teacher": ("王雪", "class_teacher"),
    "subject_teacher": ("邓宇", "subject_teacher"),
    "principal": ("孙立德", "principal"),
    "school_office": ("何静", "school_office"),
    "committee_chair": ("林悦", "committee_chair"),
    "lecturer": ("郑雅琴", "lecturer"),
    "inspector": ("吴正清", "inspector"),
    "district_staff": ("张建平", "district_staff"),
    "auditor": ("秦守正", "auditor"),
    "system_admin": ("系统管理员", "system_admin"),
}
OPEN, PAST = RoundState.OPEN, RoundState.PUBLISHED
ABSENT = "AAAAAAAAAAAAAAAAAAAAAA"


def entry(school, state):
    return (
        select(Entry.public_id)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(School.name == school, Round.state == state)
    )


def sheet(inspector):
    return (
        select(Sheet.public_id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .join(Person, Person.id == Sheet.person_id)
        .where(School.name == "望溪小学", Round.state == PAST, Person.name == inspector)
    )


ADDRESSES = {
    "index": "/ratings/",
    "metrics": "/ratings/metrics",
    "metric": "/ratings/metrics/visit_coverage",
    "rubrics": "/ratings/rubrics",
    "new_rubric": "/ratings/rubrics/new",
    "import_rubric": "/ratings/rubrics",
    "new_round": "/ratings/rounds/new",
    "prepare_round": "/ratings/rounds",
    "sheets": "/ratings/sheets",
    "stars": "/stars/",
    "school_stars": "/stars/{school}",
    "rubric": "/ratings/rubrics/{rubric}",
    "copy_rubric": "/ratings/rubrics/{rubric}/copy",
    "remove_draft": "/ratings/rubrics/{rubric}/removal",
    "edit_rubric": "/ratings/rubrics/{rubric}/edit",
    "edit_item": "/ratings/rubrics/{rubric}/items/A1",
    "keep_item": "/ratings/rubrics/{rubric}/items/A1",
    "check_item": "/ratings/rubrics/{rubric}/items/A1/check",
    "move_item": "/ratings/rubrics/{rubric}/items/A1/up",
    "remove_item": "/ratings/rubrics/{rubric}/items/A1/removal",
    "new_item": "/ratings/rubrics/{rubric}/new-item",
    "add_item": "/ratings/rubrics/{rubric}/new-item",
    "rubric_settings": "/ratings/rubrics/{rubric}/settings",
    "keep_settings": "/ratings/rubrics/{rubric}/settings",
    "rubric_differences": "/ratings/rubrics/{rubric}/differences",
    "rubric_preview": "/ratings/rubrics/{rubric}/preview",
    "rubric_xlsx": "/ratings/rubrics/{rubric}/rubric.xlsx",
    "rubric_yaml": "/ratings/rubrics/{rubric}/rubric.yaml",
    "publish_rubric": "/ratings/rubrics/{rubric}/publication",
    "round_page": "/ratings/rounds/{round}",
    "year_end": "/ratings/rounds/{round}/year-end",
    "make_year_end": "/ratings/rounds/{round}/year-end",
    "year_end_xlsx": "/ratings/rounds/{round}/year-end.xlsx",
    "year_end_csv": "/ratings/rounds/{round}/year-end.csv",
    "open_round": "/ratings/rounds/{round}/opening",
    "publish_round": "/ratings/rounds/{round}/publication",
    "entry": "/ratings/entries/{entry}",
    "inspectors": "/ratings/entries/{entry}/inspectors",
    "assign_inspectors": "/ratings/entries/{entry}/inspectors",
    "accept": "/ratings/entries/{entry}/acceptance",
    "send_back": "/ratings/entries/{entry}/return",
    "record_veto": "/ratings/entries/{entry}/vetoes",
    "confirm_veto": "/ratings/entries/{entry}/vetoes/none/confirmation",
    "drop_veto": "/ratings/entries/{entry}/vetoes/none/withdrawal",
    "opine": "/ratings/entries/{entry}/opinion",
    "close_hearing": "/ratings/entries/{entry}/hearing",
    "reopen": "/ratings/entries/{entry}/reopening",
    "answer_opinion": "/ratings/assessments/{entry}/answer",
    "findings_of_entry": "/ratings/entries/{entry}/findings",
    "raise_finding": "/ratings/entries/{entry}/findings",
    "settle_finding": "/ratings/entries/{entry}/findings/verdict",
    "appeal": "/ratings/entries/{entry}/appeal",
    "answer_appeal": "/ratings/entries/{entry}/appeal",
    "countersign_appeal": "/ratings/entries/{entry}/appeal/countersignature",
    "withdraw_appeal_answer": "/ratings/entries/{entry}/appeal/withdrawal",
    "appeal_measure": "/ratings/assessments/{entry}/measure-appeal",
    "withdraw_appeal": "/ratings/assessments/{entry}/measure-appeal/withdrawal",
    "object_to": "/ratings/assessments/{entry}/objection",
    "objection": "/ratings/entries/{entry}/objection",
    "answer_objection": "/ratings/entries/{entry}/objection",
    "objection_item": "/ratings/entries/{entry}/objection/D4",
    "find_otherwise": "/ratings/entries/{entry}/objection/D4",
    "leave_item": "/ratings/entries/{entry}/objection/D4/as-decided",
    "decide": "/ratings/entries/{entry}/decision",
    "countersign_decision": "/ratings/entries/{entry}/decision/countersignature",
    "withdraw_decision": "/ratings/entries/{entry}/decision/withdrawal",
    "countersign_answer": "/ratings/entries/{entry}/objection/countersignature",
    "withdraw_answer": "/ratings/entries/{entry}/objection/withdrawal",
    "countersign_publication": "/ratings/rounds/{round}/publication/countersignature",
    "withdraw_publication": "/ratings/rounds/{round}/publication/withdrawal",
    "countersign_rubric": "/ratings/rubrics/{rubric}/publication/countersignature",
    "withdraw_rubric": "/ratings/rubrics/{rubric}/publication/withdrawal",
    "window": "/ratings/windows/{window}",
    "extend_window": "/ratings/windows/{window}/extension",
    "confirm_window": "/ratings/windows/{window}/confirmation",
    "decision_pdf": "/ratings/entries/{past}/decision.pdf",
    "school_records": "/stars/{school}/records",
    "signing_key": "/stars/key.pem",
    "assessment": "/ratings/assessments/{entry}",
    "assessment_item": "/ratings/assessments/{entry}/items/A1",
    "answer_item": "/ratings/assessments/{entry}/items/D4",
    "improvements": "/ratings/assessments/{entry}/improvements",
    "plan_improvement": "/ratings/assessments/{entry}/improvements",
    "finish_improvement": "/ratings/assessments/{entry}/improvements/done",
    "concern": "/stars/{school}/objection",
    "file_concern": "/stars/{school}/objection",
    "withdraw_concern": "/stars/{school}/objection/withdrawal",
    "concern_case": "/ratings/concerns/{concern}",
    "answer_concern": "/ratings/concerns/{concern}",
    "withdraw_objection": "/ratings/assessments/{entry}/objection/withdrawal",
    "objection_veto": "/ratings/entries/{entry}/objection/vetoes/V1",
    "set_veto_aside": "/ratings/entries/{entry}/objection/vetoes/V1",
    "standing": "/ratings/entries/{entry}/standing",
    "judge_check": "/ratings/entries/{entry}/finding",
    "propose_measure": "/ratings/entries/{entry}/measures",
    "close_measure_hearing": "/ratings/entries/{entry}/measures/hearing",
    "take_measure_back": "/ratings/entries/{entry}/measures/withdrawal",
    "settle_measure": "/ratings/entries/{entry}/measures/settlement",
    "certificate": "/ratings/entries/{entry}/certificate.pdf",
    "certificate_check": "/stars/certificates/{naming}",
    "name_schools": "/ratings/rounds/{round}/naming",
    "round_checks": "/ratings/rounds/{round}/checks",
    "start_checks": "/ratings/rounds/{round}/checks",
    "own_standing": "/ratings/assessments/{entry}/standing",
    "report_check": "/ratings/assessments/{entry}/check-report",
    "answer_measure": "/ratings/assessments/{entry}/measure-answer",
    "evidence": "/ratings/assessments/{entry}/items/D4/files",
    "add_evidence": "/ratings/assessments/{entry}/items/D4/files",
    "remove_evidence": "/ratings/assessments/{entry}/items/D4/files/removal",
    "explain_evidence": "/ratings/assessments/{entry}/items/D4/files/reason",
    "records": "/ratings/assessments/{entry}/items/E4/records",
    "claim": "/ratings/assessments/{entry}/claim",
    "keep_claim": "/ratings/assessments/{entry}/claim",
    "fair_play": "/ratings/fair-play",
    "fair_play_question": "/ratings/fair-play/{question}",
    "answer_fair_play": "/ratings/fair-play/{question}/answer",
    "close_fair_play": "/ratings/fair-play/{question}/closing",
    "check": "/ratings/assessments/{entry}/check",
    "submit": "/ratings/assessments/{entry}/submission",
    "sheet": "/ratings/sheets/{sheet}",
    "interest": "/ratings/sheets/{sheet}/interest",
    "declare_interest": "/ratings/sheets/{sheet}/interest",
    "replace_inspector": "/ratings/entries/{entry}/inspectors/replacement",
    "sign_void": "/ratings/entries/{entry}/void",
    "countersign_void": "/ratings/entries/{entry}/void/countersignature",
    "withdraw_void": "/ratings/entries/{entry}/void/withdrawal",
    "panel": "/ratings/entries/{entry}/panel",
    "record_panel": "/ratings/entries/{entry}/panel",
    "draw": "/ratings/rounds/{round}/draw",
    "announce_draw": "/ratings/rounds/{round}/draw",
    "make_draw": "/ratings/rounds/{round}/draw/result",
    "draws": "/stars/draws",
    "draw_file": "/stars/draws/file?draw=none",
    "sheet_item": "/ratings/sheets/{sheet}/items/A1",
    "mark_item": "/ratings/sheets/{sheet}/items/D4",
    "lock": "/ratings/sheets/{sheet}/lock",
    "gaps": "/ratings/sheets/{sheet}/gaps",
    "gap": "/ratings/sheets/{sheet}/gaps/D4",
    "propose": "/ratings/sheets/{sheet}/gaps/D4",
    "agree_gap": "/ratings/sheets/{sheet}/gaps/D4/agreement",
    "hand_over": "/ratings/sheets/{sheet}/handover",
    "notes": "/ratings/sheets/{sheet}/notes",
    "edit_note": "/ratings/sheets/{sheet}/note",
    "sheet_texts": "/ratings/sheets/{sheet}/texts",
    "choose_text": "/ratings/sheets/{sheet}/choice",
    "take_in_score": "/ratings/sheets/{sheet}/operations",
    "take_kit": "/ratings/kit/take",
    "kit": "/ratings/kit",
    "kit_standing": "/ratings/kit/standing",
    "kit_package": "/ratings/kit/package",
    "kit_worker": "/ratings/kit/worker.js",
}


def address(endpoint, relation):
    """The address of an endpoint for a row in that relation to whoever asks."""
    if relation == "absent":
        return ADDRESSES[endpoint].format(
            **dict.fromkeys(
                (
                    "school",
                    "rubric",
                    "round",
                    "entry",
                    "past",
                    "window",
                    "sheet",
                    "naming",
                    "concern",
                    "question",
                ),
                ABSENT,
            )
        )
    near = relation != "same_district" or endpoint not in PRINCIPALS
    found = {
        "school": select(School.public_id).where(School.name == "望溪小学"),
        "rubric": select(RubricVersion.public_id).order_by(RubricVersion.id),
        "round": select(Round.public_id).where(Round.state == OPEN),
        "entry": entry("望溪小学" if near else "东塔小学", OPEN),
        "naming": select(Naming.public_id),
        "concern": select(Concern.public_id),
        "question": select(RatingQuestion.public_id)
        .join(Entry)
        .join(School)
        .where(School.name == ("望溪小学" if near else "东塔小学")),
        "window": select(Window.public_id).order_by(Window.id),
        "past": entry("望溪小学" if near else "东塔小学", PAST),
        "sheet": sheet("冯秀英" if relation == "same_district" else "吴正清"),
    }
    return ADDRESSES[endpoint].format(
        **{name: db.session.scalar(query.limit(1)) for name, query in found.items()}
    )


PRINCIPALS = {
    "decision_pdf",
    "assessment",
    "assessment_item",
    "answer_item",
    "records",
    "evidence",
    "add_evidence",
    "remove_evidence",
    "explain_evidence",
    "claim",
    "keep_claim",
    "check",
    "submit",
    "answer_opinion",
    "object_to",
    "own_standing",
    "report_check",
    "fair_play_question",
    "answer_fair_play",
    "answer_measure",
    "certificate",
    "withdraw_objection",
    "appeal_measure",
    "withdraw_appeal",
    "improvements",
    "plan_improvement",
    "finish_improvement",
}


@pytest.mark.parametrize("role", list(WHO))
def test_each_page_answers_each_role_as_agreed(as_, app, role):
    app.config["WTF_CSRF_ENABLED"] = False
    clients = {}
    wrong = []
    try:
        # Relations with a state (own:draft) are walked by tests/site/test_access.py.
        for line in (one for one in LINES if one["role"] == role and ":" not in one["relation"]):
            who = ("唐芸", "district_staff") if line["relation"] == "other_district" else WHO[role]
            client = clients.setdefault(who, as_(*who))
            where = address(line["endpoint"].removeprefix("ratings."), line["relation"])
            status = client.open(where, method=line["method"]).status_code
            if status != int(line["status"]):
                wrong.append((line["endpoint"], line["method"], line["relation"], status, line["status"]))
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert not wrong


def test_no_endpoint_of_ratings_is_left_out(app):
    named = {line["endpoint"] for line in LINES}
    there = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("ratings.")}
    assert named == there
