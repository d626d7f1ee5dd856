"""The channels of this portal, made from the operator's settings. Without any, messages stay in the database."""

from flask import Flask

from portal.config import Settings
from portal.deliveries.channels import Channel, Dry
from portal.deliveries.gateway import Gateway
from portal.deliveries.mail import Mail
from portal.deliveries.models import DRY, MAIL, PHONE


def channels(settings: Settings) -> dict[str, Channel]:
    """Channel by name. Raises ``ValueError`` for settings that contradict each other."""
    made: dict[str, Channel] = {DRY: Dry()}
    if settings.sms_url:
        key = settings.sms_key_file.read_text(encoding="utf-8").strip() if settings.sms_key_file else ""
        made[PHONE] = Gateway(
            settings.sms_url, key, repeatable=settings.sms_repeatable, status_url=settings.sms_status_url
        )
    if settings.smtp_url:
        if not settings.mail_from:
            raise ValueError("PORTAL_SMTP_URL needs PORTAL_MAIL_FROM")
        secret = settings.smtp_password_file
        password = secret.read_text(encoding="utf-8").strip() if secret else ""
        made[MAIL] = Mail(settings.smtp_url, settings.mail_from, password)
    return made


def order(settings: Settings) -> tuple[str, ...]:
    """Which channel is tried first for whoever can be reached by several."""
    wanted = [name.strip() for name in settings.channels.split(",") if name.strip()]
    unknown = set(wanted) - {PHONE, MAIL}
    if unknown or not wanted:
        raise ValueError(
            f"PORTAL_CHANNELS knows sms and email, not {', '.join(sorted(unknown)) or 'nothing'}"
        )
    return tuple(dict.fromkeys(wanted))


def init_app(app: Flask, settings: Settings) -> None:
    """Make the channels once."""
    app.extensions["portal.channels"] = channels(settings)
    app.config.setdefault("CHANNEL_ORDER", order(settings))
    app.config.setdefault("ADDRESS", settings.address)
