"""E-mail over SMTP (RFC 5321) with the standard library."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from portal import clock
from portal.config import THIS_MACHINE
from portal.deliveries.channels import Answer, Fate, Message

SECONDS = 20


class Mail:
    """``smtp://user@host:port`` (STARTTLS), ``smtps://…`` (TLS from the start); the password apart from it.

    Only a server on this machine may go without TLS: elsewhere, a network that hides the offer of STARTTLS would read the
    password and the mail (RFC 8314, 5.1).

    SMTP has no key of the sender's that a server would know again: what is in doubt stays in doubt.
    """

    carries_links = True
    repeatable = False

    def __init__(self, url: str, sender: str, password: str = "") -> None:
        parts = urlsplit(url)
        self.tls = parts.scheme == "smtps"
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.tls else 25)
        self.user = unquote(parts.username or "")
        self.password = password or unquote(parts.password or "")
        self.sender = sender

    def written(self, message: Message) -> EmailMessage:
        """The message as it goes out; headers are encoded by the library, so no value can add one."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = message.recipient
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = f"<{message.key}@{self.sender.rpartition('@')[2].rstrip('>') or 'localhost'}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text, charset="utf-8", cte="base64")
        return mail

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
            elif self.host not in THIS_MACHINE:
                server.close()
                raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
        if self.user:
            server.login(self.user, self.password)
        return server

    def deliver(self, message: Message) -> Answer:
        """Hand it to the server. Before the text is sent every failure is certain; after it, silence is doubt."""
        try:
            server = self._open()
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Fate.LATER, problem=type(error).__name__)
        try:
            return self._hand_over(server, message)
        finally:
            server.close()

    def _hand_over(self, server: smtplib.SMTP, message: Message) -> Answer:
        sender = self.sender.rpartition("<")[2].rstrip(">")
        try:
            server.ehlo_or_helo_if_needed()
            for code in (server.mail(sender)[0], server.rcpt(message.recipient)[0]):
                if code not in (250, 251):
                    return Answer(Fate.LATER if code < 500 else Fate.REFUSED, problem=f"smtp {code}")
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Fate.LATER, problem=type(error).__name__)
        try:
            code = server.data(self.written(message).as_bytes())[0]
        except smtplib.SMTPDataError as error:
            return Answer(
                Fate.LATER if error.smtp_code < 500 else Fate.REFUSED, problem=f"smtp {error.smtp_code}"
            )
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Fate.DOUBTFUL, problem=type(error).__name__)
        if code != 250:
            return Answer(Fate.LATER if code < 500 else Fate.REFUSED, problem=f"smtp {code}")
        return Answer(Fate.TAKEN, message.key)

    def taken(self, key: str) -> bool | None:
        """A mail server cannot be asked."""
        return None
