"""The design system on one page: every component in every state. Registered in development only."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, Regexp

from portal import i18n
from portal.access import public
from portal.page import Tab
from portal.templating import render

blueprint = Blueprint("styles", __name__)

# Invented people and places; the page shows them as typed, in every language.
LONG_NAME = "阿依古丽·买买提·" * 20
SATURDAY = datetime(2026, 11, 21, 15, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


class SampleForm(Form):  # type: ignore[misc]
    """One field of each kind, empty or as it comes back with errors."""

    name = StringField("姓名", [InputRequired("请填写这一项")])
    nickname = StringField("在家怎么称呼")
    password = PasswordField("密码", [InputRequired("请输入密码")])
    phone = StringField("手机号", [Regexp(r"^\d{11}$", message="手机号应为 11 位数字，您输入了 10 位")])
    story = TextAreaField("聊了什么", [InputRequired("请写一两句聊了什么"), Length(max=200)])
    form = RadioField(
        "您希望怎样见面",
        [InputRequired("请选一种见面的形式")],
        choices=[
            SelectChoice("home", "老师到家里来"),
            SelectChoice("school", "到学校见面"),
            SelectChoice("phone", "电话里聊"),
        ],
    )
    met = SelectMultipleField(
        "见到了谁",
        choices=[
            SelectChoice(value, value) for value in ("妈妈", "爸爸", "外婆", "爷爷", "孩子", "住在一起的姑姑")
        ],
    )
    kind = RadioField(
        "怎么见的",
        [InputRequired("请填写这一项")],
        choices=[
            SelectChoice(value, value) for value in ("入户", "到校", "公共场所", "电话", "视频", "没联系上")
        ],
    )
    school = SelectField(
        "学校", choices=[SelectChoice(value, value) for value in ("望溪小学", "东塔小学", "青石乡中心学校")]
    )
    visited_on = DateField("日期", [InputRequired("请填写这一项")])
    begins_at = TimeField("几点开始", [InputRequired("请填写这一项")])
    minutes = IntegerField("谈了多久", [InputRequired("请填写这一项")])
    sheet = FileField("家长名册")
    agreed = BooleanField("我已读过这份说明", [InputRequired("请勾选后再提交")])


def sample_page() -> SimpleNamespace:
    """What the layouts need, made up from the query: language, elder, theme."""
    elder = request.args.get("elder") == "1"
    tabs = [("今天", "house", True, 0), ("通知", "bell", False, 3), ("课程", "book-open", False, 0)]
    tabs.append(("我的", "user", False, 0))
    return SimpleNamespace(
        language=i18n.current().tag,
        direction=i18n.current().direction,
        languages=list(i18n.LANGUAGES.values()),
        elder=elder,
        theme=request.args.get("theme", "light"),
        signed_in=True,
        nameless=False,
        signs_in=False,
        person_name="李敏",
        hat=SimpleNamespace(id="1", label="班主任 · 三(2)班"),
        hats=[
            SimpleNamespace(id="2", label="家长 · 陈一诺"),
            SimpleNamespace(id="3", label="家委会主任 · 三(2)班"),
        ],
        tabs=tuple(
            Tab(label, icon, f"styles.{icon}", "#", current, badge) for label, icon, current, badge in tabs
        ),
        school_phone="0730-5550123",
        district_name="云溪县",
        flashes=[("done", "已确认收到，谢谢您。")],
        return_to=request.full_path,
    )


def sample_forms() -> dict[str, Any]:
    """A filled form, and one that came back with an error at each field."""
    filled = SampleForm(
        data={
            "name": "赵小满",
            "phone": "13800005678",
            "story": "小满最近自己整理书包，外婆很高兴。外婆盼着小满周末能和爸爸妈妈视频。",
            "form": "school",
            "met": ["外婆", "孩子"],
            "kind": "入户",
            "visited_on": date(2026, 11, 24),
            "begins_at": SATURDAY.time(),
            "minutes": 25,
        }
    )
    wrong = SampleForm(data={"name": LONG_NAME, "phone": "1380000567", "school": "望溪小学"}, prefix="wrong-")
    wrong.validate()
    return {"filled": filled, "wrong": wrong}


def sample_files() -> list[SimpleNamespace]:
    """A file that opens, one the virus check has still to look at, one that it refused."""
    shown = (("周六认树集合地点.jpg", "图片", True, False), ("口腔检查告知书.pdf", "PDF", False, True))
    more = ((f"{LONG_NAME[:60]}的名单.docx", "Word 文档", False, False),)
    return [
        SimpleNamespace(
            public_id=name[:2],
            name=name,
            kind_name=kind,
            size_words="340 KB",
            is_clean=clean,
            is_quarantined=waits,
        )
        for name, kind, clean, waits in (*shown, *more)
    ]


@blueprint.get("/styles")
@public
def index() -> str:
    """Every component in every state; `language`, `elder=1`, `theme` and `layout` in the query change how."""
    layout = request.args.get("layout", "app")
    i18n.speak(i18n.LANGUAGES.get(request.args.get("language", ""), i18n.DEFAULT))
    return render(
        "styles/index.html",
        page=sample_page(),
        layout=layout if layout in ("app", "public", "focus") else "app",
        long_name=LONG_NAME,
        now=SATURDAY,
        files=sample_files(),
        **sample_forms(),
    )
