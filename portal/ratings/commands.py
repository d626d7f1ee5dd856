"""``flask rubric``: check a rating scheme, and score facts with it."""

import json
import sys
import time
from pathlib import Path
from typing import NoReturn

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import i18n
from portal.database import reading
from portal.extensions import db
from portal.ratings import drawing, reproducing, satisfaction, signing, teams, yearend
from portal.ratings.canonical import restored
from portal.ratings.files import RubricFile, read_file
from portal.ratings.models import Round
from portal.ratings.rubric import (
    Message,
    Problem,
    Rubric,
    RubricError,
    as_json,
    as_yaml,
    failed_cases,
    read_json,
    title_text,
)
from portal.ratings.rubric import score as scored
from portal.ratings.rubrics import rubric_of, store
from portal.ratings.workbooks import workbook
from portal.roster.problems import UnreadableError
from portal.schools.models import District, School

rating = AppGroup("rating", help="Star ratings: score a round again and compare.")
rubric = AppGroup("rubric", help="Rating schemes: check a file, score facts with it.")
FILE = click.argument("file", type=click.Path(path_type=Path))
LANGUAGE = click.option(
    "--language", type=click.Choice(list(i18n.LANGUAGES)), default=i18n.DEFAULT.tag, show_default=True
)


def _stop(problems: tuple[Problem, ...] | list[Problem], file: Path, language: str) -> NoReturn:
    for problem in problems:
        click.echo(f"{file}: {problem.text(i18n.gettext, language)}", err=True)
    sys.exit(1)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        click.echo(
            i18n.gettext("%(file)s cannot be read: %(reason)s", file=file, reason=error.strerror), err=True
        )
        sys.exit(1)


def _loaded(file: Path, language: str) -> RubricFile:
    try:
        return read_file(_bytes(file))
    except RubricError as error:
        _stop(error.problems, file, language)


def _remark(remarks: list[Message], language: str) -> None:
    for remark in remarks:
        click.echo(remark.text(i18n.gettext, language))


def _warn(found: Rubric) -> None:
    if beyond := satisfaction.beyond(found):
        click.echo(beyond, err=True)


@rubric.command("check")
@FILE
@LANGUAGE
def check(file: Path, language: str) -> None:
    """Check the rubric in FILE: exit 0 with a summary when it is right, 1 with every problem in words when not."""
    with i18n.speaking(language):
        found = _loaded(file, language)
        if problems := failed_cases(found.rubric):
            _stop(problems, file, language)
        _remark(found.rubric.summary(), language)
        _remark(found.remarks, language)
        _warn(found.rubric)


@rubric.command("score")
@FILE
@click.argument("inputs", type=click.Path(path_type=Path))
@LANGUAGE
def score(file: Path, inputs: Path, language: str) -> None:
    """Score the facts in INPUTS (JSON) with the rubric in FILE: the result as JSON, or exit 1 with words."""
    with i18n.speaking(language):
        found = _loaded(file, language).rubric
        try:
            result = scored(found, read_json(_bytes(inputs)))
        except RubricError as error:
            _stop(error.problems, inputs, language)
        click.echo(json.dumps(as_json(result, i18n.gettext, language), ensure_ascii=False, indent=2))


@rubric.command("import")
@FILE
@click.option(
    "--district", "name", help="Name of the district; not needed when there is only one that rates."
)
@LANGUAGE
def import_rubric(file: Path, name: str | None, language: str) -> None:
    """Check the rubric in FILE and keep it as the district's next version: exit 1 with every problem in words when not."""
    with i18n.speaking(language):
        district = _district(name)
        try:
            version, new, remarks = store(_bytes(file), district, None)
        except RubricError as error:
            _stop(error.problems, file, language)
        db.session.commit()
        said = (
            i18n.gettext("Kept: %(name)s, version %(number)s.", name=version.name, number=version.version)
            if new
            else i18n.gettext(
                "Already here: %(name)s, version %(number)s.", name=version.name, number=version.version
            )
        )
        click.echo(said)
        _remark(remarks, language)
        _warn(rubric_of(version))


@rubric.command("convert")
@FILE
@click.argument("target", type=click.Path(path_type=Path))
@LANGUAGE
def convert(file: Path, target: Path, language: str) -> None:
    """Write the rubric in FILE (YAML or XLSX) into TARGET, as XLSX where its name ends so, else as YAML. Loses nothing."""
    with i18n.speaking(language):
        found = _loaded(file, language)
        if target.suffix.lower() == ".xlsx":
            target.write_bytes(workbook(found.values, title_text(found.rubric.title)))
        else:
            target.write_text(as_yaml(found.values), "utf-8")
        _remark(found.remarks, language)
        click.echo(i18n.gettext("Written: %(file)s", file=target))


def _district(name: str | None) -> District:
    wanted = select(District).where(District.name == name) if name else select(District)
    if not name:
        wanted = wanted.where(District.id.in_(select(School.district_id)))
    found = db.session.scalars(wanted.order_by(District.id).limit(2)).all()
    if len(found) == 1:
        return found[0]
    words = (
        i18n.gettext("There is no district of this name.")
        if name
        else i18n.gettext("Name the district with --district.")
    )
    click.echo(words, err=True)
    sys.exit(1)


