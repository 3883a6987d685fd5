"""The clean-up plan keeps its word, and never goes through a state that is worse."""

from __future__ import annotations

import subprocess

from hypothesis import given, note, settings
from hypothesis import strategies as st
from plan_bed import OCTOBER, findings_after, judged, objects_of, planned, reread, written
from replay_bed import ground

from thunderguard.facts.resources import namespace_of, resource_of
from thunderguard.model import JsonObject
from thunderguard.plan.build import MEASURED
from thunderguard.plan.steps import Delete, DeleteNamespace, Uninstall
from thunderguard.replay.sets import changed
from thunderguard.reports import plan as reports
from thunderguard.reports import script
from thunderguard.reports.terminal import safe

FEW = settings(max_examples=12, deadline=None)


class Drawn(list[JsonObject]):
    """The objects of an estate, which are told by what was done to them."""

    def __repr__(self) -> str:
        return f"{len(self)} objects"


@st.composite
def estates(draw: st.DrawFn) -> Drawn:
    """Draw October, or a sound estate, of which up to five objects were changed or copied and changed."""
    october = [obj for obj in objects_of(OCTOBER) if namespace_of(obj) not in ("kube-system", "kube-public")]
    objects = list(draw(st.sampled_from([october, list(ground().samples.whole)])))
    random = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(1, 5))):
        place = random.randrange(len(objects))
        played = changed(objects[place], ground(), random)
        if played is None:
            continue
        note(f"{played.case.steps} of {resource_of(objects[place])}")
        if played.stands_beside or random.random() < 0.3:
            objects.append(played.after)
        else:
            objects[place] = played.after
    return Drawn(reread(objects))


@FEW
@given(estates())
def test_no_prefix_of_a_plan_adds_a_finding_and_the_whole_resolves_what_it_claims(objects: Drawn) -> None:
    """For any estate: after each step every finding is one that was there before, and none is left that was claimed.

    What is found is told by an audit of the modelled set with the engine that people use, not by the judge of the plan.
    """
    before = judged(objects)
    plan = planned(objects)
    claimed: set[str] = set()
    for number, step in enumerate(plan.steps, 1):
        found = findings_after(plan, objects, number)
        added = [f"{one.rule} at {one.resource}" for mark, one in found.items() if mark not in before]
        assert not added, f"{step.title} adds {added}"
        claimed |= {one.fingerprint for one in step.findings}
        left = [f"{one.rule} at {one.resource}" for mark, one in found.items() if mark in claimed]
        assert not left, f"after {step.title} there still is {left}"
    assert claimed == plan.resolved
    told = {one.fingerprint for step in (*plan.steps, *plan.by_hand) for one in step.findings}
    assert told == before.keys()
    assert script.render(plan).endswith("</dev/null\n")


@FEW
@given(estates())
def test_a_plan_takes_no_service_away_and_claims_nothing_measured_but_what_is_gone(objects: Drawn) -> None:
    """For any estate: a service of which an instance was to run has one after each step; pods are not said to be well.

    What only running pods tell is resolved by nothing but a removal.
    """
    plan = planned(objects)
    needed = _running(objects)
    for number, step in enumerate(plan.steps, 1):
        assert needed <= _running(written(plan, objects, number)), step.title
        if not isinstance(step.action, Delete | DeleteNamespace | Uninstall):
            assert not [one for one in step.findings if one.rule in MEASURED], step.title


NAMES = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("'\"`$();&|<>\\\n\r \t-#!{}*\x00\x1b\u202e")), max_size=12
)


@settings(max_examples=20, deadline=None)
@given(st.lists(NAMES, min_size=6, max_size=6), NAMES)
def test_no_name_leaves_its_place_in_the_script(names: list[str], source: str) -> None:
    """For any names: bash reads nothing of them but words, so that the script has the lines that plain names give it.

    Commands have no name in them that an API server would refuse, and every line of the script is printable.
    """
    name, namespace, kind, container, release, image = names
    plan = planned(_hostile(name, namespace, kind, container, release, image), source=source)
    text = script.render(plan)
    assert [line for line in text.splitlines() if line != safe(line)] == []
    for step in plan.steps:
        for command in (*step.guards, *step.backups, *step.commands, *step.checks):
            for word in (word for words in command.pipeline for word in words):
                assert word == safe(word)
            (line,) = reports.line(command).splitlines()
            assert f"  {line}" in text.splitlines()
    checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    # What is no comment, title or command is the same for every plan of as many steps.
    frame = [line for line in text.splitlines() if line and not line.startswith(("#", "  "))]
    steps = len(plan.steps)
    assert [line for line in frame if line.startswith("step_")] == [f"step_{n}() {{" for n in range(1, steps + 1)]
    assert frame[-2:] == ["}", 'main "$@" </dev/null']


def _hostile(name: str, namespace: str, kind: str, container: str, release: str, image: str) -> list[JsonObject]:
    helm = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    body = {"name": container, "image": image, "command": ["mlflow", "server"], "resources": {}}
    objects = []
    for place, where in enumerate((namespace, "thunderline", "cerebros")):
        for called in (name, f"plain-{place}"):
            metadata = {"name": called, "namespace": where, "annotations": helm if called == name else {}}
            spec = {"selector": {"matchLabels": {"a": name}}, "template": {"spec": {"containers": [body]}}}
            objects.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    chart = {"name": "thunder-stack", "version": "0.1.0"}
    api = "thunderguard.dev/v1alpha1"
    spec = {"chart": chart, "status": "deployed", "revision": 1}
    objects.append(
        {"apiVersion": api, "kind": "Release", "metadata": {"name": release, "namespace": "x"}, "spec": spec}
    )
    objects.append({"apiVersion": "v1", "kind": kind, "metadata": {"name": "one", "namespace": "cerebros"}})
    objects.append({"apiVersion": f"{kind}/v1", "kind": "Thing", "metadata": {"name": "two", "namespace": "cerebros"}})
    objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return objects


def _running(objects: list[JsonObject]) -> set[str]:
    found = set()
    for obj in objects:
        view = ground().view(obj)
        if view.dig("spec", "replicas") != 0:
            found |= {name for name in view.services if view.contract.service[name].home}
    return found
