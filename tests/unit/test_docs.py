"""The pages of an estate: what they say, that no name in them is markup or syntax, and that they go stale visibly."""

from __future__ import annotations

import html
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mermaid_check import check_flowchart
from report_values import deployment, finding, record, report

from thunderguard.catalogue import load_catalogue
from thunderguard.cli.app import app
from thunderguard.docs import PAGES, pages
from thunderguard.docs.markdown import code, line, words
from thunderguard.docs.mermaid import LONGEST, MOST, label
from thunderguard.docs.services import in_order_of_use, outside, services_of
from thunderguard.estate import Estate, load_estate
from thunderguard.model import Problem, Waived

ROOT = Path(__file__).resolve().parents[2]
THUNDERLINE = load_estate(ROOT / "examples" / "thunderline" / "estate.yaml")
CATALOGUE = load_catalogue()
MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
texts = st.text(max_size=40) | st.sampled_from(
    [
        '"]; end',
        "`x`|y",
        "<script>",
        "a\nb",
        "| --- |",
        "\x1b[2J",
        "%%{init}%%",
        "#quot;",
        "\\",
        "end",
        "[x](y)",
        "{{ x }}",
    ]
)


def estate(*services: dict[str, Any], **spec: Any) -> Estate:
    every = [{"recognise": [{"image": "^x$"}], **service} for service in services]
    data = {"spec": {"namespaces": {"allowed": ["home"]}, "services": every, **spec}}
    return Estate(Path("estate.yaml"), "mine", data, "")


def made(contract: Estate, **options: Any) -> dict[str, str]:
    return pages(contract, CATALOGUE, path="estate.yaml", **options)


def run(*given: str | Path) -> Result:
    return CliRunner().invoke(app, ["docs", *map(str, given)], prog_name="thunderguard")


def test_every_service_has_what_the_estate_says_of_it() -> None:
    page = made(THUNDERLINE)["SERVICES.md"]
    for service in services_of(THUNDERLINE):
        section = page.partition(f"\n## {service.name}\n")[2].partition("\n## ")[0]
        assert service.purpose in section
        assert service.home is None or f"`{service.home}`" in section
        assert f"**Replicas:** {service.replicas}." in section
        assert all(str(number) in section for _, number in service.ports)
        assert all(f"`{use.callee}`" in section for use in service.uses)
        assert all(f"`{use.caller}`" in section for use in service.used_by)
    mlflow = page.partition("\n## mlflow\n")[2].partition("\n## ")[0]
    assert "**Ports:** 5000 (http)." in mlflow
    assert "- **Called by:** `worker`: experiments" in mlflow
    assert "**Calls:**" not in mlflow
    cerebros = page.partition("\n## cerebros-runner\n")[2]
    assert "at most `2` cpu and `4Gi` memory" in cerebros
    assert "CronJob, Job, Sidecar, and as nothing else" in cerebros
    assert "| chart thunder-stack |" in page


def test_every_rule_has_every_message_and_what_to_do() -> None:
    page = made(THUNDERLINE)["TROUBLESHOOTING.md"]
    for rule in CATALOGUE.rules.values():
        section = page.partition(f"\n## {rule.id}\n")[2].partition("\n## ")[0]
        rows = [row for row in section.splitlines() if row.startswith("| ")]
        assert len(rows) == len(rule.violations) + 1
        for row, (message, remedy) in zip(rows[1:], rule.violations.values(), strict=True):
            assert row == f"| {words(message)} | {words(remedy)} |"
    assert "### ImagePullBackOff" in page
    assert "### CrashLoopBackOff" in page


def test_the_diagram_has_every_service_and_every_call() -> None:
    [text] = MERMAID.findall(made(THUNDERLINE)["ARCHITECTURE.md"])
    chart = check_flowchart(text)
    services = services_of(THUNDERLINE)
    nodes = {label.partition("<br/>")[0]: node for node, label in chart.nodes.items()}
    assert set(nodes) == {service.name for service in services}
    assert chart.edges == {(nodes[use.caller], nodes[use.callee]) for service in services for use in service.uses}
    assert chart.groups == {"namespace thunderline", "no fixed address"}


def test_what_is_called_outside_of_the_estate_is_drawn_outside() -> None:
    contract = estate({"name": "web", "uses": [{"name": "stripe", "purpose": "payments"}]})
    page = made(contract)["ARCHITECTURE.md"]
    assert outside(services_of(contract)) == ("stripe",)
    assert "| web | stripe (outside) | payments |" in page
    chart = check_flowchart(MERMAID.findall(page)[0])
    assert {"web", "stripe"} == set(chart.nodes.values())
    assert len(chart.edges) == 1


