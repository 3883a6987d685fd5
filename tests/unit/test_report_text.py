"""The report for people."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from report_values import (
    UNINSTALL_COPY,
    UNINSTALL_THUNDER,
    check_golden,
    deployment,
    finding,
    october,
    record,
    release,
    report,
    reports,
)

from thunderguard.model import Level, Origin, Problem, Report, Resource
from thunderguard.reports.text import Look, render, summary

TITLES = {"singleton-service": "A service lives at its one address", "resource-limits": "Every container has limits"}


def shown(value: Report, *, width: int | None = None, encoding: str = "utf-8", picture: bool = True) -> str:
    look = Look(width=width, encoding=encoding)
    return render(value, titles=TITLES, exit_code=1, look=look, picture=picture)


def lines(value: Report, **look: int) -> list[str]:
    return shown(value, **look).splitlines()  # type: ignore[arg-type]


def part(value: Report, title: str) -> list[str]:
    """Give the lines of the section whose first line begins with ``title``."""
    whole = shown(value)
    (found,) = [section for section in whole.split("\n\n") if section.startswith(title)]
    return found.splitlines()[1:]


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("report.txt", Look()),
        ("report-narrow-ascii.txt", Look(width=64, encoding="ascii")),
        ("report-color.txt", Look(width=100, color=True)),
    ],
)
def test_a_full_report_is_the_golden_file(name: str, look: Look) -> None:
    check_golden(name, render(october(), titles=TITLES, exit_code=3, look=look))


def test_the_grid_shows_each_service_in_each_namespace() -> None:
    rows = [line.split() for line in part(october(), "What runs where")]
    head = rows[0]
    assert head == ["automat0", "cerebros", "mlflow", "web", "worker"]
    grid = {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows[1:-1]}
    assert grid["cerebros"] == {"automat0": "✗", "cerebros": "·", "mlflow": "✗", "web": "·", "worker": "·"}
    assert grid["thunder"]["mlflow"] == "✗"
    assert grid["thunderline"] == {"automat0": "·", "cerebros": "○", "mlflow": "●", "web": "!", "worker": "·"}


def test_the_grid_counts_several_instances_in_one_cell() -> None:
    one, two = deployment("thunderline", "mlflow"), deployment("thunderline", "mlflow-2")
    away = finding("singleton-service", two, service="mlflow", path="spec.template.spec.containers[0]")
    rows = part(report(away, inventory=tuple(record(it, services=("mlflow",)) for it in (one, two))), "What runs")
    assert rows[1].split() == ["thunderline", "2●✗"]


def test_too_many_replicas_at_home_are_not_away() -> None:
    home = deployment("thunderline", "mlflow")
    many = finding("singleton-service", home, service="mlflow", path="spec.replicas")
    assert part(report(many, inventory=(record(home, services=("mlflow",)),)), "What runs")[1].split()[1] == "●"


def test_a_pod_is_shown_through_its_owner_only() -> None:
    owner, pod = deployment("thunderline", "web"), Resource("v1", "Pod", "thunderline", "web-1")
    both = (record(owner, services=("web",)), record(pod, services=("web",), root=owner, failures=("OOMKilled",)))
    assert part(report(inventory=both), "What runs")[1].split() == ["thunderline", "!"]


def test_the_grid_does_not_say_at_home_when_nobody_asked() -> None:
    value = replace(report(inventory=(record(deployment("a", "b"), services=("web",)),)), totals={})
    assert part(value, "What runs")[-1].strip().startswith("● running")


def test_a_grid_too_wide_for_the_terminal_is_cut_into_several() -> None:
    services = tuple(f"service-number-{number}" for number in range(8))
    value = report(inventory=(record(deployment("thunderline", "web"), services=services),))
    whole = lines(value, width=60)
    heads = [line for line in whole if line.lstrip().startswith("service-number-")]
    assert [head.split() for head in heads] == [
        list(services[:2]),
        list(services[2:4]),
        list(services[4:6]),
        list(services[6:]),
    ]
    assert max(map(len, heads)) <= 60


def test_no_workload_no_grid() -> None:
    assert "What runs where" not in shown(report())
    assert "What runs where" not in shown(october(), picture=False)
    assert "Helm releases" not in shown(october(), picture=False)


def test_helm_releases_have_a_verdict() -> None:
    rows = [line.split(maxsplit=3) for line in part(october(), "Helm releases")]
    assert rows == [
        ["thunder", "cerebros", "thunder-stack-0.1.0", f"deprecated → {UNINSTALL_THUNDER}"],
        ["thunderline", "thunder", "thunderhelm-0.2.0", f"duplicate → {UNINSTALL_COPY}"],
        ["thunderline", "thunderline", "thunderhelm-0.2.0", "no finding"],
    ]


def test_rules_stand_heaviest_first() -> None:
    heads = [line.split()[:2] for line in lines(october()) if line.startswith(("deny ", "warn ", "info "))]
    levels = [level for level, _ in heads]
    assert levels == sorted(levels, key=["deny", "warn", "info"].index)
    assert Counter(levels) == {"deny": 7, "warn": 3, "info": 1}


def test_duplicates_name_the_one_to_keep_and_how_to_remove_the_others() -> None:
    assert [line.strip() for line in part(october(), "deny  duplicate-service")] == [
        "mlflow runs 3 times",
        "keep    thunderline/Deployment/thunderline-thunderhelm-mlflow",
        "remove  cerebros/Deployment/mlflow-tracking",
        f"→ {UNINSTALL_THUNDER}",
        "remove  thunder/Deployment/thunderline-thunderhelm-mlflow",
        f"→ {UNINSTALL_COPY}",
    ]


def test_an_instance_to_keep_that_has_to_move_says_so() -> None:
    one, two = deployment("thunderline", "old-name"), deployment("thunder", "mlflow")
    value = report(
        finding("duplicate-service", two, service="mlflow"),
        finding("singleton-service", one, service="mlflow", path="spec.template.spec.containers[0]"),
        inventory=(record(one, services=("mlflow",)), record(two, services=("mlflow",))),
    )
    assert "    keep    thunderline/Deployment/old-name  (not at its home yet)" in lines(value)


def test_duplicates_without_an_inventory_are_shown_like_any_finding() -> None:
    whole = shown(replace(october(), inventory=()))
    assert "keep thunderline/Deployment/thunderline-thunderhelm-mlflow, remove cerebros/Deployment/" in whole


def test_a_parked_instance_is_no_duplicate() -> None:
    one, two, parked = (deployment("a", name) for name in ("one", "two", "parked"))
    value = report(
        finding("duplicate-service", two, service="mlflow"),
        inventory=(
            record(one, services=("mlflow",)),
            record(two, services=("mlflow",)),
            record(parked, services=("mlflow",), replicas=0),
        ),
    )
    assert "  mlflow runs 2 times\n    keep    a/Deployment/one\n" in shown(value)


def test_several_findings_of_one_object_stand_below_its_name() -> None:
    assert part(october(), "deny  resource-limits") == [
        "  thunderline",
        "    thunderline/Deployment/thunderline-thunderhelm-web",
        "      spec.template.spec.containers[0].resources  container web sets no limits.cpu, limits.memory",
        "        → set limits.cpu, limits.memory in the resources of container web",
        "      spec.template.spec.containers[1].resources  container proxy sets no limits.cpu, limits.memory",
        "        → set limits.cpu, limits.memory in the resources of container proxy",
    ]


def test_one_remedy_of_several_objects_is_printed_once() -> None:
    found = [finding("rule", deployment("a", name), remedy="mend the chart") for name in ("one", "two")]
    assert part(report(*found), "deny  rule") == [
        "  a",
        "    a/Deployment/one  it is wrong",
        "    a/Deployment/two  it is wrong",
        "      → mend the chart",
    ]


def test_what_is_new_since_the_baseline_is_marked() -> None:
    value = october()
    assert "(new)" not in shown(value)
    new = [one for one in value.findings if one.rule in {"resource-limits", "duplicate-service", "missing-service"}]
    since = replace(value, known=frozenset(one.fingerprint for one in value.findings if one not in new))
    text = shown(since)
    assert "(2 findings, 2 new)" in text
    assert "(2 findings in 2 namespaces, 2 new)" in text
    marked = [line.strip() for line in text.splitlines() if line.endswith("(new)")]
    assert len(marked) == len(new)
    assert "remove  cerebros/Deployment/mlflow-tracking  (new)" in marked
    assert "spec.template.spec.containers[1].resources  (new)" in marked
    one = replace(value, known=frozenset(one.fingerprint for one in value.findings) - {new[-1].fingerprint})
    assert "1 new)" in shown(one)


def test_files_are_named_with_line_and_column() -> None:
    one = finding("rule", deployment("", "web"), path="spec.replicas", file="k8s/web.yaml", line=7, column=3)
    assert "    Deployment/web  spec.replicas  k8s/web.yaml:7:3  it is wrong" in lines(report(one, kind="files"))
    assert "k8s/web.yaml" not in shown(report(one, kind="snapshot"))


def test_what_to_do_counts_what_each_command_resolves() -> None:
    both = deployment("thunder", "web")
    value = report(
        finding("singleton-service", both, remedy=f"{UNINSTALL_COPY}, once it serves"),
        finding("resource-limits", both, remedy="set limits"),
        finding("duplicate-release", release("thunder", "thunderline"), remedy=UNINSTALL_COPY),
        finding("resource-limits", deployment("thunderline", "web"), remedy="set limits"),
    )
    assert [line.strip() for line in part(value, "What to do")] == [
        f"1. {UNINSTALL_COPY}  resolves 3 findings",
        "once it serves",
        "Together they resolve 3 of 4 findings.",
    ]


def test_what_a_chart_renders_is_mended_in_its_values() -> None:
    value = october()
    rendered = tuple(replace(one, origin=Origin("a.yaml", 1)) for one in value.findings)
    assert not [line for line in shown(replace(value, findings=rendered)).splitlines() if line == "What to do"]


def test_releases_are_removed_first_and_namespaces_last() -> None:
    commands = [line.strip()[3:].split("  ")[0] for line in part(october(), "What to do") if "resolves" in line]
    assert commands == [
        UNINSTALL_THUNDER,
        UNINSTALL_COPY,
        "kubectl delete deployment thunderline-thunderhelm-cerebros -n thunderline",
        "kubectl delete namespace thunder",
    ]


@pytest.mark.parametrize(
    "remedy",
    [
        "helm uninstall x;reboot -n y",
        "helm uninstall $(reboot) -n y",
        "helm uninstall x -n y && reboot",
        "helm uninstall --all -n y",
        "kubectl delete deployment `reboot`",
        "kubectl delete deployment --all -n y",
        "set limits; helm uninstall x -n y",
    ],
)
def test_what_is_not_safe_to_paste_is_no_command(remedy: str) -> None:
    """A name in a manifest may hold anything; only names that Kubernetes allows make a command to run."""
    assert "What to do" not in shown(report(finding("rule", deployment("a", "b"), remedy=remedy)))


def test_problems_are_named_and_a_flood_of_them_is_cut() -> None:
    some = (Problem("unread", "not YAML", "a.yaml", 3), Problem("malformed", "no kind", "b.yaml", None, "Pod/x"))
    assert part(report(problems=some), "Not everything was judged (2 problems)") == [
        "  malformed  b.yaml  Pod/x  no kind",
        "  unread  a.yaml:3  not YAML",
    ]
    many = tuple(Problem("unread", f"number {number:03}") for number in range(60))
    rows = part(report(problems=many), "Not everything was judged (60 problems)")
    assert len(rows) == 51
    assert rows[-1] == "  and 10 more; --format json lists them all"


def test_the_ledger_has_a_column_for_each_status() -> None:
    assert [line.split() for line in part(report(), "Ledger")] == [
        ["rule", "passed", "violated", "waived", "not", "matched", "not", "judged", "failed"],
        ["singleton-service", "1", "0", "0", "3", "0", "0"],
    ]


def test_the_last_line_counts() -> None:
    assert lines(october())[-1] == "10 deny, 3 warn, 1 info; 42 objects; 1 problem; exit 1"
    assert summary(report(objects=1), 0) == "0 deny, 0 warn, 0 info; 1 object; exit 0"


@given(reports)
def test_nothing_of_the_input_steers_the_terminal(value: Report) -> None:
    """Nothing in names, messages or file names reaches the terminal as a command or forges the last line.

    The text holds no control, format or surrogate character but the newline, and ends with the true summary.
    """
    text = shown(value)
    assert {unicodedata.category(char) for char in text.replace("\n", "")} <= _PRINTED
    assert text.endswith(f"\n{summary(value, 1)}\n")


_PRINTED = {
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No"),
    *("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs"),
}


@given(reports)
def test_plain_ascii_is_enough(value: Report) -> None:
    """For a terminal that can write ASCII only, the text is ASCII only."""
    assert shown(value, encoding="ascii", width=80).isascii()


@given(reports)
def test_every_finding_is_in_the_text(value: Report) -> None:
    """Each finding's rule has its group, the group says how many there are, and the levels add up."""
    text = shown(value)
    for rule, number in Counter(one.rule for one in value.findings).items():
        (head,) = [
            line for line in text.splitlines() if line.split("  ")[1:2] == [rule] and line[:4].strip() in _LEVELS
        ]
        assert f"({number} finding" in head
    assert f"{sum(one.level is Level.DENY for one in value.findings)} deny, " in text.splitlines()[-1]


_LEVELS = {"deny", "warn", "info"}


def test_without_colour_there_is_no_escape_and_with_colour_the_text_is_the_same() -> None:
    import re

    plain = render(october(), titles=TITLES, exit_code=1, look=Look(width=90))
    painted = render(october(), titles=TITLES, exit_code=1, look=Look(width=90, color=True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain
