"""The page as text: that it is one file, lets nothing else run, and holds whatever a manifest calls itself."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from hypothesis import given
from report_values import NOON, deployment, finding, october, report, reports, texts

from thunderguard import schemas
from thunderguard.catalogue import load_catalogue
from thunderguard.model import Level, Origin, Problem, Report, Waived
from thunderguard.recorded import Changes
from thunderguard.reports.html import MOST_LISTED, render
from thunderguard.reports.setting import PlannedStep, Setting
from thunderguard.reports.terminal import safe

SETTING = Setting(rules=load_catalogue().rules, exit_code=1, version="1.2.3", clock=lambda: NOON)

# What makes a browser load something, by attribute.
LOADING = {"src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "manifest", "xlink:href"}


class Page(HTMLParser):
    """What of a page counts: its elements with attributes, and the texts of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.blocks: list[tuple[str, dict[str, str], str]] = []
        self.words: list[str] = []
        self._open: tuple[str, dict[str, str]] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = {name: value or "" for name, value in attrs}
        self.elements.append((tag, kept))
        self._open = (tag, kept) if tag in {"script", "style"} else None

    def handle_endtag(self, _tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is None:
            self.words.append(data)
        else:
            self.blocks.append((*self._open, data))

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]


def written(value: Report, setting: Setting = SETTING) -> Page:
    return Page(render(value, setting).decode())


def embedded(page: Page) -> Any:
    (text,) = [text for tag, attributes, text in page.blocks if attributes.get("type") == "application/json"]
    value = orjson.loads(text)
    schemas.validator("page").validate(value)
    return value


def test_it_is_one_file_that_loads_nothing() -> None:
    page = written(october())
    for tag, attributes in page.elements:
        assert not LOADING & set(attributes), (tag, attributes)
        assert tag not in {"img", "iframe", "object", "embed", "base", "video", "audio"}
        if tag == "link":
            assert attributes["href"] == "data:,"
        elif "href" in attributes:
            assert attributes["href"].startswith("#"), attributes
    (style,) = [text for tag, _, text in page.blocks if tag == "style"]
    assert "url(" not in style
    assert "@import" not in style
    (script,) = [text for tag, attributes, text in page.blocks if tag == "script" and "type" not in attributes]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(|innerHTML|eval\(", script)


def test_the_security_policy_lets_its_own_style_and_script_run_and_nothing_else() -> None:
    page = written(october())
    (policy,) = [one["content"] for tag, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        (text,) = [text for name, one, text in page.blocks if name == tag and "type" not in one]
        assert rules[kind] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    # Neither would run, and the browser would complain.
    assert not [one for _, one in page.elements if "style" in one or any(name.startswith("on") for name in one)]


@given(reports)
def test_any_report_becomes_a_page_with_all_its_findings(value: Report) -> None:
    """Whatever a report holds: the data fits its schema and has each finding, and no text of it became an element."""
    page = written(value)
    data = embedded(page)
    assert sorted(one["fingerprint"] for one in data["findings"]) == sorted(
        safe(one.fingerprint) for one in value.findings
    )
    assert {tag for tag, _ in page.elements} <= TAGS


TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "a",
        "header",
        "div",
        "svg",
        "path",
        "rect",
        "h1",
        "h2",
    ),
    *("h3", "p", "strong", "span", "nav", "ul", "ol", "li", "main", "section", "table", "thead", "tbody", "tr", "th"),
    *("td", "dl", "dt", "dd", "details", "summary", "code", "button", "noscript", "form", "label", "input", "kbd"),
    *("fieldset", "legend", "select", "option", "footer", "template", "script"),
}

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]></style><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "a\u2028b\u2029c",
    "\x00\x1b[31m\u202etxt.exe\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_stays_a_name_wherever_it_stands(text: str) -> None:
    def page(name: str) -> Page:
        resource = deployment(name, name)
        one = finding(
            "missing-service", resource, service=name, path=name, message=name, remedy=name, file=name, line=1
        )
        bad = replace(one, rule=name, fingerprint=name, waived=Waived(name, name, name))
        origin = Origin(name, 3, (name,), f"{name}\n{name}", name, name, name)
        value = report(one, bad, replace(one, origin=origin), problems=(Problem("unread", name, name, 1, name),))
        value = replace(
            value,
            source={**value.source, "path": name, "clusterVersion": name},
            estate={"path": name, "name": name, "sha256": name},
            inventory=[{"resource": {"namespace": name, "name": name}, "type": "workload", "services": [name]}],
        )
        step = PlannedStep(title=name, reason=name, commands=(name, name), back=(name,), warnings=(name,))
        setting = replace(SETTING, changes=Changes((one,), (bad,), (), (one,)), compared=name, plan=(step,))
        return written(value, setting)

    hostile, harmless = page(text), page("name")
    # Rows are sorted, so that only the order may differ.
    assert sorted(hostile.shape) == sorted(harmless.shape)
    data = embedded(hostile)
    assert {one["name"] for one in data["findings"]} == {safe(text)}
    assert safe(text) in "".join(hostile.words)


