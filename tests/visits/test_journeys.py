"""A visit from the invitation to the step that is ticked off, each part by its own person."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.visits.models import FollowUp, Invitation, InvitationState
from tests.visits.builders import newest, of, pupil, ties, visited, write_page, yesterday


def test_a_visit_is_written_confirmed_remarked_and_followed_up(as_):
    due_on = clock.today() + timedelta(days=3)
    teacher = as_("王雪")
    shown = write_page(teacher, "陈一诺").press(
        "提交家访记录",
        how="in_home",
        met=["child", ties("陈一诺")[0].public_id],
        held_on=yesterday(),
        held_time="18:30",
        until="19:10",
        hopes="一诺爱讲故事。",
        note="作业写得晚。",
        step_1_what="每天共读二十分钟",
        step_1_owner="family",
        step_1_due_on=due_on.isoformat(),
        step_2_what="借一本绘本给一诺",
        step_2_due_on=due_on.isoformat(),
    )
    assert shown.status == 200
    assert "一诺爱讲故事。" in shown.text
    assert "40 分钟" in shown.text

    mother = as_("李晚晴")
    page = mother.page("/visits/family")
    assert "请您确认" in page.text
    read = mother.page(shown.path)
    assert "作业写得晚。" in read.text
    confirmed = read.press("确认，是这样", body="谢谢王老师，一诺很开心。")
    assert "谢谢王老师，一诺很开心。" in confirmed.text
    assert newest().confirmed_at is not None

    father = as_("陈守川").page(shown.path)
    assert "李晚晴" in father.text
    assert "确认，是这样" not in father.buttons

    step = next(step for step in db.session.scalars(select(FollowUp)) if step.what == "每天共读二十分钟")
    mother.page(f"/visits/follow-ups/{step.public_id}").press("我们做到了", line="读了三本。")
    listed = teacher.page("/visits/follow-ups")
    assert "借一本绘本给一诺" in listed.text
    assert "每天共读二十分钟" not in listed.text
    link = next(address for text, address in listed.links.items() if "借一本绘本给一诺" in text)
    after = teacher.page(link).press("完成了", line="周三借了。")
    assert after.path == "/visits/follow-ups"
    assert "周三借了。" in teacher.page(shown.path).text


def test_a_family_takes_one_of_the_times_in_another_way(as_):
    times = [clock.local(clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT18:30") for days in (2, 3)]
    teacher = as_("王雪")
    form = teacher.page(f"/visits/invitations/new?pupil={pupil('林嘉树').public_id}")
    sent = form.press(
        "发出邀请", purpose="聊聊画画", forms=["in_home", "at_school"], time_1=times[0], time_2=times[1]
    )
    assert "等待答复" in sent.text

    mother = as_("林悦", "guardian")
    page = mother.page(sent.path)
    assert "电话" in page.text
    second = page.all("input", name="time")[1].get("value")
    settled = page.press("就这样约", time=second, form="phone")
    assert "已约好" in settled.text

    answered = teacher.page(sent.path)
    assert "电话" in answered.text
    assert "林悦" in answered.text
    written = write_page(teacher, "林嘉树")
    assert (
        next(one for one in written.all("input", name="how") if one.get("checked") is not None).get("value")
        == "phone"
    )


def test_a_declined_invitation_asks_no_reason_and_is_not_repeated(as_):
    invitation = db.session.scalars(select(Invitation).where(Invitation.pupil_id == pupil("陈一诺").id)).one()
    mother = as_("李晚晴")
    page = mother.page(f"/visits/invitations/{invitation.public_id}")
    refusal = page.form_of("暂不方便")
    assert {name for name in page.fields(refusal)} <= {"csrf_token", "once"}

    declined = page.press("暂不方便")

    assert "没关系" in declined.text
    assert "请您答复" not in mother.page("/visits/family").text
    assert "暂不方便" in as_("王雪").page("/visits/?group=declined").text
    db.session.refresh(invitation)
    assert invitation.state == InvitationState.DECLINED


def test_writing_the_visit_down_closes_the_invitation(as_):
    page = write_page(as_("王雪"), "买买提·艾合买提")
    page.press("提交家访记录", how="phone", met=["child"], held_on=yesterday(), held_time="18:00")

    state = select(Invitation.state).where(Invitation.pupil_id == pupil("买买提·艾合买提").id)
    assert db.session.scalar(state) == InvitationState.DONE


def test_a_family_asks_for_a_correction_and_the_teacher_mends_it(as_):
    visit = visited("林嘉树", hopes="嘉树爱跑步。")
    mother = as_("林悦", "guardian")
    asked = mother.page(f"/visits/{visit.public_id}/correction").press(
        "发给老师", body="他爱画画，不爱跑步。"
    )
    assert "等待答复" in asked.text
    assert "确认，是这样" not in asked.buttons

    teacher = as_("王雪")
    assert "请求更正" in teacher.page("/visits/").text
    teacher.page(f"/visits/{visit.public_id}/edit").press("保存修改", hopes="嘉树爱画画。")
    answered = teacher.page(f"/visits/{visit.public_id}").press("发出答复", answer="改好了，谢谢您。")
    assert "改好了，谢谢您。" in answered.text

    again = mother.page(f"/visits/{visit.public_id}")
    assert "嘉树爱画画。" in again.text
    assert "修改了记录" in again.text
    assert "王雪" in again.text
    again.press("确认，是这样")
    assert of("林嘉树").confirmed_at is not None


def test_two_tries_without_an_answer_read_not_reached(as_):
    teacher = as_("王雪")
    for hour in ("17:00", "18:00"):
        write_page(teacher, "陈一诺").press(
            "提交家访记录", how="no_answer", held_on=yesterday(), held_time=hour
        )
    assert newest().counts is False

    page = teacher.page(f"/visits/pupils/{pupil('陈一诺').public_id}")

    assert page.text.count("没联系上") >= 2
    assert "历次家访" in as_("李晚晴").page("/visits/family").text
    assert of("陈一诺").public_id not in as_("李晚晴").page("/visits/family").html
    assert as_("李晚晴").page(f"/visits/{of('陈一诺').public_id}").status == 404