def test_a_service_is_deployed_after_what_it_calls() -> None:
    uses = {"a": ["b"], "b": ["c"], "c": []}
    contract = estate(
        *({"name": name, "uses": [{"name": one, "purpose": "x"} for one in called]} for name, called in uses.items())
    )
    assert [service.name for service in in_order_of_use(services_of(contract))] == ["c", "b", "a"]
    circle = estate(*({"name": name, "uses": [{"name": name, "purpose": "x"}]} for name in "ab"))
    assert [service.name for service in in_order_of_use(services_of(circle))] == ["a", "b"]


@pytest.mark.parametrize(
    ("replicas", "shown"),
    [({}, "any number"), ({"min": 1}, "1 or more"), ({"max": 2}, "0 to 2"), ({"min": 2, "max": 2}, "2")],
)
def test_replicas_in_words(replicas: dict[str, int], shown: str) -> None:
    assert services_of(estate({"name": "a", "replicas": replicas}))[0].replicas == shown


def test_a_snapshot_says_what_runs_where() -> None:
    old = deployment("old", "web")
    seen = report(
        finding("singleton-service", old, message=f"web runs as {old}, away from its home", remedy="helm uninstall x"),
        finding("resource-limits", deployment("home", "web"), message="container web sets no limits"),
        inventory=(
            record(deployment("home", "web"), services=("web",)),
            record(old, services=("web",), failures=("x",)),
            record(deployment("home", "poc"), deprecated=("poc",), replicas=0),
            record(deployment("home", "other")),
        ),
    )
    contract = estate({"name": "web", "home": {"kind": "Deployment", "namespace": "home", "name": "web"}})
    files = made(contract, report=seen)
    assert (
        "`Deployment home/web`, at home;\n  `Deployment old/web`, away from its home, failing." in files["SERVICES.md"]
    )
    assert (
        "- web runs as old/Deployment/web, away from its home. To do: `helm uninstall x`\n"
        in files["TROUBLESHOOTING.md"]
    )
    assert "- `home/Deployment/web`: container web sets no limits. To do:" in files["TROUBLESHOOTING.md"]
    drawn = check_flowchart(MERMAID.findall(files["ARCHITECTURE.md"])[1])
    assert sorted(drawn.nodes.values()) == [
        "poc<br/>poc (deprecated, scaled to 0)",
        "web<br/>web (at home)",
        "web<br/>web (away from its home, failing)",
    ]
    assert drawn.groups == {"namespace home", "namespace old"}


def test_what_is_waived_is_told_with_its_day() -> None:
    waiver = {"rule": "resource-limits", "owner": "team-ml", "reason": "a run | that ends", "expires": "2026-01-31"}
    contract = estate(
        {"name": "web"},
        waivers=[
            {**waiver, "resource": {"kind": "Deployment", "namespace": "home", "name": "a"}},
            {
                **waiver,
                "resource": {"kind": "Namespace", "name": "n"},
                "selector": {"matchLabels": {"b": "1", "a": "2"}},
            },
        ],
    )
    borne = replace(
        finding("resource-limits", deployment("home", "a"), message="no limits"),
        waived=Waived(waiver["reason"], waiver["owner"], waiver["expires"]),
    )
    page = made(contract, report=report(borne))["TROUBLESHOOTING.md"]
    tail = "2026-01-31 | team-ml | a run \\| that ends |"
    assert f"| resource-limits | home/Deployment/a | {tail}" in page
    assert f"| resource-limits | Namespace/n with a=2, b=1 | {tail}" in page
    assert "- `home/Deployment/a`: no limits. Waived until 2026-01-31 by team-ml: a run \\| that ends\n" in page


def test_more_than_anybody_reads_is_counted() -> None:
    many = range(MOST + 5)
    seen = report(
        *(finding("resource-limits", deployment("home", f"a{n}")) for n in many),
        inventory=tuple(record(deployment("home", f"a{n}"), services=("web",)) for n in many),
    )
    files = made(estate({"name": "web"}), report=seen)
    assert len(check_flowchart(MERMAID.findall(files["ARCHITECTURE.md"])[1]).nodes) == MOST + 1
    assert f"and {len(many) - 20} more" in files["TROUBLESHOOTING.md"]