@rating.command("reproduce")
@click.argument("round_id", metavar="ROUND")
@LANGUAGE
def reproduce(round_id: str, language: str) -> None:
    """Score every decided school of ROUND (its id in addresses) again, and compare all it rests on with the log and the
    signed records: exit 1 and name what differs."""
    started = time.monotonic()
    with i18n.speaking(language), reading():
        round_ = db.session.scalar(
            select(Round).where(Round.public_id == round_id).options(joinedload(Round.rubric_version))
        )
        if round_ is None:
            click.echo(i18n.gettext("There is no such round."), err=True)
            sys.exit(1)
        for line in teams.voided_in(round_):
            click.echo(line)
        wrong = False
        for line in reproducing.differences(round_):
            wrong = True
            click.echo(line, err=True)
        if wrong:
            sys.exit(1)
        click.echo(
            i18n.gettext(
                "Scored again: every star and every point is the same, and everything stands as the log says"
                " (%(schools)s schools, %(seconds)s seconds).",
                schools=reproducing.count_of(round_),
                seconds=f"{time.monotonic() - started:.1f}",
            )
        )


@rating.command("baseline")
@LANGUAGE
def baseline(language: str) -> None:
    """Set down fingerprints of schools and rounds that were decided before the log kept any. A second run finds none.

    Whoever's result cannot be reached again from what is stored is named and stays without.
    """
    with i18n.speaking(language):
        rounds, schools, last, wrong = reproducing.set_down_rounds(), 0, 0, False
        db.session.commit()
        while entries := reproducing.without_fingerprints(last):
            last = entries[-1].id
            unlike = reproducing.set_down(entries)
            schools += len(entries) - len(unlike)
            for entry, found in unlike:
                wrong = True
                click.echo(f"{entry.round.public_id} {entry.school.name}: {found[0]}", err=True)
            db.session.commit()
        click.echo(
            i18n.gettext(
                "Fingerprints set down: %(schools)s schools, %(rounds)s rounds.",
                schools=schools,
                rounds=rounds,
            )
        )
    if wrong:
        sys.exit(1)


@rating.command("public-key")
def public_key() -> None:
    """Print the key that anybody checks signed documents with (Ed25519, PEM)."""
    click.echo(signing.public_pem().strip())


@rating.command("verify")
@FILE
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, path_type=Path),
    help="A public key (PEM); else our own.",
)
@LANGUAGE
def verify(file: Path, key_file: Path | None, language: str) -> None:
    """Check a signed document (PDF): exit 0 and print its record when nothing in it was changed, 1 when it was."""
    with i18n.speaking(language):
        try:
            found = signing.read(_bytes(file))
            genuine = found.is_genuine(_key(key_file))
        except ValueError:
            click.echo(i18n.gettext("%(file)s carries no signed record.", file=file), err=True)
            sys.exit(1)
        if not genuine:
            words = i18n.gettext(
                "%(file)s was changed after it was signed, or signed with another key.", file=file
            )
            click.echo(words, err=True)
            sys.exit(1)
        click.echo(i18n.gettext("The signature holds: nothing in %(file)s was changed.", file=file))
        click.echo(json.dumps(restored(found.content), ensure_ascii=False, indent=2, default=str))


def _key(file: Path | None) -> Ed25519PublicKey | None:
    if file is None:
        return None
    found = load_pem_public_key(file.read_bytes())
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError("this is not an Ed25519 key")
    return found


@rating.command("check-export")
@FILE
@LANGUAGE
def check_export(file: Path, language: str) -> None:
    """Score again what stands in FILE, a year-end sheet taken out before, and compare: exit 1 where anything differs."""
    with i18n.speaking(language):
        try:
            found = yearend.taken(file)
            wrong = yearend.differences(found)
        except OSError as error:
            wrong = [i18n.gettext("%(file)s cannot be read: %(reason)s", file=file, reason=error.strerror)]
        except (ValueError, UnreadableError):
            wrong = [i18n.gettext("%(file)s is no year-end sheet of this portal.", file=file)]
        for line in wrong:
            click.echo(line, err=True)
        if wrong:
            sys.exit(1)
        click.echo(
            i18n.ngettext(
                "%(num)s line, scored again: everything is as written.",
                "%(num)s lines, scored again: everything is as written.",
                len(found),
            )
        )


@rating.command("check-draw")
@FILE
@LANGUAGE
def check_draw(file: Path, language: str) -> None:
    """Draw again from FILE, a draw as the public page hands it out (JSON): exit 1 where another team comes out."""
    with i18n.speaking(language):
        try:
            wrong = drawing.wrong_with(json.loads(_bytes(file)))
        except (ValueError, KeyError, TypeError, AttributeError):
            wrong = i18n.gettext("%(file)s is no draw of this portal.", file=file)
        if wrong:
            click.echo(wrong, err=True)
            sys.exit(1)
        click.echo(i18n.gettext("Drawn again: every team is the same."))
