"""What a real browser finds wrong with a page: for everyone's use (axe-core), for narrow screens, for thumbs."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "vendor/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL = """(least) => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter((one) => !one.closest(".unseen, .skip, p") && one.type !== "hidden")
  .map((one) => one.matches("[type=radio], [type=checkbox]") ? one.closest(".choice, .option") : one)
  .filter((one) => { const box = one.getBoundingClientRect();
    return box.width && (box.width < least - 0.5 || box.height < least - 0.5); })
  .map((one) => one.outerHTML.slice(0, 120))"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LEAST_TARGET = 44


def barriers(page: Page) -> list[str]:
    """What axe-core finds, one line each. The context must bypass the content policy to let axe in."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{broken['id']}: {node['html'][:150]}" for broken in found["violations"] for node in broken["nodes"]
    ]


def faults(page: Page) -> list[str]:
    """Barriers, what is wider than the screen, and targets too small for a thumb."""
    found = barriers(page)
    wide = page.evaluate(TOO_WIDE)
    if wide:
        found.append(f"{wide} px wider than the screen")
    return found + [f"a small target: {target}" for target in page.evaluate(SMALL, LEAST_TARGET)]
