"""``flask rehearsal …``: fill an empty portal with the rehearsal district."""

import click
from flask.cli import AppGroup
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.extensions import db
from portal.rehearsal import files, rosters, town

rehearsal = AppGroup(
    "rehearsal", help="The rehearsal district: invented people for training and demonstration."
)

ACCOUNTS = (
    ("家长", "李晚晴", "liwanqing"),
    ("祖辈（长辈模式）", "周桂兰", "zhouguilan"),
    ("班主任（也是家长）", "王雪", "wangxue"),
    ("家委会主任", "林悦", "linyue"),
    ("学校办公室", "何静", "hejing"),
    ("校长", "孙立德", "sunlide"),
    ("讲师", "郑雅琴", "zhengyaqin"),
    ("评审甲", "吴正清", "wuzhengqing"),
    ("评审乙", "冯秀英", "fengxiuying"),
    ("教育局工作人员", "张建平", "zhangjianping"),
    ("个人信息保护审计员", "秦守正", "qinshouzheng"),
    ("系统管理员", "系统管理员", "admin"),
)


@rehearsal.command("load")
def load() -> None:
    """Load the rehearsal district if the database holds nobody; otherwise leave everything as it is."""
    if db.session.scalar(select(func.count(Person.id))):
        click.echo("数据库里已有人员，没有载入演练数据。")
        return
    town.build()
    db.session.commit()
    rosters.bring()
    files.attach()
    click.echo("已载入演练县“云溪县”，人物和学校均为虚构。")


@rehearsal.command("accounts")
def accounts() -> None:
    """Print one account of each role and their common password."""
    if not db.session.scalar(select(Person.id).where(Person.account_name == "liwanqing")):
        return
    click.echo(f"演练账号（密码都是 {town.PASSWORD}）：")
    for role, name, account in ACCOUNTS:
        click.echo(f"  {account:<16}{name}  {role}")
