"""The page in a real browser: what people click, type, link to and hear read out, on few findings and on many."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from report_values import NOON, october

from thunderguard.catalogue import load_catalogue
from thunderguard.model import Origin, Report, Waived
from thunderguard.recorded import Recorded, changes
from thunderguard.reports.html import render
from thunderguard.reports.setting import PlannedStep, Setting

SETTING = Setting(rules=load_catalogue().rules, exit_code=1, version="1.2.3", clock=lambda: NOON)
MANY = 10_000
PATCH = "web:\n  resources:\n    limits:\n      cpu: 500m"
ORIGIN = Origin(
    "chart/templates/web.yaml",
    27,
    ("web.resources", *"abcd"),
    f"{PATCH}\n",
    None,
    "once the rest is mended",
    "a manifest",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "install Debian's chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@dataclass
class Shown:
    """An open page, and what went wrong on it."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        return self.page.locator("tr.finding .message").all_inner_texts()

    @property
    def count(self) -> str:
        return self.page.locator("#count").inner_text()

    def follow(self, fragment: str) -> None:
        self.page.goto(f"{self.address}{fragment}")


Show = Callable[..., Shown]


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Give a function that opens a report as a page; afterwards nothing may have been complained about or loaded."""
    shown: list[Shown] = []

    def opened(report: Report, fragment: str = "", *, setting: Setting = SETTING, **options: Any) -> Shown:
        file = tmp_path / f"{len(shown)}.html"
        file.write_bytes(render(report, setting))
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        one = Shown(context.new_page(), file.as_uri())

        def asked(request: Request) -> None:
            if not request.url.startswith((one.address, "data:")):
                one.faults.append(f"loads {request.url}")

        one.page.on("request", asked)
        one.page.on("console", lambda said: one.faults.append(said.text))
        one.page.on("pageerror", lambda error: one.faults.append(str(error)))
        one.follow(fragment)
        shown.append(one)
        return one

    yield opened
    for one in shown:
        one.page.context.close()
        assert not one.faults


def lively() -> tuple[Report, Setting]:
    """Give a report and setting with every part that a page can have."""
    report = october()
    first, *others, last = of_chart(ORIGIN, replace(ORIGIN, patch=None, option="--namespace thunderline")).findings
    waived = replace(last, waived=Waived("moving to the new cluster", "ann", "2025-12-31"))
    before = Recorded(
        "last week", (first, *others[:6], replace(first, fingerprint="gone")), frozenset(), incomplete=False
    )
    report = replace(report, findings=(first, *others, waived), known=before.fingerprints)
    step = PlannedStep(
        title="uninstall thunder",
        reason="a deprecated chart",
        commands=("helm get all thunder", "helm uninstall thunder -n cerebros"),
        resolves=(first.fingerprint, others[0].fingerprint),
        warnings=("mlflow keeps nothing elsewhere",),
        back=("helm rollback thunder 1",),
    )
    by_hand = PlannedStep(title="choose an image", by_hand=True, resolves=(waived.fingerprint,))
    after = Recorded.of("", replace(report, problems=()))
    known = replace(before, rules=after.rules)
    setting = replace(SETTING, plan=(step, by_hand), changes=changes(known, after), compared="last week")
    return report, setting


def of_chart(*origins: Origin) -> Report:
    """Give a report whose first findings have these origins."""
    report = october()
    told = [
        replace(one, origin=origin, file=origin.template, line=origin.line)
        for one, origin in zip(report.findings, origins, strict=False)
    ]
    return replace(report, findings=(*told, *report.findings[len(told) :]))


def many() -> Report:
    report = october()
    found = [
        replace(one, resource=replace(one.resource, name=f"{one.resource.name}-{turn}"), fingerprint=f"{turn}-{place}")
        for turn in range(MANY // len(report.findings) + 1)
        for place, one in enumerate(report.findings)
    ]
    return replace(report, findings=tuple(found[:MANY]))


def test_all_findings_are_shown_heaviest_rules_first(show: Show) -> None:
    shown = show(october())
    assert shown.count == "14 findings"
    assert sorted(shown.messages) == sorted(one.message for one in october().findings)
    rules = shown.page.locator(".group .mono").all_inner_texts()
    assert rules[0] == "deprecated-chart"
    assert rules[-1] == "undeclared-workload"


def test_filters_meet_and_stand_in_the_address(show: Show) -> None:
    shown = show(october())
    shown.page.locator("#rule").select_option("singleton-service")
    assert shown.count == "2 of 14 findings"
    shown.page.locator("#namespace").select_option("thunder")
    assert shown.count == "1 of 14 findings"
    assert shown.page.url.endswith("#rule=singleton-service&namespace=thunder")
    shown.page.locator("input[value=warn]").check()
    expect(shown.page.get_by_text("No finding matches these filters")).to_be_visible()
    shown.page.get_by_role("button", name="Clear").click()
    assert shown.count == "14 findings"
    assert "#" not in shown.page.url


def test_a_link_with_filters_opens_so(show: Show) -> None:
    shown = show(october(), "#level=warn&q=missing&group=owner")
    assert shown.count == "1 of 14 findings"
    assert shown.page.locator("#q").input_value() == "missing"
    assert shown.page.locator("input[value=warn]").is_checked()
    assert shown.page.locator("#group").input_value() == "owner"


@pytest.mark.parametrize(
    "fragment", ["#rule=no-such", "#level=none&group=none&step=99", "#f-none", "#=%E0%A4%A", "#map"]
)
def test_a_link_to_what_is_not_there_leaves_a_page_that_works(show: Show, fragment: str) -> None:
    shown = show(october(), fragment)
    shown.page.get_by_role("button", name="Clear").click()
    assert shown.count == "14 findings"


@pytest.mark.parametrize(
    ("words", "number"), [("mlflow AWAY", 2), ("thunder/deployment", 2), ("imagepullbackoff", 1), ("", 14), ("zzz", 0)]
)
def test_search_takes_every_word_whatever_its_case(show: Show, words: str, number: int) -> None:
    shown = show(october())
    shown.page.locator("#q").fill(words)
    assert len(shown.messages) == number


def test_a_cell_of_the_map_shows_its_findings(show: Show) -> None:
    shown = show(october())
    shown.page.locator(".map .cell.failing").click()
    assert shown.page.locator("#namespace").input_value() == "thunderline"
    assert shown.page.locator("#service").input_value() == "web"
    assert shown.count == "3 of 14 findings"
    expect(shown.page.get_by_role("heading", name="Findings")).to_be_in_viewport()
    # The same cell once more, after other filters.
    shown.page.get_by_role("button", name="Clear").click()
    shown.page.locator(".map .cell.failing").click()
    assert shown.count == "3 of 14 findings"


@pytest.mark.parametrize(("by", "groups"), [("rule", 11), ("namespace", 4), ("owner", 10)])
def test_grouping(show: Show, by: str, groups: int) -> None:
    report = october()
    shown = show(report)
    shown.page.locator("#group").select_option(by)
    heads = shown.page.locator(".group button")
    assert len(set(heads.locator(".mono").all_inner_texts())) == heads.count()
    assert heads.count() == groups
    assert len(shown.messages) == len(report.findings)
    heads.first.click()
    assert len(shown.messages) < len(report.findings)
    assert heads.first.get_attribute("aria-expanded") == "false"
    heads.first.press("Enter")
    assert len(shown.messages) == len(report.findings)


def test_a_link_to_a_finding_opens_it_even_past_filters_and_shut_groups(show: Show) -> None:
    target = next(one for one in october().findings if one.rule == "parked-workload")
    shown = show(october(), "#level=info")
    assert shown.count == "1 of 14 findings"
    shown.follow(f"#f-{target.fingerprint}")
    row = shown.page.locator("tr.target")
    expect(row).to_be_in_viewport()
    assert row.locator(".message").inner_text() == target.message
    expect(row.locator(".details")).to_contain_text(target.fingerprint)
    assert row.locator(".open").get_attribute("aria-expanded") == "true"
    expect(row.locator(".open")).to_be_focused()


@pytest.mark.parametrize("refused", [False, True])
def test_copy(show: Show, refused: bool) -> None:
    shown = show(october(), "#rule=parked-workload")
    if refused:
        shown.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    button = shown.page.locator("tr.finding .copy")
    button.click()
    expect(button).to_have_text("Copied")
    command = "kubectl delete deployment thunderline-thunderhelm-cerebros -n thunderline"
    assert shown.page.evaluate("navigator.clipboard.readText()") == command
    expect(shown.page.locator("#said")).to_have_text(f"Copied: {command}")


def opened(shown: Shown) -> dict[str, str]:
    """Open the one finding that is shown and give its details by name."""
    shown.page.locator("tr.finding .open").click()
    details = shown.page.locator("tr.finding .details")
    names, words = (details.locator(tag).all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, words, strict=True))


def test_a_finding_on_a_chart_says_what_decides_it_and_its_patch_is_copied(show: Show) -> None:
    shown = show(of_chart(ORIGIN), "#q=web.resources")
    expect(shown.page.locator("tr.finding .trace")).to_contain_text("chart/templates/web.yaml:27")
    expect(shown.page.locator("tr.finding .trace")).to_contain_text("values: web.resources, a, b, c")
    told = opened(shown)
    assert told["template"] == "chart/templates/web.yaml:27"
    assert told["decided by"] == "web.resources, a, b, c, d"
    assert told["note"] == ORIGIN.note
    assert "install with" not in told
    assert told["put into"] == "a manifest"
    assert shown.page.locator(".details code").inner_text() == PATCH
    button = shown.page.get_by_role("button", name="Copy the values")
    button.press("Enter")
    expect(button).to_have_text("Copied")
    assert shown.page.evaluate("navigator.clipboard.readText()") == PATCH


def test_a_finding_on_a_chart_says_what_no_values_decide(show: Show) -> None:
    option = Origin("t.yaml", 3, option="--namespace thunderline")
    shown = show(of_chart(option), "#q=t.yaml:3")
    told = opened(shown)
    assert told["decided by"] == "the release"
    assert "new values" not in told
    shown.page.get_by_role("button", name="Copy the option").click()
    expect(shown.page.locator("#said")).to_have_text("Copied: --namespace thunderline")
    nothing = opened(show(of_chart(Origin("u.yaml", None)), "#q=u.yaml"))
    assert (nothing["template"], nothing["decided by"]) == ("u.yaml", "no values key that is known")


def test_a_command_of_the_plan_is_copied_and_leads_to_its_findings(show: Show) -> None:
    report, setting = lively()
    shown = show(report, setting=setting)
    shown.page.get_by_text("why, 2 commands, the way back").click()
    shown.page.get_by_role("button", name="Copy command 2 of step 1").click()
    expect(shown.page.get_by_role("button", name="Copy command 2 of step 1")).to_have_text("Copied")
    assert shown.page.evaluate("navigator.clipboard.readText()") == "helm uninstall thunder -n cerebros"
    shown.page.get_by_role("link", name="resolves 2 findings").click()
    assert shown.count == "2 of 14 findings"
    expect(shown.page.get_by_text("Only what step 1 of the plan")).to_be_visible()
    shown.page.get_by_role("button", name="Clear").click()
    assert shown.count == "14 findings"


def test_status_tells_new_known_and_waived_apart(show: Show) -> None:
    report, setting = lively()
    shown = show(report, setting=setting)
    select = shown.page.locator("#status")
    counts = {}
    for status in ("new", "known", "waived"):
        select.select_option(status)
        counts[status] = len(shown.messages)
    assert counts == {"new": 6, "known": 7, "waived": 1}
    shown.page.locator("tr.finding .open").click()
    expect(shown.page.locator("tr.finding .details")).to_contain_text("until 2025-12-31 by ann")
    expect(show(october()).page.locator("#status")).to_be_hidden()


def test_keys(show: Show) -> None:
    shown = show(october())
    keyboard = shown.page.keyboard
    keyboard.press("/")
    expect(shown.page.locator("#q")).to_be_focused()
    keyboard.type("mlflow / c")
    assert shown.page.locator("#q").input_value() == "mlflow / c"
    keyboard.press("Escape")
    assert shown.count == "14 findings"
    toggles = shown.page.locator("tr.finding .open")
    keyboard.press("ArrowDown")
    expect(toggles.nth(0)).to_be_focused()
    keyboard.press("ArrowDown")
    expect(toggles.nth(1)).to_be_focused()
    keyboard.press("Enter")
    assert toggles.nth(1).get_attribute("aria-expanded") == "true"
    expect(shown.page.locator("tr.finding .details").nth(1)).to_be_visible()
    keyboard.press("c")
    expect(shown.page.locator("#said")).to_contain_text("Copied: helm uninstall thunder -n cerebros")
    keyboard.press("ArrowUp")
    keyboard.press("ArrowUp")
    expect(shown.page.locator("#q")).to_be_focused()


def test_ten_thousand_findings_stay_usable(show: Show) -> None:
    report = many()
    shown = show(report)
    assert shown.count == f"{MANY} findings"
    rows = shown.page.locator("tr.finding")
    began = rows.count()
    assert began < 200
    shown.page.locator("#q").fill("-714")
    assert shown.count == f"{sum('-714' in one.resource.name for one in report.findings)} of {MANY} findings"
    shown.page.get_by_role("button", name="Clear").click()
    shown.page.locator("#group").select_option("namespace")
    rows.last.scroll_into_view_if_needed()
    expect(rows.nth(began + 50)).to_be_attached()
    last = report.findings[-1]
    shown.follow(f"#f-{last.fingerprint}")
    target = shown.page.locator("tr.target")
    expect(target).to_be_in_viewport()
    assert target.locator(".message").inner_text() == last.message
    assert rows.count() < 400
    # What stands before it comes when it is asked for.
    above = rows.first.get_attribute("id")
    shown.page.get_by_role("button", name="Show earlier findings").click()
    assert rows.first.get_attribute("id") != above


def test_paper_has_every_finding(show: Show) -> None:
    report = replace(many(), findings=many().findings[:500])
    shown = show(report)
    assert len(shown.messages) < 500
    shown.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert len(shown.messages) == 500
    shown.page.emulate_media(media="print")
    expect(shown.page.locator("#filters")).to_be_hidden()
    shown.page.emulate_media(media="screen")
    shown.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert len(shown.messages) < 500


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing(show: Show, scheme: str, width: int) -> None:
    report, setting = lively()
    size = {"width": width, "height": 900}
    shown = show(report, setting=setting, color_scheme=scheme, viewport=size, reduced_motion="reduce")
    shown.page.locator("summary").evaluate_all("all => all.forEach((one) => (one.parentElement.open = true))")
    shown.page.locator("tr.finding .open").evaluate_all("all => all.forEach((one) => one.click())")
    expect(shown.page.get_by_role("button", name="Copy the values")).to_be_visible()
    # A table of the eye alone would be a list of blocks to a screen reader.
    assert shown.page.get_by_role("row").count() > 15
    result = Axe().run(shown.page)
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize("width", [1020, 1100, 1280])
def test_the_ledger_is_whole_beside_the_plan(show: Show, width: int) -> None:
    report, setting = lively()
    for shown in (show(october(), viewport={"width": width, "height": 800}), show(report, setting=setting)):
        assert shown.page.evaluate(
            "((box) => box.scrollWidth <= box.clientWidth)(document.querySelector('.ledger').parentElement)"
        )


def test_what_is_in_no_namespace_is_named_without_one(show: Show) -> None:
    told = opened(show(october(), "#rule=missing-service"))
    assert told["object"] == "thunderguard.dev/v1alpha1 Estate/thunderline"


def test_nothing_scrolls_sideways_in_a_narrow_window(show: Show) -> None:
    report, setting = lively()
    shown = show(report, setting=setting, viewport={"width": 360, "height": 800})
    shown.page.locator("tr.finding .open").evaluate_all("all => all.forEach((one) => one.click())")
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360
