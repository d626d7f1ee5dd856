"""Every setting that comes from the environment, typed, with its reason."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
ENCRYPTED = ("require", "verify-ca", "verify-full")
"""What ``sslmode`` of PostgreSQL never goes without TLS."""


def _is_elsewhere(url: str) -> bool:
    host = urlsplit(url).hostname
    return host is not None and host not in THIS_MACHINE


class Settings(BaseSettings):
    """What an operator may set; INSTANCE_DIR, DATABASE_URL and SECRET_KEY_FILE by these names, the rest as ``PORTAL_…``."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="ignore", populate_by_name=True)

    instance: Path = Field(
        default=ROOT / "instance",
        validation_alias="INSTANCE_DIR",
        description="Folder for the database, secrets and files.",
    )
    database_url: str = Field(
        default="", validation_alias="DATABASE_URL", description="Empty: SQLite in the instance folder."
    )
    secret_key_file: Path | None = Field(
        default=None,
        validation_alias="SECRET_KEY_FILE",
        description="File with the key that signs cookies; made on first use. Default: instance/secret_key.",
    )
    development: bool = Field(default=False, description="Shows /styles; never on a public site.")
    https: bool = Field(default=False, description="Cookies only over HTTPS, HSTS on.")
    proxies: int = Field(default=0, ge=0, le=5, description="How many trusted proxies stand in front.")
    trusted_hosts: str = Field(default="", description="Comma-separated host names to answer; empty: any.")
    password_memory_kib: int = Field(default=19_456, description="Argon2id memory; OWASP's floor.")
    address: str = Field(
        default="",
        description="The address people know, https://…; for links in e-mails and for single sign-on.",
    )
    sign_on_hosts: str = Field(
        default="",
        description="Comma-separated hosts (with port) of single sign-on the portal may speak with.",
    )
    channels: str = Field(default="sms,email", description="Which way out is tried first: sms, email.")
    smtp_url: str = Field(
        default="", description="smtp:// or smtps://, with user and port; empty: no e-mail."
    )
    smtp_password_file: Path | None = Field(default=None, description="File with the mail server's password.")
    mail_from: str = Field(default="", description="The sender of e-mails.")
    sms_url: str = Field(default="", description="Where text messages are handed over; empty: none are sent.")
    sms_key_file: Path | None = Field(default=None, description="File with the gateway's key.")
    sms_repeatable: bool = Field(
        default=False, description="The gateway takes one Idempotency-Key once only."
    )
    sms_status_url: str = Field(default="", description="Where the gateway tells whether it has a key.")
    password_profile: Literal["default", "djbh"] = Field(
        default="default",
        description="djbh: staff also need three kinds of characters and a new password every 180 days.",
    )
    passkey_domain: str = Field(
        default="",
        description="The name passkeys are bound to; empty: the host people open the portal under.",
    )
    admin_second_factor: bool = Field(
        default=True, description="System administrators need a second factor (not in a rehearsal)."
    )
    database_pooled: bool = Field(default=False, description="A transaction pooler stands before PostgreSQL.")
    master_keys_file: Path | None = Field(
        default=None,
        description="File of the master keys that open sealed fields. Default: instance/master_keys.",
    )
    anchor_dir: Path | None = Field(
        default=None, description="Folder on write-once storage to which anchors of the log are appended."
    )
    anchor_mails: str = Field(
        default="", description="Mailboxes outside the operator's reach that get every anchor, with commas."
    )
    cipher: Literal["aes-256-gcm", "sm4-gcm"] = Field(
        default="aes-256-gcm", description="Cipher of newly sealed fields."
    )

    files_url: str = Field(
        default="",
        description="Where files people bring are kept, sealed: s3://bucket or s3://bucket/prefix; empty: instance/files.",
    )
    files_endpoint: str = Field(
        default="", description="Address of the S3-compatible storage; empty: Amazon's."
    )
    files_region: str = Field(default="", description="Region of the storage; empty: us-east-1.")
    files_key_id: str = Field(default="", description="Access key id for the storage.")
    files_key_file: Path | None = Field(
        default=None, description="File with the secret access key for the storage."
    )
    files_virtual_host: bool = Field(
        default=False, description="The bucket is part of the storage's host name, as on OSS and COS."
    )
    files_origin: str = Field(
        default="", description="Own origin for files, such as https://files.example.cn; empty: the portal's."
    )
    survey_origin: str = Field(
        default="",
        description="Own origin for answering questionnaires, such as https://answer.example.cn; empty: the portal's.",
    )
    files_image_mb: int = Field(default=15, ge=1, le=30, description="Largest picture, in MB.")
    files_document_mb: int = Field(default=20, ge=1, le=30, description="Largest document, in MB.")
    clamd_address: str = Field(
        default="",
        description="Virus scanner clamd: unix:/run/clamav/clamd.ctl or host:3310; empty: none. If set, nothing is shown that it has not passed.",
    )

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy address of the database."""
        if not self.database_url:
            return f"sqlite:///{self.instance / 'portal.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that hold a secret, beside the master keys: only their owner should be able to read them."""
        given = (self.smtp_password_file, self.sms_key_file, self.files_key_file)
        own = self.secret_key_file or self.instance / "secret_key"
        return (own, *(path for path in given if path is not None))

    @property
    def clear_connections(self) -> tuple[str, ...]:
        """The settings by which something leaves this machine without TLS. Mail insists on it by itself."""
        gateways = {
            "PORTAL_SMS_URL": self.sms_url,
            "PORTAL_SMS_STATUS_URL": self.sms_status_url,
            "PORTAL_FILES_ENDPOINT": self.files_endpoint,
        }
        found = [name for name, url in gateways.items() if url.startswith("http://") and _is_elsewhere(url)]
        if self.clamd_address and not self.clamd_address.startswith("unix:"):
            found += ["PORTAL_CLAMD_ADDRESS"] if _is_elsewhere(f"tcp://{self.clamd_address}") else []
        database = self.resolved_database_url
        mode = parse_qs(urlsplit(database).query).get("sslmode", [""])[-1]
        if database.startswith("postgresql") and _is_elsewhere(database) and mode not in ENCRYPTED:
            found.append("DATABASE_URL")
        return tuple(found)

    def secret_key(self) -> str:
        """The key that signs cookies: read from its file, made on first use so that only its owner can read it."""
        path = self.secret_key_file or self.instance / "secret_key"
        path.parent.mkdir(parents=True, exist_ok=True)
        key = path.read_text().strip() if path.exists() else ""
        if key:
            return key
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(name, path)
        except FileExistsError:
            if not path.read_text().strip():
                Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        return path.read_text().strip()
