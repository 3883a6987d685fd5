"""What is proposed for each kind of finding, the first that helps, and that it does help."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from charts_bed import BOUNDED, chart, trials_of, workload

from thunderguard.catalogue import load_catalogue
from thunderguard.charts.patch import EXAMPLE, Evidence, Proposal, Proposer
from thunderguard.charts.provenance import block_candidates, scalars, traced
from thunderguard.charts.values import setting
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.contract import Contract
from thunderguard.model import JsonObject

Template = Callable[[JsonObject], list[tuple[str, JsonObject]]]


def proposed(
    values: JsonObject,
    template: Template,
    rule: str,
    *,
    others: Sequence[JsonObject] = (),
    versions: Sequence[str] = (),
) -> tuple[list[Proposal], JsonObject | None]:
    """Give the proposals for the one finding of ``rule``, and the values file of the first that mends it."""
    with trials_of(chart(values, template)) as trials:
        base = trials.one({})
        proposer = Proposer(
            base,
            values,
            Contract.of(load_estate(DEFAULT_ESTATE).data),
            load_catalogue(),
            others=others,
            versions=versions,
        )
        (found,) = [one for one in base.findings if one.raw.rule == rule]
        fields = {found: proposer.fields(found)}
        name = proposer.block(found)
        held = []
        if name is not None:
            candidates = block_candidates(values, name)
            held = traced(trials, base, values, candidates, fields)[found]
        direct = traced(trials, base, values, scalars(values), fields)[found]
        proposals = proposer.proposals(Evidence(found, proposer.told(found), direct, held))
        for proposal in proposals:
            file = setting(values, proposal.changes)
            if found.signature not in trials.one(file).signatures:
                return proposals, file
        return proposals, None


def image_of(*parts: str) -> Template:
    """Give a template whose image is made of ``parts``: keys of the values, or text."""

    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        image = "".join(str(values.get(part, part)) for part in parts)
        return [("t.yaml", workload("tool", {"image": image, "resources": BOUNDED}))]

    return template


@pytest.mark.parametrize(
    ("parts", "values", "file"),
    [
        (("image",), {"image": "registry.example.com/tool:latest"}, {"image": "registry.example.com/tool:2.0.0"}),
        (("repo", ":", "tag"), {"repo": "tool", "tag": "latest"}, {"tag": "2.0.0"}),
        (("host", "/", "repo", ":", "tag"), {"host": "h.io", "repo": "tool", "tag": "latest"}, {"tag": "2.0.0"}),
        (("repo",), {"repo": "registry.example.com/tool"}, {"repo": "registry.example.com/tool:2.0.0"}),
        (("repo", ":latest"), {"repo": "tool"}, None),
        (("tool:latest",), {"other": "x"}, None),
    ],
)
def test_a_version_goes_where_the_version_is(
    parts: tuple[str, ...], values: JsonObject, file: JsonObject | None
) -> None:
    _, mending = proposed(values, image_of(*parts), "image-reference", versions=["2.0.0"])
    assert mending == file


def test_without_a_known_version_there_is_an_example_that_says_so() -> None:
    proposals, file = proposed({"image": "tool:latest"}, image_of("image"), "image-reference")
    assert file == {"image": "tool:1.2.3"}
    assert proposals[0].note == EXAMPLE


def test_versions_that_other_files_have_come_first() -> None:
    values, others = {"repo": "tool", "tag": "latest"}, [{"tag": "7.7.7"}]
    _, file = proposed(values, image_of("repo", ":", "tag"), "image-reference", others=others, versions=["2.0.0"])
    assert file == {"tag": "7.7.7"}


@pytest.mark.parametrize(
    ("parts", "values", "others"),
    [
        (("repo", ":", "tag"), {"repo": "tool", "tag": "latest"}, [{"repo": "python", "tag": "3.11-slim"}]),
        # The chart's own values come first, and a file that names a tag alone means their repository.
        (("repo", ":", "tag"), {"repo": "tool", "tag": "latest"}, [{"repo": "python"}, {"tag": "3.11-slim"}]),
        (("image",), {"image": "tool:latest"}, [{"image": "python:3.11-slim"}]),
    ],
)
def test_a_tag_of_another_repository_is_no_version(
    parts: tuple[str, ...], values: JsonObject, others: list[JsonObject]
) -> None:
    proposals, _ = proposed(values, image_of(*parts), "image-reference", others=others, versions=["2.0.0"])
    assert proposals
    assert not any("3.11-slim" in str(one.changes) for one in proposals)


def test_a_repository_that_another_file_has_comes_with_its_tag() -> None:
    values = {"repo": "mine/otelcol", "tag": "latest"}
    others = [{"repo": "otel/opentelemetry-collector", "tag": "0.106.0"}]
    proposals, _ = proposed(values, image_of("repo", ":", "tag"), "image-reference", others=others)
    assert {"repo": others[0]["repo"], "tag": "0.106.0"} in [
        {str(key[-1]): value for key, value in one.changes.items()} for one in proposals
    ]


@pytest.mark.parametrize(
    ("parts", "values", "file"),
    [
        (("repo", ":", "tag"), {"repo": "mine/otelcol", "tag": "0.1.0"}, {"repo": "otel/opentelemetry-collector"}),
        (
            ("host", "/", "repo", ":", "tag"),
            {"host": "mine.io", "repo": "otelcol", "tag": "0.1.0"},
            {"host": "docker.io", "repo": "otel/opentelemetry-collector"},
        ),
        (("image",), {"image": "mine/otelcol:0.1.0"}, {"image": "otel/opentelemetry-collector:0.1.0"}),
    ],
)
def test_a_service_takes_its_image_from_where_it_should(
    parts: tuple[str, ...], values: JsonObject, file: JsonObject
) -> None:
    _, mending = proposed(values, image_of(*parts), "image-reference")
    assert mending == file


def test_a_service_above_its_maximum_gets_its_maximum() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        one = workload(
            "otelcol", {"image": "otel/opentelemetry-collector:0.1.0", "resources": BOUNDED}, namespace="thunderline"
        )
        one["spec"]["replicas"] = values["count"]
        return [("t.yaml", one)]

    assert proposed({"count": 4}, template, "singleton-service")[1] == {"count": 1}


def test_a_name_made_of_a_key_becomes_the_home_s() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        container = {"image": "otel/opentelemetry-collector:0.1.0", "resources": BOUNDED}
        return [("t.yaml", workload(f"otel{values['suffix']}", container, namespace=values["space"]))]

    assert proposed({"suffix": "x", "space": "thunderline"}, template, "singleton-service")[1] == {"suffix": "col"}
    both = proposed({"suffix": "x", "space": "thunder"}, template, "singleton-service")[1]
    assert both == {"suffix": "col", "space": "thunderline"}


def test_a_missing_probe_asks_the_port_of_the_container() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        container = {
            "image": "postgres:16.1",
            "resources": BOUNDED,
            "ports": [{"containerPort": 5432}],
            **({"readinessProbe": values["db"]["readinessProbe"]} if "readinessProbe" in values["db"] else {}),
        }
        return [("t.yaml", workload("postgres", container, "StatefulSet", "thunderline"))]

    _, file = proposed({"db": {"on": True}}, template, "health-probes")
    assert file == {"db": {"readinessProbe": {"tcpSocket": {"port": 5432}}}}


def test_amounts_that_are_keys_one_by_one_are_set_one_by_one() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        limits = {name: values[name] for name in ("cpu", "memory") if values[name]}
        return [("t.yaml", workload("tool", {"image": "tool:1.0.0", "resources": {"limits": limits}}))]

    _, file = proposed({"cpu": "1", "memory": None, "x": 1}, template, "resource-limits")
    # The request follows from the limit, so that it needs no key of its own.
    assert file == {"memory": "512Mi"}


def test_a_request_stays_below_the_limit_that_is_there() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        resources = {"limits": {"cpu": "20m", "memory": "64Mi"}, "requests": {"cpu": values["cpu"], "memory": "1Mi"}}
        return [("t.yaml", workload("tool", {"image": "tool:1.0.0", "resources": resources}))]

    assert proposed({"cpu": "0"}, template, "resource-limits")[1] == {"cpu": "20m"}


def test_nothing_is_proposed_for_what_no_key_decides() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", workload("tool", {"image": "tool:1.0.0"}))]

    assert proposed({"x": 1}, template, "resource-limits") == ([], None)
