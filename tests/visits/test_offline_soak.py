"""Rounds at doors without a network, each by chance: nothing that the phone has kept is lost, nothing is written twice."""

import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, TimeoutError, expect
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.models import File
from portal.privacy import consents
from portal.privacy.purposes import PURPOSES
from portal.schools.models import Guardianship
from portal.visits.drafts import DraftClash, VisitDraft
from portal.visits.models import Visit, VisitPart
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.builders import person, pupil
from tests.visits.inside import inside
from tests.visits.phones import VISITS, Phone, tells

pytestmark = pytest.mark.browser
WAYS = ("电话", "到校", "视频")
PATIENCE = 90
LONGEST_HAND_OVER = 600
"""Seconds. After five failures in a row a phone waits 45 at most before it tries again; a dozen may come."""
Texts = dict[str, list[str]]


class Round:
    """One day: a joint visit, one with a clash, one attempt; kills, an upgrade and a bad network come by chance."""

    def __init__(self, phone: Phone, network: Flaky, number: int, names: list[str]) -> None:
        self.phone, self.network, self.number = phone, network, number
        self.chance = Random(number)
        self.joint, self.clash, self.attempt = self.chance.sample(names, 3)
        self.mark = f"第{number}轮{uuid.uuid4().hex[:8]}"
        self.has_photo = number % 2 == 0
        self.kills = self.stalls = 0
        self.slowest = 0.0

    def kill(self, share: float) -> None:
        """Perhaps kill the browser and start it again."""
        if self.chance.random() < share:
            self.kills += 1
            self.phone.kill()
            self.phone.start()
            self.open()

    def take_along(self) -> None:
        """With a browser that hangs on the way, do what its owner does: end it and start again."""
        try:
            self.phone.take_along(self.joint, self.clash, self.attempt)
        except TimeoutError:
            self.stalls += 1
            self.phone.kill()
            self.phone.start()
            self.phone.take_along(self.joint, self.clash, self.attempt)

    def open(self) -> None:
        self.phone.open()
        self.phone.page.locator("[data-list]:visible").wait_for()

    def at_the_doors(self) -> dict[str, str]:
        """Everything is told without a network; returns pupil → client id of what waits on the phone."""
        chance, network, phone = self.chance, self.network, self.phone
        network.bad = False
        self.take_along()
        phone.unlock()
        phone.page.locator("[data-list]:visible").wait_for()
        network.off = True
        doors = [
            self.joint_visit,
            lambda: phone.write(self.attempt, "没联系上"),
            lambda: phone.write(self.clash, chance.choice(WAYS), f"{self.mark}手机", finish=False),
        ]
        chance.shuffle(doors)
        for door in doors:
            door()
            self.kill(0.25)
        phone.page.locator("[data-families] a.row", has_text=self.clash).click()
        expect(phone.page.get_by_label("孩子的优点和家里的期盼")).to_have_value(
            f"{self.mark}手机", timeout=PATIENCE * 1000
        )
        phone.page.get_by_role("button", name="提交这次家访").click()
        phone.page.locator("[data-list]:visible").wait_for()
        waiting = f"{3 + self.has_photo} 条"
        expect(phone.page.locator("[data-count]")).to_contain_text(waiting, timeout=PATIENCE * 1000)
        return dict(phone.page.evaluate(VISITS))

    def joint_visit(self) -> None:
        """A visit with a colleague, perhaps with a photo."""
        phone = self.phone
        if self.has_photo:
            phone.page.locator("[data-families] a.row", has_text=self.joint).click()
            phone.add_photo("photo.jpg")
            phone.page.get_by_role("button", name="全部家庭").click()
            phone.page.locator("[data-list]:visible").wait_for()
        phone.write(self.joint, self.chance.choice(WAYS), f"{self.mark}一同")

    def meanwhile(self, visits: dict[str, str]) -> None:
        """What others write, and a shell that is another than before."""
        tells("刘明远", self.joint, visits[pupil(self.joint).public_id], f"{self.mark}同事", finish=True)
        tells("王雪", self.clash, visits[pupil(self.clash).public_id], f"{self.mark}平板", finish=False)
        teacher = person("王雪")
        teacher.theme = "light" if teacher.theme == "dark" else "dark"
        db.session.commit()

    def hand_over(self) -> None:
        """Back on a network that treats most operations badly, until the phone says that all is with the portal."""
        network = self.network
        network.off, network.bad = False, True
        network.share = self.chance.uniform(0.05, 0.14)
        self.open()
        if self.chance.random() < 0.4:
            time.sleep(self.chance.uniform(0, 2))
            self.kill(1)
        phone_says = self.phone.page.locator("[data-count]")
        why = self.phone.page.locator("[data-why]")
        begun = time.monotonic()
        while phone_says.inner_text() != "都已传到平台。":
            told = (phone_says.inner_text(), why.inner_text(), network.counts)
            assert time.monotonic() < begun + LONGEST_HAND_OVER, told
            if "登录" in why.inner_text():
                self.phone.sign_in()
                self.open()
            time.sleep(0.2)
        self.slowest = time.monotonic() - begun
        self.network.bad = False

    def check(self, visits: dict[str, str], written: int) -> None:
        """Three visits more, each text and photo once, the second text of one field beside the first."""
        ids = list(visits.values())
        found = db.session.scalars(select(Visit).where(Visit.client_id.in_(ids))).all()
        assert len(found) == 3
        assert len(db.session.scalars(select(Visit.id)).all()) == written + 3
        keys = {visit.id: visit.client_id for visit in found}
        texts: Texts = {key: [] for key in ids}
        for part in db.session.scalars(select(VisitPart).where(VisitPart.visit_id.in_(keys))):
            texts[keys[part.visit_id]] += [part.hopes] if part.hopes else []
        beside: Texts = {key: [] for key in ids}
        drafts = {
            one.id: one.client_id
            for one in db.session.scalars(select(VisitDraft).where(VisitDraft.client_id.in_(ids)))
        }
        for one in db.session.scalars(select(DraftClash).where(DraftClash.draft_id.in_(drafts))):
            beside[drafts[one.draft_id]] += [one.value] if one.field == "hopes" else []
        of = {name: visits[pupil(name).public_id] for name in (self.joint, self.clash, self.attempt)}
        assert sorted(texts[of[self.joint]]) == sorted([f"{self.mark}一同", f"{self.mark}同事"])
        both = [*texts[of[self.clash]], *beside[of[self.clash]]]
        assert sorted(both) == sorted([f"{self.mark}手机", f"{self.mark}平板"])
        assert len(texts[of[self.clash]]) == 1
        held = select(File.owner_id).where(File.owner_kind == "visit", File.owner_id.in_(keys))
        photos = [keys[visit] for visit in db.session.scalars(held)]
        assert photos == [of[self.joint]] * self.has_photo
        outcomes = {visit.client_id: visit.outcome for visit in found}
        assert (texts[of[self.attempt]], outcomes[of[self.attempt]]) == ([], "no_answer")