@given(texts)
def test_the_data_has_no_sign_that_html_or_javascript_reads(text: str) -> None:
    """For any text in a finding: the embedded JSON has none of < > & U+2028 U+2029, and gives the text back."""
    page = render(report(finding("new-rule", deployment("a", "b"), message=text)), SETTING).decode()
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(block)
    assert orjson.loads(block)["findings"][0]["message"] == safe(text)


def test_the_map_says_how_each_service_stands() -> None:
    page = written(october())
    looks = {one["href"]: one["class"] for tag, one in page.elements if one.get("class", "").startswith("cell ")}
    assert looks == {
        "#namespace=cerebros&service=automat0": "cell deprecated",
        "#namespace=cerebros&service=mlflow": "cell duplicate",
        "#namespace=thunder&service=mlflow": "cell duplicate",
        "#namespace=thunderline&service=cerebros": "cell parked",
        "#namespace=thunderline&service=mlflow": "cell home",
        "#namespace=thunderline&service=web": "cell failing",
        "#rule=missing-service&service=worker": "cell missing",
    }


def test_a_finding_has_the_services_of_its_object_and_a_namespace_belongs_to_itself() -> None:
    found = {(one["rule"], one["kind"]): one for one in embedded(written(october()))["findings"]}
    assert found["resource-limits", "Deployment"]["services"] == ["web"]
    assert found["namespace-boundary", "Namespace"]["namespace"] == "thunder"


def test_status_is_by_waiver_then_by_baseline() -> None:
    one, two, three = (finding(f"r-{name}", deployment("a", "b")) for name in "abc")
    value = report(one, two, replace(three, waived=Waived("moving", "ann", "2025-12-31")))
    assert {one["status"] for one in embedded(written(replace(value)))["findings"]} == {"open", "waived"}
    value = replace(value, known=frozenset({one.fingerprint}))
    page = written(value)
    data = embedded(page)
    assert [entry["status"] for entry in data["findings"]] == ["known", "new", "waived"]
    assert data["findings"][2]["waiver"] == "until 2025-12-31 by ann: moving"
    tiles = {one["href"] for tag, one in page.elements if one.get("class", "").startswith("tile") and "href" in one}
    assert {"#status=new", "#status=known", "#status=waived"} <= tiles


def test_a_plan_takes_the_place_of_the_commands_of_remedies() -> None:
    plain = embedded(written(october()))
    assert len(plain["steps"]) == 4
    step = PlannedStep(title="move it", commands=("kubectl get x", "kubectl create y"), resolves=("b", "a"))
    by_hand = PlannedStep(title="choose an image", by_hand=True, resolves=("c",))
    page = written(october(), replace(SETTING, plan=(step, by_hand)))
    assert embedded(page)["steps"] == [["a", "b"], ["c"]]
    words = " ".join("".join(page.words).split())
    assert "Clean-up plan resolves 2 of" in words
    assert "by hand" in words
    assert "kubectl create y" in words


def test_changes_are_told_and_long_lists_end() -> None:
    many = tuple(finding(f"r-{place}", deployment("a", "b")) for place in range(MOST_LISTED + 7))
    page = written(october(), replace(SETTING, changes=Changes(many[:1], many, (), ()), compared="last week"))
    words = " ".join("".join(page.words).split())
    assert "Since last week" in words
    assert f"{len(many)} gone" in words
    assert "and 7 more" in words
    assert "Since" not in "".join(written(october()).words)


def test_a_page_without_anything_says_so() -> None:
    page = written(report(fail_on=Level.DENY), replace(SETTING, exit_code=0))
    assert embedded(page)["findings"] == []
    assert "Nothing fails this run" in "".join(page.words)


def test_two_pages_of_one_report_are_the_same_bytes() -> None:
    assert render(october(), SETTING) == render(october(), SETTING)
