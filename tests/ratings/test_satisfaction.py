"""Questionnaires decide at most six points of a hundred; a rubric that rests on a document may ask for more, with its reason."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.ratings import satisfaction
from portal.ratings.models import RubricState, RubricVersion
from portal.ratings.rubric import load
from portal.rehearsal.ratings import DEFAULT
from tests.ratings.building import countersigned

TEXT = DEFAULT.read_text("utf-8")
WHY = "《省级家校社协同评估办法》（示例）第九条：满意度占八分。"


def weighing(points):
    """The default rubric with so many points for the questionnaire, taken from the typical cases."""
    text = TEXT[: TEXT.index("cases:")]
    before, cases = text.split("      - id: F1\n")
    cases = cases.replace("points: 6", f"points: {points}", 1)
    head, last = cases.split("      - id: F3\n")
    last = last.replace("points: 3", f"points: {9 - points}", 1).replace(
        "anchors: [0, 1, 2, 3], only_anchors: true", "anchors: []", 1
    )
    return f"{before}      - id: F1\n{head}      - id: F3\n{last}".replace(", anchors: []", "")


@pytest.mark.parametrize(("points", "said"), [(6, None), (7, "7"), (8, "8")])
def test_the_limit_is_six_of_a_hundred(app, points, said):
    found = satisfaction.beyond(load(weighing(points)))
    assert (found is None) if said is None else (f"{said} 分" in found and "6 分" in found), found


def imported(as_):
    page = as_("张建平").page("/ratings/rubrics/new").press("检查并保存", text=weighing(8))
    assert page.status == 200, page.text
    return db.session.scalars(select(RubricVersion).order_by(RubricVersion.id.desc())).first()


def test_importing_says_so_and_signing_asks_for_the_document(as_, app, tmp_path):
    version = imported(as_)
    where = f"/ratings/rubrics/{version.public_id}"
    page = as_("张建平").page(where)
    assert "8 分" in page.text
    assert "8 分" in as_("张建平").page(f"{where}/edit").text
    refused = page.press("发布这份细则", why=" ")
    assert refused.status == 422 and "请写明文件名称" in refused.text
    assert db.session.get(RubricVersion, version.id).state == RubricState.DRAFT
    page = page.press("发布这份细则", why=WHY)
    assert WHY in page.text and "会签" not in page.buttons
    assert WHY in as_("苏敏").page(where).text, "the second person reads it before signing"
    countersigned(as_, where)
    page = as_("张建平").page(where)
    assert db.session.get(RubricVersion, version.id, populate_existing=True).state == RubricState.PUBLISHED
    assert WHY in page.text and "已发布" in page.text

    file = tmp_path / "more.yaml"
    file.write_text(weighing(8), "utf-8")
    for words in (["check", str(file)], ["import", str(file), "--district", "云溪县"]):
        said = app.test_cli_runner().invoke(args=["rubric", *words])
        assert said.exit_code == 0 and "8 分" in said.output, said.output
    file.write_text(TEXT, "utf-8")
    said = app.test_cli_runner().invoke(args=["rubric", "check", str(file)])
    assert said.exit_code == 0 and "问卷" not in said.output.splitlines()[-1]
