"""An author adds files to a notice; families open them, nobody else does; a correction keeps the old ones visible."""

import io

from PIL import Image
from sqlalchemy import func, select

from portal.extensions import db
from portal.files.models import File
from portal.notices.models import NoticeFile
from portal.rehearsal.files import NAME
from tests.files import seeds
from tests.files.conftest import add, publish, sent


def files():
    return db.session.scalars(
        select(File).where(File.owner_kind == "notice", File.name != NAME).order_by(File.id)
    ).all()


def test_families_open_what_the_author_added(as_, draft):
    author = as_("林悦", "committee_chair")

    page = add(
        author,
        draft,
        (seeds.picture(exif=seeds.exif()), "集合地点.JPG"),
        (seeds.pdf(), "路线 图.pdf"),
        (seeds.office("docx"), "名单.docx"),
        ("带水\r\n穿运动鞋".encode("gb18030"), "提醒.txt"),
    )

    assert "已添加 4 个文件" in page.text
    publish(draft)
    notice = as_("李晚晴").page(f"/notices/{draft.public_id}")
    opened = {
        name: as_("李晚晴").get(address) for name, address in notice.links.items() if "/files/" in address
    }
    assert list(opened) == [
        "集合地点.jpg图片 · 1 KB",
        "路线 图.pdfPDF · 1 KB",
        "名单.docxWord 文档 · 1 KB",
        "提醒.txt文本 · 1 KB",
    ]
    assert {answer.status_code for answer in opened.values()} == {200}
    text = next(answer for name, answer in opened.items() if name.startswith("提醒"))
    assert text.get_data(as_text=True) == "带水\n穿运动鞋"
    photo = next(answer for name, answer in opened.items() if name.startswith("集合"))
    assert not Image.open(io.BytesIO(photo.get_data())).getexif()
    assert seeds.PLACE_MARK.encode() not in photo.get_data()


def test_nobody_else_learns_that_there_is_a_file(as_, draft):
    add(as_("林悦", "committee_chair"), draft, (seeds.pdf(), "a.pdf"))
    address = f"/files/{files()[0].public_id}"

    assert as_("李晚晴").get(address).status_code == 404, "a draft is nobody's yet"
    publish(draft)
    assert as_("李晚晴").get(address).status_code == 200
    for name, status in (("唐芸", 404), ("郑雅琴", 403), ("吴正清", 404), ("系统管理员", 403)):
        answer = as_(name).get(address)
        assert answer.status_code == status
        absent = as_(name).get("/files/" + "A" * 22)
        assert (absent.status_code, absent.headers["Content-Type"]) == (
            status,
            answer.headers["Content-Type"],
        )
    assert as_(None).get(address).status_code == 302


def test_a_file_is_taken_out_of_a_draft(as_, draft):
    author = as_("林悦", "committee_chair")
    page = add(author, draft, (seeds.pdf(), "a.pdf"))

    page = page.press("去掉")

    assert "已去掉这个文件" in page.text and "a.pdf" not in page.text
    assert files() == []


def test_five_files_are_enough(as_, draft):
    author = as_("林悦", "committee_chair")
    add(author, draft, *((seeds.picture(seed=number), f"{number}.jpg") for number in range(4)))

    page = add(author, draft, (seeds.picture(seed=8), "8.jpg"), (seeds.picture(seed=9), "9.jpg"))

    assert page.status == 422
    assert "最多 5 个文件" in page.text
    assert len(files()) == 4
    full = add(author, draft, (seeds.picture(seed=8), "8.jpg"))
    assert "添加文件" not in full.buttons


def test_the_same_file_twice_is_there_once(as_, draft):
    author = as_("林悦", "committee_chair")
    add(author, draft, (seeds.pdf(), "a.pdf"), (seeds.pdf(), "b.pdf"))

    assert [file.name for file in files()] == ["a.pdf"]


def test_a_draft_that_is_deleted_takes_its_files_along(as_, draft):
    author = as_("林悦", "committee_chair")
    notice_id = draft.id
    add(author, draft, (seeds.pdf(), "a.pdf")).press("删除草稿")

    assert files() == []
    wanted = select(func.count()).select_from(NoticeFile).where(NoticeFile.notice_id == notice_id)
    assert db.session.scalar(wanted) == 0


def test_a_correction_keeps_the_old_files_with_the_old_text(as_, draft):
    author = as_("林悦", "committee_chair")
    add(author, draft, (seeds.pdf(), "旧路线.pdf"), (seeds.picture(), "地图.jpg"))
    publish(draft)
    old = files()[0]
    page = author.page(f"/notices/{draft.public_id}/correction")
    fields = page.fields(page.form_of("发布更正"))

    report = author.send(
        f"/notices/{draft.public_id}/corrections",
        {
            **fields,
            "change": "换了路线",
            "drop": old.public_id,
            "files": [sent(seeds.pdf(catalog=b"/Lang(zh)"), "新路线.pdf")],
        },
        files=True,
    )

    assert "更正已发布" in report.text
    family = as_("李晚晴").page(f"/notices/{draft.public_id}")
    now, former = (
        family.text.split("更正前的内容" if "更正前的内容" in family.text else "之前")[0],
        family.text,
    )
    assert former.count("旧路线.pdf") == 1 and former.count("地图.jpg") == 2
    assert "新路线.pdf" in now
    assert as_("李晚晴").get(f"/files/{old.public_id}").status_code == 200


def test_what_was_typed_stays_when_a_file_is_refused(as_, draft):
    publish(draft)
    author = as_("林悦", "committee_chair")
    page = author.page(f"/notices/{draft.public_id}/correction")
    fields = page.fields(page.form_of("发布更正"))

    page = author.send(
        f"/notices/{draft.public_id}/corrections",
        {**fields, "change": "换了路线", "files": [sent(b"<svg onload=alert(1)>", "图.svg")]},
        files=True,
    )

    assert page.status == 422
    assert "图.svg：不能上传这种文件" in page.text
    assert page.fields(page.form_of("发布更正"))["change"] == ["换了路线"]
    assert files() == []


def test_files_must_be_chosen_again_when_something_else_is_wrong(as_, draft):
    publish(draft)
    author = as_("林悦", "committee_chair")
    page = author.page(f"/notices/{draft.public_id}/correction")
    fields = page.fields(page.form_of("发布更正"))

    page = author.send(
        f"/notices/{draft.public_id}/corrections",
        {**fields, "change": "", "files": [sent(seeds.pdf(), "a.pdf")]},
        files=True,
    )

    assert page.status == 422
    assert "请重新选择文件" in page.text
    assert files() == []


def test_choosing_nothing_is_said_at_the_field(as_, draft):
    page = add(as_("林悦", "committee_chair"), draft)

    assert page.status == 422
    assert "请先选择文件" in page.text
