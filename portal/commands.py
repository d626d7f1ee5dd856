"""Commands over the whole portal."""

import click
from flask import Flask, current_app

from portal import access, i18n


@click.command("access-table")
def access_table() -> None:
    """Print who may knock at which address; the agreed table stands in tests/site/access.txt."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    click.echo("\n".join(access.rendered(app)))


@click.group("translations")
def translations() -> None:
    """The catalogues of the three languages."""


@translations.command("compile")
def compile_catalogues() -> None:
    """Compile the catalogues that changed."""
    written = i18n.compile_catalogues()
    click.echo("、".join(written) or "-")
