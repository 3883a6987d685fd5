"""The formats that other tools read, each judged by the schema or the parser of those tools."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml
from hypothesis import given
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families
from report_values import NOON, finding, october, report, reports
from report_values import deployment as address

from thunderguard.catalogue import load_catalogue
from thunderguard.model import Level, Problem, Report
from thunderguard.reports.formats import FORMATS, render
from thunderguard.reports.sarif import FINGERPRINT, uri
from thunderguard.reports.setting import Setting, writable
from thunderguard.reports.terminal import safe

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
SETTING = Setting(rules=load_catalogue().rules, exit_code=1, version="1.2.3", clock=lambda: NOON)

SARIF = jsonschema_rs.validator_for(orjson.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_bytes()))


def _crd(name: str) -> tuple[str, Any]:
    data = yaml.safe_load((SCHEMAS / name).read_text())
    served = {version["name"]: version["schema"]["openAPIV3Schema"] for version in data["spec"]["versions"]}
    kind = data["spec"]["names"]["kind"]
    version = "v1alpha2" if "v1alpha2" in served else "v1alpha1"
    return f"{data['spec']['group']}/{version}/{kind}", jsonschema_rs.validator_for(served[version])


CRDS = dict(_crd(path.name) for path in sorted(SCHEMAS.glob("*.yaml")))


def _sarif(value: Report) -> Any:
    written = orjson.loads(render("sarif", value, SETTING))
    SARIF.validate(written)
    return written["runs"][0]


@given(reports)
def test_sarif_is_valid_and_complete(value: Report) -> None:
    """Whatever a report holds, SARIF validates against its own schema and has every finding and problem once."""
    run = _sarif(value)
    assert sorted(result["partialFingerprints"][FINGERPRINT] for result in run["results"]) == sorted(
        writable(found.fingerprint) for found in value.findings
    )
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(value.problems)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_names_the_place_and_the_rule() -> None:
    found = finding("resource-limits", address("a", "b"), file="dir with blank/x%y.yaml", line=3, column=7, path="spec")
    run = _sarif(report(found))
    [result] = run["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "dir%20with%20blank/x%25y.yaml"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert result["level"] == "error"
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["shortDescription"]["text"] == SETTING.rules["resource-limits"].title
    assert run["invocations"][0]["exitCode"] == 1


@pytest.mark.parametrize(
    ("file", "wanted"), [("a.yaml", "a.yaml"), ("-", "-"), ("a:b", "a%3Ab"), ("//x", "/.//x"), ("\udcff", "%ED%B3%BF")]
)
def test_uri(file: str, wanted: str) -> None:
    assert uri(file) == wanted


@given(reports)
def test_a_github_annotation_is_one_line_and_says_what_it_was_told(value: Report) -> None:
    """No name ends an annotation's line or begins another command, and the runner reads back the words."""
    lines = render("github", value, SETTING).decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(value.findings) + len(value.problems)
    messages = []
    for line in lines:
        match = re.fullmatch(r"::(?:error|warning|notice) (?:[a-z]+=[^:,]*,?)+::(.*)", line)
        assert match, line
        messages.append(match[1].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"))
    for found in value.findings:
        assert any(
            safe(str(writable(found.message.replace("\n", "").replace("\r", ""))))
            in message.replace("\n", "").replace("\r", "")
            for message in messages
        )


def test_github_annotation() -> None:
    found = finding("resource-limits", address("a", "b"), level=Level.WARN, file="a,b:c.yaml", line=2, column=4)
    assert render("github", report(found), SETTING).decode() == (
        "::warning file=a%2Cb%3Ac.yaml,line=2,col=4,title=resource-limits%3A Every container has requests and limits"
        "::a/Deployment/b : it is wrong. mend it\n"
    )


@given(reports)
def test_markdown_shows_no_markup_of_a_name(value: Report) -> None:
    """Whatever an object is called, a Markdown reader sees our tables and words, and no markup of the object's."""
    shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(render("markdown", value, SETTING).decode())
    allowed = {"h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "ul", "li"}
    assert set(re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", shown)) <= allowed
    assert shown.count("<tr>") == len(value.findings) + len({found.rule for found in value.findings})
    assert all(row.count("<td>") == 3 for row in shown.split("<tr>")[1:] if "<td>" in row)
    words = html.unescape(re.sub(r"<[^>]*>", "", shown))
    for found in value.findings:
        assert " ".join(safe(str(writable(found.message))).split()) in words


def test_markdown_fits_into_a_comment() -> None:
    value = report(*(finding("resource-limits", address("a", f"b{place:05}")) for place in range(5000)))
    shown = render("markdown", value, SETTING).decode()
    assert len(shown) < 65_000
    left = re.search(r"and ([0-9]+) more", shown)
    assert left
    assert shown.count("\n| a/") + int(left[1]) == 5000


@given(reports)
def test_prometheus_reads_the_metrics(value: Report) -> None:
    """Whatever names hold, Prometheus' own parser reads the metrics, and the findings add up."""
    families = {family.name: family for family in text_string_to_metric_families(_text("prometheus", value))}
    assert sum(sample.value for sample in families["thunderguard_findings"].samples) == len(value.findings)
    assert sum(sample.value for sample in families["thunderguard_problems"].samples) == len(value.problems)
    assert families["thunderguard_last_audit_timestamp_seconds"].samples[0].value == NOON.timestamp()


def _text(name: str, value: Report) -> str:
    return render(name, value, SETTING).decode()


@pytest.mark.parametrize("form", ["policyreport", "openreports"])
@given(value=reports)
def test_policy_reports_are_what_their_crds_ask_for(form: str, value: Report) -> None:
    """Whatever a report holds, each document validates against its CRD, and every finding and problem is in one."""
    results = 0
    for document in yaml.safe_load_all(_text(form, value)):
        CRDS[f"{document['apiVersion']}/{document['kind']}"].validate(document)
        results += len(document["results"])
        counted = [result["result"] for result in document["results"]]
        assert {name: counted.count(name) for name in ("fail", "warn", "error")} == {
            name: document["summary"][name] for name in ("fail", "warn", "error")
        }
    assert results == len(value.findings) + len(value.problems)


def test_policy_reports_stand_in_the_namespaces_of_their_objects() -> None:
    value = report(
        finding("resource-limits", address("a", "x")),
        finding("resource-limits", address("Not A Name", "y")),
        problems=(Problem("unread", "forbidden"),),
    )
    documents = list(yaml.safe_load_all(_text("policyreport", value)))
    assert [(doc["kind"], doc["metadata"].get("namespace"), len(doc["results"])) for doc in documents] == [
        ("ClusterPolicyReport", None, 2),
        ("PolicyReport", "a", 1),
    ]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_writes_the_october_report_and_the_empty_one(name: str) -> None:
    assert render(name, october(), SETTING) != render(name, report(), SETTING)
