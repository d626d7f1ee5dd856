"""``flask rollups …``: the rolled-up numbers of schools and terms."""

import sys

import click
from flask.cli import AppGroup

from portal.database import reading
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools import summaries

rollups = AppGroup("rollups", help="The rolled-up numbers per school and term.")


@rollups.command("rebuild")
@click.option("--compare", is_flag=True, help="Change nothing; say where kept and counted numbers differ.")
def rebuild(compare: bool) -> None:
    """Count all rolled-up numbers again from the records. With --compare, exit 1 when any differs."""
    if not compare:
        written = summaries.rebuild() + sum(tally.rebuild() for tally in summaries.TALLIES.values())
        db.session.commit()
        click.echo(_("%(count)s rolled-up numbers counted again from the records.", count=written))
        return
    with reading():
        found = {
            _(
                "school %(school)s, term %(term)s, %(name)s", school=school_id, term=term_id, name=name
            ): numbers
            for (school_id, term_id, name), numbers in summaries.differences().items()
        }
        for tally in summaries.TALLIES.values():
            found.update(tally.differences())
        db.session.rollback()
    for what, (kept, counted) in found.items():
        click.echo(_("%(what)s: kept %(kept)s, counted %(counted)s", what=what, kept=kept, counted=counted))
    if found:
        click.echo(_("%(count)s numbers differ. Run flask rollups rebuild to mend them.", count=len(found)))
        sys.exit(1)
    kinds = len(summaries.MEASURES) + len(summaries.TALLIES)
    click.echo(_("The rolled-up numbers agree with the records (%(count)s kinds).", count=kinds))
