"""``flask rollups …``: the rolled-up numbers of schools and terms."""

import sys

import click
from flask.cli import AppGroup

from portal.database import reading
from portal.extensions import db
from portal.schools import summaries

rollups = AppGroup("rollups", help="The rolled-up numbers per school and term.")


@rollups.command("rebuild")
@click.option("--compare", is_flag=True, help="Change nothing; say where kept and counted numbers differ.")
def rebuild(compare: bool) -> None:
    """Count all rolled-up numbers again from the records. With --compare, exit 1 when any differs."""
    if not compare:
        written = summaries.rebuild() + sum(tally.rebuild() for tally in summaries.TALLIES.values())
        db.session.commit()
        click.echo(f"已按记录重新统计 {written} 项汇总数。")
        return
    with reading():
        found = {
            f"学校 {school_id} 学期 {term_id} {name}": numbers
            for (school_id, term_id, name), numbers in summaries.differences().items()
        }
        for tally in summaries.TALLIES.values():
            found.update(tally.differences())
        db.session.rollback()
    for what, (kept, counted) in found.items():
        click.echo(f"{what}: 汇总 {kept}, 记录 {counted}")
    if found:
        click.echo(f"有 {len(found)} 项不一致。运行 flask rollups rebuild 按记录更正。")
        sys.exit(1)
    click.echo(f"汇总数与记录一致({len(summaries.MEASURES) + len(summaries.TALLIES)} 类)。")
