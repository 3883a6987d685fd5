"""Waivers: what they cover and until when, what a report says of them, and what fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result
from report_values import deployment, finding, report

from thunderguard import schemas
from thunderguard.audit import exit_code, run_audit
from thunderguard.catalogue import load_catalogue
from thunderguard.cli.app import app
from thunderguard.engines import EngineOptions
from thunderguard.engines.sources import data_of, load_sources
from thunderguard.errors import EstateError
from thunderguard.estate import DEFAULT_ESTATE, check_estate, load_estate
from thunderguard.estate.schema import open_schema
from thunderguard.facts.waivers import Waiver, Waivers, today
from thunderguard.model import Finding, Level, Report, Resource, Status, Waived
from thunderguard.recorded import Recorded, changes
from thunderguard.render.pages import index_page
from thunderguard.render.waivers import condition
from thunderguard.reports import formats
from thunderguard.reports.setting import Setting

WEB = Resource("apps/v1", "Deployment", "thunderline", "web")
CONTAINERS = [{"name": "a", "image": "acme/app:1.0.0"}]
LAST = date(2026, 12, 31)
AFTER = date(2027, 1, 1)


def waiver(**changed: Any) -> dict[str, Any]:
    made = {"rule": "resource-limits", "reason": "sizes are being measured", "owner": "ops", "expires": "2026-12-31"}
    return {**made, "resource": {"kind": "Deployment", "namespace": "thunderline", "name": "web"}, **changed}


def workload(name: str, kind: str = "Deployment", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "thunderline", "labels": labels}
    spec = {"selector": {}, "template": {"metadata": {}, "spec": {"containers": CONTAINERS}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def estate_of(folder: Path, *waivers: Mapping[str, Any]) -> Path:
    data = load_estate(DEFAULT_ESTATE).data
    path = folder / "estate.yaml"
    # Through JSON, so that nothing in it is written as an alias.
    whole = orjson.loads(orjson.dumps({**data, "spec": {**data["spec"], "waivers": list(waivers)}}))
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return path


def audited(folder: Path, objects: list[dict[str, Any]], *waivers: Mapping[str, Any], **options: Any) -> Report:
    path = folder / "objects.json"
    path.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return run_audit([str(path)], estate=estate_of(folder, *waivers), **{"at": LAST, **options})


def of_rule(made: Report, rule: str) -> list[Finding]:
    return [one for one in made.findings if one.rule == rule]


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# ---- what is in the Estate


def mistakes(folder: Path, *waivers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(each.path, each.message, each.fix) for each in check_estate(estate_of(folder, *waivers))]


def test_a_waiver_of_any_form_is_valid(tmp_path: Path) -> None:
    chosen = waiver(selector={"matchLabels": {"app": "x"}}, rule="health-probes")
    alone = {key: value for key, value in chosen.items() if key != "resource"}
    cluster = waiver(resource={"kind": "Namespace", "name": "shop"}, rule="namespace-boundary")
    assert mistakes(tmp_path, waiver(), chosen, alone, cluster) == []


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        ({"rule": "resource-limit"}, "spec.waivers[0].rule", "did you mean resource-limits?"),
        ({"rule": "waiver"}, "spec.waivers[0].rule", '"waiver" is not known here'),
        ({"expires": "2026-02-30"}, "spec.waivers[0].expires", "expires is a day of the calendar"),
        ({"expires": "1.1.2027"}, "spec.waivers[0].expires", '"2026-12-31"'),
        ({"reason": ""}, "spec.waivers[0].reason", "1 characters or more"),
        ({"owner": None}, "spec.waivers[0].owner", "null is not text"),
        ({"resource": {"kind": "Pod"}}, "spec.waivers[0].resource", "the field name is missing"),
        ({"selector": {"matchLabels": {}}}, "spec.waivers[0].selector.matchLabels", "fewer fields than 1"),
        ({"until": "2026-12-31"}, "spec.waivers[0].until", "unknown field"),
    ],
)
def test_a_mistake_in_a_waiver_is_named_with_its_place(
    tmp_path: Path, changed: dict[str, Any], path: str, words: str
) -> None:
    (mistake,) = mistakes(tmp_path, waiver(**changed))
    assert mistake[0] == path
    assert words in " ".join(mistake)


def test_a_waiver_of_nothing_is_refused(tmp_path: Path) -> None:
    bare = {key: value for key, value in waiver().items() if key != "resource"}
    ((_, message, _),) = mistakes(tmp_path, bare)
    assert "a waiver names a resource, a selector, or both" in message
    with pytest.raises(EstateError):
        load_estate(estate_of(tmp_path, bare))


def test_the_second_waiver_of_the_same_is_refused_at_its_own_place(tmp_path: Path) -> None:
    other = waiver(rule="health-probes")
    again = waiver(reason="again", expires="2026-01-01")
    ((path, message, _),) = mistakes(tmp_path, waiver(), other, again)
    assert path == "spec.waivers[2]"
    assert "a rule is waived once for the same objects" in message
    with pytest.raises(EstateError, match="waived once"):
        load_estate(estate_of(tmp_path, waiver(), other, again))


# ---- what a waiver covers


@pytest.mark.parametrize(
    ("written", "labels", "covers"),
    [
        (waiver(), {}, True),
        (waiver(resource={"kind": "Pod", "namespace": "thunderline", "name": "web"}), {}, False),
        (waiver(resource={"kind": "Deployment", "name": "web"}), {}, False),
        (waiver(selector={"matchLabels": {"app": "x"}}), {"app": "x", "b": 5}, True),
        (waiver(selector={"matchLabels": {"app": "x"}}), {}, False),
        (waiver(resource=None, selector={"matchLabels": {"app": "x", "b": "y"}}), {"app": "x"}, False),
    ],
)
def test_what_a_waiver_covers(written: dict[str, Any], labels: dict[str, Any], covers: bool) -> None:
    assert Waiver.of(written).covers(WEB, labels) is covers


def test_of_several_waivers_the_longest_speaks() -> None:
    all_ = Waivers.of({"spec": {"waivers": [waiver(expires="2026-06-30"), waiver(), waiver(rule="health-probes")]}})
    covering = all_.covering(WEB, {})
    assert covering == (0, 1, 2)
    assert all_.in_force("resource-limits", covering, date(2026, 6, 30)) == (1, 0)
    assert all_.in_force("resource-limits", covering, date(2026, 7, 1)) == (1,)
    assert all_.in_force("resource-limits", covering, AFTER) == ()


# ---- what a report says


def test_a_waived_finding_is_shown_and_fails_nothing_until_the_day_is_over(tmp_path: Path) -> None:
    objects = [workload("web")]
    before = audited(tmp_path, objects, waiver(), rules=["resource-limits"])
    (found,) = before.findings
    assert found.waived == Waived("sizes are being measured", "ops", "2026-12-31")
    assert before.totals["resource-limits"][Status.WAIVED] == 1
    assert before.totals["resource-limits"][Status.VIOLATED] == 0
    assert exit_code(before) == 0
    after = audited(tmp_path, objects, waiver(), rules=["resource-limits"], at=AFTER)
    assert [one.waived for one in after.findings] == [None]
    assert [one.fingerprint for one in after.findings] == [found.fingerprint]
    assert exit_code(after) == 1


def test_what_something_owns_is_waived_through_its_root_owner(tmp_path: Path) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1", "controller": True}
    root = workload("web")
    root["metadata"]["uid"] = "1"
    owned = workload("web-5d9c7", "ReplicaSet")
    owned["metadata"]["ownerReferences"] = [owner]
    of_the_owned = waiver(resource={"kind": "ReplicaSet", "namespace": "thunderline", "name": "web-5d9c7"})
    assert exit_code(audited(tmp_path, [root, owned], waiver(), rules=["resource-limits"])) == 0
    assert exit_code(audited(tmp_path, [root, owned], of_the_owned, rules=["resource-limits"])) == 1


@pytest.mark.parametrize("engine", ["embedded", "reference"])
def test_a_rule_about_the_set_is_waived_by_address_and_by_label(tmp_path: Path, engine: str) -> None:
    parked = workload("web", team="shop")
    parked["spec"]["replicas"] = 0
    for cover in ({}, {"resource": None, "selector": {"matchLabels": {"team": "shop"}}}):
        one = {key: value for key, value in waiver(rule="parked-workload", **cover).items() if value is not None}
        made = audited(tmp_path, [parked], one, engine=engine)
        assert [found.waived is not None for found in of_rule(made, "parked-workload")] == [True]
        assert made.totals["parked-workload"][Status.WAIVED] == 1
        assert of_rule(made, "waiver") == []
    one = waiver(rule="parked-workload", resource={"kind": "Deployment", "namespace": "thunderline", "name": "other"})
    made = audited(tmp_path, [parked], one, engine=engine)
    assert [found.waived for found in of_rule(made, "parked-workload")] == [None]


# ---- what is said of the waivers themselves


def test_an_expired_waiver_is_a_finding_at_its_line(tmp_path: Path) -> None:
    made = audited(tmp_path, [workload("web")], waiver(), at=AFTER)
    (found,) = of_rule(made, "waiver")
    assert found.message == "the waiver of resource-limits for thunderline/Deployment/web ended on 2026-12-31"
    assert found.remedy.endswith("or let ops give it a new date")
    assert (found.level, found.path, found.resource.kind) == (Level.WARN, "spec.waivers[0]", "Estate")
    lines = (tmp_path / "estate.yaml").read_text().splitlines()
    assert found.file is not None
    assert found.file.endswith("estate.yaml")
    assert found.line is not None
    assert lines[found.line - 1].strip().startswith("- expires: '2026-12-31'")
    # The list may be put into another order.
    moved = audited(tmp_path, [workload("web")], waiver(rule="health-probes"), waiver(), at=AFTER)
    assert found.fingerprint in {one.fingerprint for one in of_rule(moved, "waiver")}


def test_an_unused_waiver_is_a_finding_where_everything_was_judged(tmp_path: Path) -> None:
    unused = waiver(rule="health-probes")
    made = audited(tmp_path, [workload("web")], unused)
    assert [found.message for found in of_rule(made, "waiver")] == [
        "the waiver of health-probes for thunderline/Deployment/web covers no finding"
    ]
    broken = [workload("web"), {"apiVersion": "v1", "kind": "Pod", "metadata": "no map"}]
    open_ = audited(tmp_path, broken, unused)
    assert open_.problems
    assert of_rule(open_, "waiver") == []
    assert open_.totals["waiver"][Status.NOT_JUDGED] == 1


def test_lint_says_nothing_about_waivers_of_what_it_does_not_see(tmp_path: Path) -> None:
    made = audited(tmp_path, [workload("web")], waiver(rule="health-probes"), waiver(), complete=False)
    assert of_rule(made, "waiver") == []
    assert "waiver" not in made.totals


def test_a_waiver_of_more_than_ten_objects_is_too_broad(tmp_path: Path) -> None:
    broad = {key: value for key, value in waiver(selector={"matchLabels": {"app": "x"}}).items() if key != "resource"}
    ten = [workload(f"w{number}", app="x") for number in range(10)]
    assert of_rule(audited(tmp_path, ten, broad), "waiver") == []
    made = audited(tmp_path, [*ten, workload("w10", app="x")], broad)
    assert [found.message for found in of_rule(made, "waiver")] == [
        "the waiver of resource-limits for what is labelled app=x covers 11 objects, more than 10"
    ]
    assert made.totals["waiver"][Status.VIOLATED] == 1
    # It still holds: what it covers fails once it ends or is taken out.
    assert all(found.waived for found in of_rule(made, "resource-limits"))


def test_an_estate_without_waivers_does_not_concern_the_rule(tmp_path: Path) -> None:
    made = audited(tmp_path, [workload("web")])
    assert made.totals["waiver"] == {
        status: int(status is Status.NOT_MATCHED) for status in (Status(one) for one in Status)
    }


# ---- formats


WORDS = "waived until 2026-12-31 by ops: on <purpose> | ::error::"
BORNE = Waived("on <purpose> | ::error::", "ops", "2026-12-31")


def both() -> Report:
    live = finding("resource-limits", deployment("thunderline", "api"))
    plain = finding("resource-limits", deployment("thunderline", "web"))
    return report(live, Finding(**{**{key: getattr(plain, key) for key in Finding.__slots__}, "waived": BORNE}))


def written(name: str) -> str:
    return formats.render(name, both(), Setting(rules={}, exit_code=1, version="0.0.0")).decode()


def test_json_tells_the_waiver_and_null_for_none() -> None:
    value = json.loads(written("json"))
    assert [one["waived"] for one in value["findings"]] == [
        None,
        {"reason": BORNE.reason, "owner": "ops", "expires": "2026-12-31"},
    ]
    assert list(schemas.validator("report").iter_errors(value)) == []


def test_text_lists_what_is_waived_apart() -> None:
    text = written("text")
    assert "Thunderguard: 1 finding in" in text
    assert "Waived (1)\n  resource-limits  thunderline/Deployment/web" in text
    assert "    until 2026-12-31, ops: on <purpose>" in text
    assert "1 deny, 0 warn, 0 info; 2 objects; 1 waived; exit 1" in text


def test_sarif_suppresses_what_is_waived() -> None:
    results = json.loads(written("sarif"))["runs"][0]["results"]
    assert ["suppressions" in one for one in results] == [False, True]
    assert results[1]["suppressions"][0]["status"] == "accepted"
    assert "until 2026-12-31" in results[1]["suppressions"][0]["justification"]


def test_github_annotates_what_is_waived_as_a_notice() -> None:
    first, second = written("github").splitlines()
    assert first.startswith("::error ")
    assert second.startswith("::notice ")
    assert "waived until 2026-12-31" in second


def test_junit_skips_what_is_waived() -> None:
    text = written("junit")
    assert text.count("<failure") == 1
    assert text.count("<skipped") == 1
    assert "waived until 2026-12-31 by ops" in text


def test_markdown_and_policy_reports_say_that_it_is_waived() -> None:
    assert "**1 deny, 0 warn, 0 info, 1 waived**" in written("markdown")
    for name in ("policyreport", "openreports"):
        results = [one for document in yaml.safe_load_all(written(name)) for one in document["results"]]
        assert [one["result"] for one in results] == ["fail", "skip"]
        assert results[1]["properties"]["waived-owner"] == "ops"


def test_prometheus_counts_what_is_waived_apart() -> None:
    lines = written("prometheus").splitlines()
    labels = '{level="deny",namespace="thunderline",rule="resource-limits"} 1.0'
    assert f"thunderguard_findings{labels}" in lines
    assert f"thunderguard_waived_findings{labels}" in lines


# ---- over time


def test_a_baseline_does_not_know_what_is_only_waived() -> None:
    waived = Recorded.of("a", both())
    assert len(waived.findings) == 2
    assert waived.fingerprints == {"resource-limits:thunderline/Deployment/api:"}


def test_what_a_waiver_no_longer_covers_is_new() -> None:
    waived = Recorded.of("a", both())
    live = Recorded.of("b", report(*(finding("resource-limits", one.resource) for one in both().findings)))
    ended = changes(waived, live)
    assert [[one.resource.name for one in group] for group in (ended.new, ended.unchanged)] == [["web"], ["api"]]
    begun = changes(live, waived)
    assert [[one.resource.name for one in group] for group in (begun.waived, begun.fixed)] == [["web"], []]


def test_commands_judge_as_on_the_day_they_are_told(tmp_path: Path) -> None:
    manifest = tmp_path / "web.json"
    manifest.write_bytes(orjson.dumps(workload("web")))
    options = ("--estate", estate_of(tmp_path, waiver()), "--rule", "resource-limits")
    before = command("lint", manifest, *options, "--at", "2026-12-31", "--format", "json")
    assert before.exit_code == 0
    assert json.loads(before.stdout)["generated"] == "2026-12-31T00:00:00Z"
    after = command("lint", manifest, *options, "--at", "2027-01-01")
    assert after.exit_code == 1
    baseline = tmp_path / "known.json"
    estate = options[:2]
    assert command("baseline", "update", baseline, manifest, *estate, "--at", "2026-12-31").exit_code == 0
    assert command("lint", manifest, *options, "--baseline", baseline, "--at", "2026-12-31").exit_code == 0
    assert command("lint", manifest, *options, "--baseline", baseline, "--at", "2027-01-01").exit_code == 1
    assert command("diff", manifest, manifest, *estate, "--at", "2026-12-31").exit_code == 0


@pytest.mark.parametrize("day", ["2026-12-32", "20261231", "2026-W53-4", "today", "2026-12-31T00:00:00Z", "\x1b[31m"])
def test_a_day_that_is_none_is_a_mistake_of_the_user(day: str) -> None:
    done = command("lint", "examples/good", "--at", day)
    assert done.exit_code == 2
    assert "is no day, such as 2026-12-31" in done.output
    assert "\x1b[31m" not in done.output


def test_policies_are_told_what_day_it_is() -> None:
    sources = load_sources(DEFAULT_ESTATE.parents[2] / "rego")
    assert data_of(sources, {}, LAST)["clock"] == {"at": "2026-12-31"}
    assert data_of(sources, {}, EngineOptions().at)["clock"] == {"at": today().isoformat()}


# ---- policies and pages


def test_the_definition_of_the_estate_knows_the_rules_that_can_be_waived() -> None:
    item = open_schema()["properties"]["spec"]["properties"]["waivers"]["items"]
    assert item["properties"]["rule"]["enum"] == [rule for rule in load_catalogue().rules if rule != "waiver"]


def test_the_example_on_the_page_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", index_page(load_catalogue().rules.values()), re.DOTALL)
    assert example is not None
    assert mistakes(tmp_path, *yaml.safe_load(example[1])["waivers"]) == []


def render_of(folder: Path, estate: Path, day: str, *options: str) -> Result:
    return command("render", "--estate", estate, "--at", day, "--output", folder, *options)


def test_native_policies_hold_what_is_in_force_and_are_stale_when_it_ends(tmp_path: Path) -> None:
    other = waiver(rule="health-probes", expires="2026-06-30", owner="o\x1b[31m")
    estate = estate_of(tmp_path, waiver(), other)
    rendered = tmp_path / "policies"
    assert render_of(rendered, estate, "2026-06-30").exit_code == 0
    assert render_of(rendered, estate, "2026-06-30", "--check").exit_code == 0
    first, *_ = yaml.safe_load_all((rendered / "resource-limits" / "native.yaml").read_text())
    assert first["metadata"]["annotations"]["thunderguard.dev/waived"] == (
        "thunderline/Deployment/web until 2026-12-31 by ops"
    )
    variables = {one["name"]: one["expression"] for one in first["spec"]["variables"]}
    assert variables["waived"] == (
        '(variables.kind == "Deployment" && variables.ownNamespace == "thunderline" && variables.name == "web")'
    )
    later = render_of(rendered, estate, "2026-07-01", "--check")
    assert later.exit_code == 1
    assert "health-probes/native.yaml is not current" in later.output
    assert "the waiver of health-probes for thunderline/Deployment/web ended on 2026-06-30" in later.output
    assert "resource-limits" not in later.output
    assert "\x1b[31m" not in later.output
    # A Kyverno policy has a clock, and reads the Estate.
    kyverno = (rendered / "health-probes" / "kyverno.yaml").read_text()
    assert render_of(rendered, estate, "2026-07-01").exit_code == 0
    assert (rendered / "health-probes" / "kyverno.yaml").read_text() == kyverno
    assert render_of(rendered, estate, "2026-07-01", "--check").exit_code == 0
    assert render_of(rendered, estate, "2027-01-01", "--check").exit_code == 1


def test_a_native_condition_holds_texts_as_they_are() -> None:
    hostile = Waiver.of(waiver(resource=None, selector={"matchLabels": {'a"b': "c\\d\n"}}))
    assert condition("resource-limits", [hostile]) == (
        '("a\\"b" in variables.labels && variables.labels["a\\"b"] == "c\\\\d\\n")'
    )
    assert condition("health-probes", [hostile]) == "false"