def names_in(phone: Phone, network: Flaky) -> list[str]:
    """The pupils of the class with whom no meeting is agreed."""
    phone.page.goto(f"{network.address}/visits/take-along")
    found = phone.page.locator("fieldset ~ details .choice label").all_text_contents()
    return [text.strip() for text in found]


def everybody_allows_photos() -> None:
    """Every guardian who answers for a child has agreed."""
    ties = db.session.scalars(select(Guardianship).options(joinedload(Guardianship.pupil))).all()
    number = PURPOSES[Purpose.VISIT_PHOTO].on(clock.today()).number
    for tie in ties:
        with suppress(RuleBroken):
            consents.answer(tie.pupil, tie.person_id, Purpose.VISIT_PHOTO, number, True, at=clock.now())
    db.session.commit()


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(range(2), id="2"),
        # Five hundred rounds; in hundreds, so that a portal, a phone and their storage also begin anew.
        *(
            pytest.param(
                range(first, first + 100),
                id=f"{first}-{first + 99}",
                marks=[pytest.mark.soak, pytest.mark.timeout(14400)],
            )
            for first in range(0, 500, 100)
        ),
    ],
)
def test_rounds_by_chance(
    town_in: Callable[[Path], Path], tmp_path: Path, chromium: Browser, numbers: range
) -> None:
    folder = town_in(tmp_path / "portal")
    settings = {"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    kills = stalls = 0
    slowest = 0.0
    with (
        Portal(folder, workers=1, settings=settings) as portal,
        Flaky(("127.0.0.1", portal.port), seed=5 + numbers.start, only=("/drafts", "/photos")) as network,
        inside(portal),
    ):
        # Drafts that the town's teacher began elsewhere would come along.
        db.session.execute(delete(VisitDraft).where(VisitDraft.finished_at.is_(None)))
        db.session.commit()
        phone = Phone(chromium, tmp_path / "profile", network, PATIENCE * 1000)
        try:
            phone.sign_in()
            names = names_in(phone, network)
            everybody_allows_photos()
            for number in numbers:
                day = Round(phone, network, number, names)
                written = len(db.session.scalars(select(Visit.id)).all())
                # Whoever holds a transaction open keeps the portal from writing.
                db.session.rollback()
                visits = day.at_the_doors()
                phone.kill()
                day.meanwhile(visits)
                phone.start()
                day.hand_over()
                db.session.rollback()
                day.check(visits, written)
                db.session.rollback()
                kills, stalls = kills + day.kills + 1, stalls + day.stalls
                slowest = max(slowest, day.slowest)
                told = f"{kills} kills, {stalls} stalls, slowest {slowest:.0f} s, {network.counts}"
                sys.stderr.write(f"round {number}: {told}\n")
        finally:
            phone.kill()
    if len(numbers) > 2:
        assert all(network.counts.values()), network.counts
