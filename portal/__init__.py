"""共育: a home-school co-education portal. ``create_app`` reads as a table of contents."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, url_for
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import (
    access,
    assets,
    commands,
    database,
    errors,
    forms,
    headers,
    i18n,
    logs,
    once,
    origins,
    page,
    policy_reports,
    row_security,
    styles,
    templating,
)
from portal.accounts import sessions, stepping
from portal.accounts import views as accounts
from portal.audit import commands as audit_commands
from portal.audit import views as audit
from portal.backup import backup
from portal.care import views as care
from portal.committees import views as committees
from portal.config import ROOT, Settings
from portal.contacts import views as contacts
from portal.courses import views as courses
from portal.custody import views as custody
from portal.deliveries import commands as deliveries_commands
from portal.deliveries import configuring
from portal.deliveries import views as deliveries
from portal.doctor import doctor
from portal.extensions import db
from portal.files import commands as files_commands
from portal.files import storage
from portal.files import views as files
from portal.files.intake import ACCEPTED
from portal.forms import form_fields
from portal.home import views as home
from portal.jobs import commands as jobs_commands
from portal.jobs import queue
from portal.joining import views as joining
from portal.keys import commands as keys_commands
from portal.keys import keyring
from portal.keys.local_copies import local_copy
from portal.notices import views as notices
from portal.opinions import views as opinions
from portal.privacy import views as privacy
from portal.ratings import commands as ratings_commands
from portal.ratings import views as ratings
from portal.recovery import views as recovery
from portal.rehearsal import commands as rehearsal_commands
from portal.roster import commands as roster_commands
from portal.roster import views as roster
from portal.schools import closing
from portal.schools import commands as schools_commands
from portal.schools import views as schools
from portal.signon import views as signon
from portal.staffing import views as staffing
from portal.surveys import origin as survey_origin
from portal.surveys import views as surveys
from portal.trail import reads
from portal.visits import views as visits

BLUEPRINTS = (
    policy_reports.bp,
    deliveries.bp,
    accounts.bp,
    schools.bp,
    signon.bp,
    roster.bp,
    files.bp,
    joining.bp,
    custody.bp,
    contacts.bp,
    staffing.bp,
    recovery.bp,
    courses.bp,
    visits.bp,
    care.bp,
    notices.bp,
    committees.bp,
    opinions.bp,
    surveys.bp,
    surveys.answers,
    ratings.bp,
    privacy.bp,
    audit.bp,
    home.bp,
)
COMMANDS = (
    commands.access_table,
    doctor,
    backup,
    commands.translations,
    jobs_commands.jobs,
    keys_commands.keys,
    deliveries_commands.deliveries,
    audit_commands.audit,
    schools_commands.rollups,
    schools_commands.district,
    schools_commands.account,
    roster_commands.roster,
    files_commands.files,
    ratings_commands.rubric,
    ratings_commands.rating,
    rehearsal_commands.rehearsal,
)


def create_app(settings: Settings | None = None, **overrides: Any) -> Flask:
    """The portal as a WSGI application; ``overrides`` are Flask configuration, used by tests."""
    settings = settings or Settings()
    app = Flask("portal", root_path=str(ROOT), template_folder="templates", static_folder=None)
    app.config.from_mapping(configuration(settings))
    app.config.update(overrides)
    app.testing = bool(app.config.get("TESTING"))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]

    i18n.compile_catalogues()
    database.init_app(app)
    row_security.init_app(app)
    keyring.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    forms.init_app(app)
    logs.init_app(app)
    sessions.init_app(app)
    origins.init_app(app)
    survey_origin.init_app(app)
    forgery = CSRFProtect(app)
    forgery.exempt(policy_reports.bp)
    forgery.exempt(surveys.answers)
    access.init_app(app)
    stepping.init_app(app)
    closing.init_app(app)
    once.init_app(app)
    queue.init_app(app)
    configuring.init_app(app, settings)
    storage.init_app(app, files_place(settings))
    headers.init_app(app)
    page.init_app(app)
    errors.init_app(app)
    templating.init_app(app)
    reads.init_app(app)
    add_globals(app)

    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.development:
        app.register_blueprint(styles.blueprint)
    for command in COMMANDS:
        app.cli.add_command(command)
    access.refuse_undeclared(app)
    return app


def configuration(settings: Settings) -> Mapping[str, Any]:
    """Flask's configuration from the operator's settings."""
    url = settings.resolved_database_url
    if make_url(url).get_backend_name() == "sqlite":
        settings.instance.mkdir(parents=True, exist_ok=True)
    hosts = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]
    return {
        "SECRET_KEY": settings.secret_key(),
        "INSTANCE": settings.instance,
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.engine_options(url, settings.database_pooled),
        "SESSION_COOKIE_NAME": "__Host-gongyu" if settings.https else "gongyu",
        "SESSION_COOKIE_SECURE": settings.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=30),
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "MAX_CONTENT_LENGTH": 32 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "TRUSTED_HOSTS": hosts or None,
        "PROVIDE_AUTOMATIC_OPTIONS": False,
        "SIGN_ON_HOSTS": frozenset(
            host.strip().lower() for host in settings.sign_on_hosts.split(",") if host.strip()
        ),
        "PASSWORD_MEMORY_KIB": settings.password_memory_kib,
        "MASTER_KEYS_FILE": settings.master_keys_file or settings.instance / "master_keys",
        "SECRET_FILES": settings.secret_files,
        "CLEAR_CONNECTIONS": settings.clear_connections,
        "CIPHER": settings.cipher,
        "ANCHOR_DIR": settings.anchor_dir,
        "ANCHOR_MAILS": settings.anchor_mails,
        "PASSKEY_DOMAIN": settings.passkey_domain,
        "ADMIN_SECOND_FACTOR": settings.admin_second_factor,
        "PASSWORD_PROFILE": settings.password_profile,
        "DEVELOPMENT": settings.development,
        "FILES_ORIGIN": settings.files_origin.rstrip("/"),
        "SURVEY_ORIGIN": settings.survey_origin.rstrip("/"),
        "FILES_IMAGE_BYTES": settings.files_image_mb * 1024 * 1024,
        "FILES_DOCUMENT_BYTES": settings.files_document_mb * 1024 * 1024,
        "CLAMD_ADDRESS": settings.clamd_address,
    }


def files_place(settings: Settings) -> storage.Place:
    """Where files people bring are kept."""
    return storage.Place(
        folder=settings.instance / "files",
        url=settings.files_url,
        endpoint=settings.files_endpoint,
        region=settings.files_region,
        key_id=settings.files_key_id,
        key_file=settings.files_key_file,
        virtual_host=settings.files_virtual_host,
    )


def add_globals(app: Flask) -> None:
    """Names that every template knows; static files are published under names of their content and served in front."""
    published = app.config["INSTANCE"] / "static"
    names = assets.publish(ROOT / "static", published)
    app.extensions["portal.static"] = names
    app.jinja_env.globals.update(
        accepted_files=ACCEPTED,
        form_fields=form_fields,
        local_copy=local_copy,
        static_url=partial(assets.static_url, names),
        url_for=url_for,
    )
    app.wsgi_app = assets.serve(app.wsgi_app, published, headers.of_transport(app))  # type: ignore[method-assign]