@given(texts)
def test_no_word_is_markup(text: str) -> None:
    """Whatever a text is, a Markdown reader sees it as words and as code, in a cell, and nothing else of it."""
    row = f"| a {words(text)} | {code(text)} |"
    shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(f"| x | y |\n|---|---|\n{row}\n")
    assert set(re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", shown)) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    cells = re.findall(r"<td>(.*?)</td>", shown, re.DOTALL)
    told = [" ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split()) for cell in cells]
    assert told == [f"a {line(text)}".strip(), line(text)]


@given(texts, texts, texts)
def test_no_name_is_syntax_of_a_diagram(purpose: str, namespace: str, name: str) -> None:
    """Whatever things are called, a diagram has the nodes that it should have, and all pages are Markdown tables."""
    contract = estate({"name": "web", "purpose": purpose, "uses": [{"name": "x", "purpose": purpose}]})
    seen = report(
        finding("resource-limits", deployment(namespace, name), message=purpose, remedy=name),
        inventory=(record(deployment(namespace, name), services=("web",)),),
    )
    files = made(contract, report=seen)
    declared, drawn = (check_flowchart(text) for text in MERMAID.findall(files["ARCHITECTURE.md"]))
    assert (len(declared.nodes), len(declared.edges), len(drawn.nodes)) == (2, 1, 1)
    assert "\x1b" not in "".join(files.values())
    counted = {page: len([row for row in text.splitlines() if row.startswith("|")]) for page, text in files.items()}
    quiet = made(estate({"name": "web", "purpose": "p", "uses": [{"name": "x", "purpose": "p"}]}), report=report())
    assert counted == {
        page: len([row for row in text.splitlines() if row.startswith("|")]) for page, text in quiet.items()
    }


@given(texts)
def test_a_label_is_read_back(text: str) -> None:
    """A label holds plain signs and entity codes alone, and the codes spell the text again, cut where it is long."""
    shown, whole = label(text), line(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9 .,()/+-]|#[0-9]+;)*", shown)
    told = re.sub(r"#([0-9]+);", lambda code: chr(int(code[1])), shown)
    assert told == (whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 3]}...")


def test_written_pages_are_current_until_the_estate_changes(tmp_path: Path) -> None:
    mine = tmp_path / "estate.yaml"
    mine.write_text((ROOT / "examples" / "thunderline" / "estate.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    folder = tmp_path / "docs"
    asked = ("--estate", mine, "--output", folder)
    assert run(*asked, "--check").exit_code == 1
    assert not folder.exists()
    assert run(*asked).stdout.endswith("4 of 4 pages written\n")
    assert sorted(path.name for path in folder.iterdir()) == sorted(PAGES)
    assert run(*asked).stdout == "0 of 4 pages written\n"
    assert run(*asked, "--check").stdout == "4 pages are current\n"
    mine.write_text(mine.read_text(encoding="utf-8").replace("max: 2", "max: 3", 1), encoding="utf-8")
    stale = run(*asked, "--check")
    assert stale.exit_code == 1
    assert stale.stdout.splitlines() == [
        f"{folder / name} is not current" for name in PAGES if name != "TROUBLESHOOTING.md"
    ]
    assert stale.stderr.splitlines()[0] == "error: 3 of 4 pages are not current"


def test_a_snapshot_that_cannot_be_judged_whole_is_exit_code_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = replace(report(), problems=(Problem("unread", "line 3 is no object", file="a.jsonl", line=3),))
    monkeypatch.setattr("thunderguard.audit.run_audit", lambda *_, **__: partial)
    done = run("--snapshot", "a.jsonl", "--output", tmp_path)
    assert done.exit_code == 3
    assert "a.jsonl: line 3 is no object" in done.stderr


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("--estate", "/no/such/estate.yaml"), "/no/such/estate.yaml"),
        (("--snapshot", "/no/such/snapshot.jsonl"), "/no/such/snapshot.jsonl"),
        (("--output", "/dev/null/docs"), "/dev/null/docs"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_line(asked: tuple[str, ...], error: str) -> None:
    done = run(*asked) if "--output" in asked else run(*asked, "--output", "/dev/null/x")
    assert done.exit_code == 2
    assert error in done.stderr.splitlines()[0]


def test_values_in_commands_are_one_word() -> None:
    page = pages(estate({"name": "web"}), CATALOGUE, path="my estate;$(x).yaml")["DEPLOYMENT.md"]
    [command] = [row for row in page.splitlines() if row.strip().startswith("thunderguard estate check")]
    assert shlex.split(command) == ["thunderguard", "estate", "check", "my estate;$(x).yaml"]


def test_the_pages_of_thunderline_name_what_the_audit_says() -> None:
    """The audit calls four pages missing; its services, ports and reasons stand in them."""
    data = yaml.safe_load((ROOT / "examples" / "thunderline" / "estate.yaml").read_text(encoding="utf-8"))
    text = "".join(made(THUNDERLINE).values())
    for service in data["spec"]["services"]:
        assert line(service["purpose"]) in text
    assert "port 4000" in text
    assert "CerebrosBridge" in text
