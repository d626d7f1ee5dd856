"""``flask rubric``: check a rating scheme, and score facts with it."""

import json
import sys
from pathlib import Path
from typing import NoReturn

import click
from flask.cli import AppGroup

from portal import i18n
from portal.ratings.rubric import Problem, Rubric, RubricError, as_json, failed_cases, load, read_json
from portal.ratings.rubric import score as scored

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


def _loaded(file: Path, language: str) -> Rubric:
    try:
        return load(_bytes(file))
    except RubricError as error:
        _stop(error.problems, file, language)


@rubric.command("check")
@FILE
@LANGUAGE
def check(file: Path, language: str) -> None:
    """Check the rubric in FILE: exit 0 with a summary when it is right, 1 with every problem in words when not."""
    with i18n.speaking(language):
        found = _loaded(file, language)
        if problems := failed_cases(found):
            _stop(problems, file, language)
        for message in found.summary():
            click.echo(message.text(i18n.gettext, language))


@rubric.command("score")
@FILE
@click.argument("inputs", type=click.Path(path_type=Path))
@LANGUAGE
def score(file: Path, inputs: Path, language: str) -> None:
    """Score the facts in INPUTS (JSON) with the rubric in FILE: the result as JSON, or exit 1 with words."""
    with i18n.speaking(language):
        found = _loaded(file, language)
        try:
            result = scored(found, read_json(_bytes(inputs)))
        except RubricError as error:
            _stop(error.problems, inputs, language)
        click.echo(json.dumps(as_json(result, i18n.gettext, language), ensure_ascii=False, indent=2))
