"""What counts as mended, which switch is taken, and what several patches do together."""

from __future__ import annotations

from charts_bed import BOUNDED, chart, trials_of, workload

from thunderguard.charts.search import Search
from thunderguard.charts.trials import Found, Trials
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.contract import Contract
from thunderguard.model import JsonObject

CONTRACT = Contract.of(load_estate(DEFAULT_ESTATE).data)
COLLECTOR = {"image": "otel/opentelemetry-collector:0.1.0", "resources": BOUNDED}


def tool(name: str, values: JsonObject, *, image: str = "tool:1.0.0") -> JsonObject:
    return workload(name, {"image": image, "resources": values.get("resources", {})})


def search(trials: Trials, values: JsonObject) -> tuple[Search, list[Found]]:
    base = trials.one({})
    return Search(trials, base, values, CONTRACT), list(base.findings)


def test_gone_with_its_object_is_not_mended() -> None:
    values: JsonObject = {"tool": {"enabled": True}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", tool("tool", seen))] if seen["tool"]["enabled"] else []

    with trials_of(chart(values, template)) as trials:
        looking, (found,) = search(trials, values)
        off = trials.one({"tool": {"enabled": False}})
        assert not looking.mends(off, found)
        assert looking.mends(off, found, may_go=True)
        # It decides all the same, and that is said.
        decided = looking.switched([found], [])[found]
        assert (decided.changes, decided.helps) == ({("tool", "enabled"): False}, False)


def test_something_new_is_not_mended() -> None:
    values: JsonObject = {"a": {}, "latest": False}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        image = "tool:latest" if seen["latest"] else "tool:1.0.0"
        resources = BOUNDED if seen["latest"] else {}
        return [("t.yaml", tool("tool", {"resources": resources}, image=image))]

    with trials_of(chart(values, template)) as trials:
        looking, (found,) = search(trials, values)
        assert not looking.mends(trials.one({"latest": True}), found)
        assert looking.switched([found], []) == {}


def test_the_switch_after_which_most_is_left_is_taken() -> None:
    values: JsonObject = {"all": {"enabled": True}, "otel": {"enabled": True}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        objects = [("a.yaml", tool("other", {"resources": BOUNDED}))] if seen["all"]["enabled"] else []
        if seen["all"]["enabled"] and seen["otel"]["enabled"]:
            objects.append(("otel.yaml", workload("not-home", COLLECTOR)))
        return objects

    with trials_of(chart(values, template)) as trials:
        looking, (found,) = search(trials, values)
        proposal = looking.switched([found], [])[found]
    assert proposal.changes == {("otel", "enabled"): False}
    assert (proposal.turns_off, proposal.note) == (True, "turns off Deployment/not-home")


def test_a_required_service_is_not_turned_off() -> None:
    values: JsonObject = {"web": {"enabled": True}}
    app = {"image": "thunderline/app:1.0.0", "resources": BOUNDED, "livenessProbe": {}, "readinessProbe": {}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        one = workload("not-home", app)
        one["metadata"]["labels"] = {"app.kubernetes.io/component": "web"}
        return [("web.yaml", one)] if seen["web"]["enabled"] else []

    with trials_of(chart(values, template)) as trials:
        looking, findings = search(trials, values)
        (found,) = [one for one in findings if one.raw.rule == "singleton-service"]
        assert not looking.switched([found], [])[found].helps


def test_of_two_instances_one_is_turned_off_and_one_stays() -> None:
    values: JsonObject = {"all": {"enabled": True}, "first": {"enabled": True}, "second": {"enabled": True}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        if not seen["all"]["enabled"]:
            return []
        names = [("first", "otelcol"), ("second", "copy")]
        return [(f"{key}.yaml", workload(name, COLLECTOR)) for key, name in names if seen[key]["enabled"]]

    with trials_of(chart(values, template)) as trials:
        assert {found.raw.rule for found in trials.one({}).findings} == {"singleton-service"}
    with trials_of(chart(values, template), of_the_set={"duplicate-service"}) as trials:
        looking, findings = search(trials, values)
        (found,) = [one for one in findings if one.raw.rule == "duplicate-service"]
        assert (found.raw.resource.name, found.template) == ("copy", "second.yaml")
        assert not looking.mends(trials.one({"all": {"enabled": False}}), found)
        proposal = looking.switched([found], [])[found]
    assert proposal.changes == {("second", "enabled"): False}
    assert (proposal.turns_off, proposal.note) == (True, "turns off Deployment/copy")


def test_a_value_that_another_file_has_is_tried() -> None:
    values: JsonObject = {"size": "none"}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", tool("tool", {"resources": BOUNDED if seen["size"] == "small" else {}}))]

    with trials_of(chart(values, template)) as trials:
        looking, (found,) = search(trials, values)
        assert looking.switched([found], [{"size": "huge"}, {"size": "small"}])[found].changes == {("size",): "small"}


def test_patches_that_contradict_each_other_mend_what_they_can() -> None:
    values: JsonObject = {"kind": "none"}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        return [
            (f"{name}.yaml", tool(name, {"resources": BOUNDED if seen["kind"] == name else {}})) for name in ("a", "b")
        ]

    with trials_of(chart(values, template)) as trials:
        looking, (first, second) = search(trials, values)
        patch, mended = looking.together([(first, {"kind": "a"}), (second, {"kind": "b"})])
        assert (patch, mended) == ({"kind": "a"}, (first,))
        assert looking.together([(first, {"kind": "a"})]) == ({"kind": "a"}, (first,))
        assert looking.together([]) == ({}, ())


def test_what_is_spent_asks_no_more() -> None:
    values: JsonObject = {f"s{number}": True for number in range(50)}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", tool("tool", {}))]

    with trials_of(chart(values, template), most=10) as trials:
        looking, (found,) = search(trials, values)
        assert looking.switched([found], []) == {}
        assert trials.renders < 20
