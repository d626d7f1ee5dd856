"""Every setting that comes from the environment, typed, with its reason."""

import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What an operator may set; names in the environment carry the prefix ``PORTAL_`` except DATABASE_URL."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="ignore")

    instance: Path = Field(
        default=ROOT / "instance", description="Folder for the database, secrets and files."
    )
    database_url: str = Field(
        default="", validation_alias="DATABASE_URL", description="Empty: SQLite in the instance folder."
    )
    secret_key: str = Field(default="", description="Signs cookies; empty: made once in instance/secret-key.")
    development: bool = Field(default=False, description="Shows /styles; never on a public site.")
    https: bool = Field(default=False, description="Cookies only over HTTPS, HSTS on.")
    proxies: int = Field(default=0, ge=0, le=5, description="How many trusted proxies stand in front.")
    trusted_hosts: str = Field(default="", description="Comma-separated host names to answer; empty: any.")
    password_memory_kib: int = Field(default=19_456, description="Argon2id memory; OWASP's floor.")
    database_pooled: bool = Field(default=False, description="A transaction pooler stands before PostgreSQL.")

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy address of the database."""
        if not self.database_url:
            return f"sqlite:///{self.instance / 'portal.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    def resolved_secret_key(self) -> str:
        """The signing key: the one set, or one made on first use in a file only its owner can read."""
        if self.secret_key:
            return self.secret_key
        self.instance.mkdir(parents=True, exist_ok=True)
        path = self.instance / "secret-key"
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(secrets.token_hex(32))
        except FileExistsError:
            pass
        key = path.read_text().strip()
        if not key:
            key = secrets.token_hex(32)
            path.write_text(key)
        return key
