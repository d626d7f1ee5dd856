"""Forms: messages in the person's language, forgiving of spaces and full-width digits, everything typed kept."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from wtforms import FileField, StringField, TextAreaField
from wtforms.validators import ValidationError

from portal import i18n, once
from portal.i18n import gettext as _
from portal.i18n import no_op

CONTROL = {chr(code) for code in range(32)} - {"\n", "\t"} | {chr(127)}
HIDDEN = {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"}


def init_app(app: Flask) -> None:
    """Hold every ordinary form to the limit of form fields; Werkzeug keeps to it in multipart forms only."""

    @app.before_request
    def limit_form() -> None:
        if request.mimetype == "application/x-www-form-urlencoded":
            request.max_content_length = app.config["MAX_FORM_MEMORY_SIZE"]


def form_fields() -> Markup:
    """The hidden inputs of every form that changes something: the forgery token and the once-key."""
    # Both are letters, digits and "-_." only; Markup.format would cost more than making them.
    return Markup(f'<input type="hidden" name="csrf_token" value="{generate_csrf()}">') + once.field()


def tidy(text: str | None) -> str | None:
    """What a person typed, without stray spaces at the ends and with one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip() if text else text


def half_width(text: str | None) -> str | None:
    """Full-width digits, letters and signs as their plain forms (１３８ → 138); for numbers, dates and codes only."""
    return unicodedata.normalize("NFKC", text).strip() if text else text


def refuse_control_characters(_form: Any, field: Any) -> None:
    """Refuse characters that cannot be seen and break exports: NUL, controls, overrides of direction."""
    if field.data and (CONTROL | HIDDEN).intersection(field.data):
        raise ValidationError(
            _("The text holds characters that cannot be shown. Type it again instead of pasting.")
        )


def _clean(kind: type[Any]) -> type[Any]:
    class Clean(kind):  # type: ignore[misc]
        def __init__(self, label: Any = None, validators: Sequence[Any] = (), **named: Any) -> None:
            filters = [*named.pop("filters", ()), tidy]
            super().__init__(label, [refuse_control_characters, *validators], filters=filters, **named)

        def process_formdata(self, valuelist: list[str]) -> None:
            # InputRequired looks at what was sent; spaces alone are nothing.
            self.raw_data = [tidy(value) or "" for value in valuelist]
            super().process_formdata(self.raw_data)

    Clean.__name__ = f"Clean{kind.__name__}"
    return Clean


class _Translations:
    """WTForms' own sentences, looked up in the portal's catalogue."""

    def gettext(self, message: str) -> str:
        return i18n.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        if "valid choice" in singular:
            # The message of a forged choice among several would repeat what was sent.
            return i18n.gettext("Not a valid choice.")
        return i18n.catalogue(i18n.current()).ungettext(singular, plural, number)


LineField = _clean(StringField)
TextField = _clean(TextAreaField)


FILES_AGAIN = "files_again"
"""Sent along after a proof when the form had files: what was typed was kept, the files were not."""


class PortalForm(FlaskForm):  # type: ignore[misc]
    """A form of the portal. Forgery is checked once for the whole app, before any view."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False

        def get_translations(self, form: Any) -> _Translations:
            return _Translations()

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether everything in it holds. Files that were sent before a proof are asked for again: a page cannot keep them."""
        holds = bool(super().validate(extra_validators))
        if FILES_AGAIN not in request.form:
            return holds
        for field in self:
            if isinstance(field, FileField) and not field.data and not field.errors:
                field.errors = [i18n.gettext("Choose the files again, please: a browser forgets them.")]
                holds = False
        return holds

    def sent_and_valid(self) -> bool:
        """Whether this request sends the form and everything in it holds."""
        return request.method == "POST" and bool(self.validate())

    def problems(self) -> Iterable[tuple[str, str]]:
        """(id of the field, message) of everything that does not hold, for the summary on top."""
        for field in self:
            for message in field.errors:
                yield field.id, message if isinstance(message, str) else str(message)
        for message in self.form_errors:
            yield "", str(message)


WTFORMS_SENTENCES = (
    no_op("This field is required."),
    no_op("Not a valid choice."),
    no_op("Invalid Choice: could not coerce."),
    no_op("Not a valid date value."),
    no_op("Not a valid time value."),
    no_op("Not a valid datetime value."),
    no_op("Not a valid integer value."),
    no_op("Not a valid decimal value."),
)
"""Sentences that WTForms itself may say."""
