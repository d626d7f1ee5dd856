"""The released tables of a questionnaire as a workbook: the same lines as on the pages, nothing besides."""

import io

import xlsxwriter

from portal.i18n import gettext as _
from portal.surveys import releasing, tables
from portal.surveys.models import Survey

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = (28, 60, 10, 12, 16, 16, 16)


def workbook(survey: Survey) -> bytes:
    """XLSX with one sheet: the district, then every school with its grades and classes. ``survey`` has schools with their names."""
    raw = io.BytesIO()
    with xlsxwriter.Workbook(
        raw, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet(_("Results"))
        bold, plain = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"text_wrap": True})
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        sheet.write_row(0, 0, [_("Group"), *headings()], bold)
        sheet.freeze_panes(1, 1)
        number = 0
        for title, table in _all(survey):
            for line in table.lines:
                number += 1
                sheet.write_row(number, 0, [title, *line], plain)
        sheet.write_string(number + 2, 0, rule(), plain)
    return raw.getvalue()


def headings() -> list[str]:
    """The columns of a table."""
    return [
        _("Question"),
        _("Answers given"),
        _("Yes, or mean"),
        _("Range"),
        _("Drawn towards the mean"),
        _("Not sure, or other"),
    ]


def rule() -> str:
    """What the dashes mean, in words."""
    return _(
        "A dash: fewer than 10 answered, or the number would let somebody work out a small group. Range: where the true value lies with 95% certainty. Drawn towards the mean: few answers count as much as 20 of the average like school."
    )


def _all(survey: Survey) -> list[tuple[str, tables.Table]]:
    release = releasing.read(survey)
    assert release is not None
    found = [(_("All schools"), tables.of_survey(survey, release))]
    for row in sorted(survey.schools, key=lambda row: row.school.name_pinyin):
        of_school = tables.of_school(row) if not row.is_void else None
        if of_school is None:
            continue
        found.append((row.school.name, of_school.whole))
        found += [(f"{row.school.name} · {table.title}", table) for table in of_school.groups]
    return found
