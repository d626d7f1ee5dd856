"""The pages that are measured, and who looks at them."""

from dataclasses import dataclass

CITY_ACCOUNT = "city"


@dataclass(frozen=True)
class Page:
    """A page by its name in the table, its path, and the account name of the person who opens it.

    With ``follow`` it is the first page that ``path`` links to under that beginning.
    """

    name: str
    path: str
    account: str
    follow: str = ""


PAGES = (
    Page("parent home", "/", "liwanqing"),
    Page("visit list", "/visits/", "wangxue"),
    Page("notice page", "/", "liwanqing", follow="/notices/"),
    Page("district board", "/", "zhangjianping"),
    Page("whole-city board", "/", CITY_ACCOUNT),
)
