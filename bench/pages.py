"""The pages that are measured, and who looks at them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page by its name in the table, its path, and the account name of the person who opens it."""

    name: str
    path: str
    account: str


PAGES = (Page("parent home", "/", "liwanqing"),)
