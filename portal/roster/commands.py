"""``flask roster …``: bring rosters in from the command line, undo the last, write the template."""

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import exists, select

from portal import clock
from portal.extensions import db
from portal.i18n import gettext as _
from portal.roster import importing
from portal.roster.existing import Reach
from portal.roster.models import RosterImport, RosterProblem, State
from portal.roster.problems import Gravity, Problem
from portal.roster.template import write_template
from portal.roster.wording import table_names
from portal.schools.models import District, School

roster = AppGroup("roster", help="Rosters: schools, classes, staff, pupils and guardians from files.")
LISTED = 50


def district_named(said: str | None) -> District:
    """The district meant by a name or an id; without one, the only district that runs schools."""
    query = select(District).order_by(District.id)
    if said:
        query = query.where((District.name == said) | (District.public_id == said))
        if said.isdecimal():
            query = select(District).where(District.id == int(said))
    else:
        with_schools = exists().where(School.district_id == District.id)
        running = db.session.scalars(query.where(with_schools)).all()
        if len(running) == 1:
            return running[0]
    found = db.session.scalars(query).all()
    if len(found) == 1:
        return found[0]
    names = "、".join(db.session.scalars(select(District.name).order_by(District.id).limit(20)))
    raise click.UsageError(_("Say which district with --district. There are: %(names)s.", names=names or "-"))


def told(found: RosterImport) -> None:
    """Print the problems, the counts and the reason, if there is one."""
    query = select(RosterProblem).where(RosterProblem.import_id == found.id)
    query = query.order_by(RosterProblem.gravity, RosterProblem.id).limit(LISTED)
    for row in db.session.scalars(query):
        problem = Problem(row.file, row.line, row.field, row.reason, row.params)
        kind = _("Error") if row.gravity == Gravity.ERROR else _("Hint")
        place = " ".join(
            part
            for part in (row.file, _("row %(line)s", line=row.line) if row.line else "", row.field)
            if part
        )
        click.echo(f"{kind}  {place}  {problem.words(_)}" if place else f"{kind}  {problem.words(_)}")
    if found.errors + found.notices > LISTED:
        click.echo(_("… and %(count)s more.", count=found.errors + found.notices - LISTED))
    for table, name in table_names().items():
        numbers = found.counts.get(table, {})
        if numbers:
            click.echo(
                _(
                    "%(name)s: %(added)s added, %(changed)s changed, %(ended)s ended",
                    name=name,
                    added=numbers.get("add", 0),
                    changed=numbers.get("change", 0),
                    ended=numbers.get("end", 0),
                )
            )
    if found.reason:
        click.echo(_(found.reason))


@roster.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--delta", is_flag=True, help="The file brings only changes; what it leaves out stays.")
@click.option("--district", help="Name or id of the district.")
def import_file(path: Path, dry_run: bool, delta: bool, district: str | None) -> None:
    """Bring in a roster: a workbook of our template or a OneRoster 1.1 / 1.2 zip. Exit 1 if anything stands against it."""
    place = district_named(district)
    made = importing.take_in(path, path.name, Reach(place.id, None, clock.today()), None, delta)
    import_id = made.id
    db.session.commit()
    importing.check(import_id)
    found = again(import_id)
    told(found)
    if found.state == State.FAILED:
        raise SystemExit(1)
    if found.errors:
        click.echo(_("Nothing was brought in: mend the errors first."))
        raise SystemExit(1)
    if dry_run:
        click.echo(_("Dry run: nothing was changed."))
    elif not found.total():
        click.echo(_("The portal already holds everything in this file; there is nothing to change."))
    else:
        importing.confirm(found)
        db.session.commit()
        importing.apply(import_id)
        finish(again(import_id), State.APPLIED, _("Brought in."))
        return
    importing.withdraw(found)
    db.session.commit()


def again(import_id: int) -> RosterImport:
    """The import as it stands now."""
    db.session.expire_all()
    return db.session.get_one(RosterImport, import_id)


def finish(found: RosterImport, wanted: State, words: str) -> None:
    """Say how it ended; exit 1 if not as wanted."""
    state, reason = found.state, found.reason
    db.session.commit()
    if state != wanted:
        click.echo(_(reason) if reason else state)
        raise SystemExit(1)
    click.echo(words)


@roster.command("undo")
@click.option("--district", help="Name or id of the district.")
def undo(district: str | None) -> None:
    """Undo the last import of a district. Exit 1 if records entered later rest on it."""
    place = district_named(district)
    query = select(RosterImport).where(
        RosterImport.district_id == place.id, RosterImport.state == State.APPLIED
    )
    found = db.session.scalar(query.order_by(RosterImport.applied_at.desc()).limit(1))
    if found is None:
        db.session.commit()
        click.echo(_("There is no import to undo."))
        raise SystemExit(1)
    import_id = found.id
    importing.ask_undo(found)
    db.session.commit()
    importing.undo(import_id)
    finish(again(import_id), State.UNDONE, _("Undone."))


@roster.command("template")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def template(path: Path) -> None:
    """Write the empty workbook to PATH."""
    with path.open("wb") as stream:
        write_template(stream)
    click.echo(_("Written: %(path)s", path=path))
