"""The district's rubrics: list, readable tree, import by upload or paste, publication."""

from flask import abort, url_for
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from portal import i18n
from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import running, satisfaction, signatures
from portal.ratings.forms import RubricForm, SatisfactionForm
from portal.ratings.models import Round, RubricState, RubricVersion
from portal.ratings.policy import RUBRIC_MANAGE
from portal.ratings.reading import points, rule_lines
from portal.ratings.rubric import RubricError, failed_cases, star_rules
from portal.ratings.rubrics import (
    domains_of,
    rubric_of,
    store,
    unsupported,
    values_of,
    words,
)
from portal.ratings.views.blueprint import bp
from portal.ratings.workbooks import SHEET, is_workbook, workbook
from portal.schools.models import District
from portal.templating import render


@bp.get("/ratings/rubrics")
@requires(RUBRIC_MANAGE)
def rubrics() -> str:
    """The district's rubrics, newest first."""
    versions = db.session.scalars(
        RUBRIC_MANAGE.rows(actor()).order_by(RubricVersion.id.desc()).limit(200)
    ).all()
    return render("ratings/rubrics.html", versions=versions, RubricState=RubricState)


@bp.get("/ratings/rubrics/new")
@requires(RUBRIC_MANAGE)
def new_rubric() -> str:
    """The form for importing a rubric."""
    return render("ratings/new_rubric.html", form=RubricForm(formdata=None), problems=[])


@bp.post("/ratings/rubrics")
@requires(RUBRIC_MANAGE)
def import_rubric() -> Response | tuple[str, int]:
    """Check and keep a rubric; problems come back line by line."""
    form = RubricForm()
    if not form.sent_and_valid():
        return render("ratings/new_rubric.html", form=form, problems=[]), 422
    district = db.session.get(District, actor().district_id)
    if district is None:
        abort(404)
    try:
        version, new, remarks = store(form.content(), district, current_user.person_id, form.judge.data)
    except RubricError as error:
        db.session.rollback()
        form.text.data = form.shown()
        problems = [problem.text(_) for problem in error.problems]
        field = form.file if is_workbook(form.raw) else form.text
        field.errors = [_("The rubric cannot be used yet. Mend what stands above.")]
        return render("ratings/new_rubric.html", form=form, problems=problems), 422
    message = _("The rubric is kept as a draft.") if new else _("This rubric is here already.")
    beyond = satisfaction.beyond(rubric_of(version))
    said = " ".join([message, *(remark.text(_) for remark in remarks[:5]), *([beyond] if beyond else [])])
    return commit_and_go(url_for(".rubric", public_id=version.public_id), said)


def _attached(data: bytes | str, mimetype: str, name: str) -> Response:
    answer = Response(data, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@bp.get("/ratings/rubrics/<public_id>/rubric.xlsx")
@requires(RUBRIC_MANAGE)
def rubric_xlsx(public_id: str) -> Response:
    """A version as the workbook that offices use; importing it again gives the same rubric."""
    version = find(RUBRIC_MANAGE, public_id)
    return _attached(workbook(values_of(version), version.name), SHEET, f"rubric-v{version.version}.xlsx")


@bp.get("/ratings/rubrics/<public_id>/rubric.yaml")
@requires(RUBRIC_MANAGE)
def rubric_yaml(public_id: str) -> Response:
    """A version as the text it was kept as."""
    version = find(RUBRIC_MANAGE, public_id)
    return _attached(version.yaml, "application/yaml; charset=utf-8", f"rubric-v{version.version}.yaml")


@bp.get("/ratings/rubrics/<public_id>")
@requires(RUBRIC_MANAGE)
def rubric(public_id: str) -> str:
    """A rubric as a tree that people can read."""
    return _page(find(RUBRIC_MANAGE, public_id), SatisfactionForm(formdata=None))


def _page(version: RubricVersion, form: SatisfactionForm) -> str:
    try:
        found = rubric_of(version)
    except RubricError:
        raise RuleBroken(_("This draft is not right yet. Change it first.")) from None
    failed = [problem.text(_) for problem in failed_cases(found)]
    cases = len(found.settings["cases"])
    rounds = db.session.scalar(select(func.count(Round.id)).where(Round.rubric_version_id == version.id))
    return render(
        "ratings/rubric.html",
        version=version,
        rubric=found,
        domains=list(domains_of(found)),
        rule_lines=rule_lines,
        star_lines=[line.text(_, i18n.current().tag) for line in star_rules(found)],
        rounds=rounds,
        hindrance=unsupported(version),
        points=points,
        words=words,
        is_draft=version.state == RubricState.DRAFT,
        signature=signatures.waiting(version, ("publish_rubric",))
        if version.state == RubricState.DRAFT
        else None,
        me=current_user.person_id,
        beyond=satisfaction.beyond(found),
        why=satisfaction.reason_of(version),
        form=form,
        failed=failed,
        cases=_("%(num)s, all come out as expected", num=cases) if cases and not failed else cases,
    )


@bp.post("/ratings/rubrics/<public_id>/publication")
@requires(RUBRIC_MANAGE)
@step_up_required
def publish_rubric(public_id: str) -> Response | tuple[str, int]:
    """Sign the publication of a version, as the first of two people; with the reason where questionnaires decide much."""
    version = find(RUBRIC_MANAGE, public_id)
    form = SatisfactionForm()
    must_say = version.state == RubricState.DRAFT and satisfaction.is_beyond(version)
    if must_say and not form.sent_and_valid():
        return _page(version, form), 422
    running.sign_rubric(version, form.why.data or "", actor())
    return commit_and_go(
        url_for(".rubric", public_id=public_id),
        _("Signed. The rubric is published when a second person countersigns."),
    )
