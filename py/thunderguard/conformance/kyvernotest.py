"""The cases as tests of ``kubectl-kyverno test`` (https://kyverno.io/docs/testing-policies/).

Each rule gets a folder of its own beside its policy. A test is about one Estate, one user and one verdict, and then
about all its objects: a result names objects by namespace and name only, so that it could not tell a Pod from its Job.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import yaml

from thunderguard.admission import plural, review
from thunderguard.conformance.cases import Case, Form
from thunderguard.conformance.estates import changed
from thunderguard.engines.askable import InexpressibleError
from thunderguard.engines.kyvernocli.questions import Question, as_yaml, question
from thunderguard.engines.kyvernocli.stubs import definitions
from thunderguard.facts import admission
from thunderguard.facts.charts import LABEL
from thunderguard.facts.resources import OWN_GROUP
from thunderguard.facts.values import as_object, as_text, dig
from thunderguard.facts.workloads import template_path
from thunderguard.model import JsonObject

#: The folder of a rule's tests, beside its policy.
FOLDER = ".kyverno-test"
FILE = "kyverno-test.yaml"

_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE"})
_API = "cli.kyverno.io/v1alpha1"
_HEAD = "# Rendered by tools/kyverno_tests.py from tests/cases. Do not edit.\n"
_PASS, _FAIL, _SKIP = "pass", "fail", "skip"
_CHART_GROUPS = frozenset({"argoproj.io", "helm.cattle.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"})
# What the program leaves without a namespace; it puts everything else that names none into "default".
_CLUSTER_TYPES = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("networking.k8s.io", "IngressClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("storage.k8s.io", "StorageClass"),
    }
)


class _Group(NamedTuple):
    """What the objects of one test have in common. ``slot`` keeps objects of one address apart."""

    estate: str
    user: bytes
    operation: str
    result: str
    slot: int


@dataclass
class _Tests:
    """The tests of one rule so far, and the reasons for what cannot be expressed."""

    groups: dict[_Group, list[tuple[str, Question]]] = field(default_factory=lambda: defaultdict(list))
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class KyvernoTests:
    """The files by their paths below ``policies``, how many questions they ask, and why others are left out."""

    files: Mapping[str, str]
    asked: int
    left_out: Mapping[str, int]


def render_tests(cases: Iterable[Case], estate: JsonObject) -> KyvernoTests:
    """Give the tests of ``cases``; ``estate`` is the default Estate."""
    by_rule: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_rule[case.rule].append(case)
    files: dict[str, str] = {}
    asked = 0
    left_out: Counter[str] = Counter()
    for rule, members in sorted(by_rule.items()):
        tests = _tests(members)
        asked += sum(map(len, tests.groups.values()))
        left_out += tests.left_out
        files.update({f"{rule}/{FOLDER}/{name}": _HEAD + text for name, text in _files(rule, tests, estate).items()})
    return KyvernoTests(files, asked, dict(sorted(left_out.items())))


def _tests(cases: Sequence[Case]) -> _Tests:
    tests = _Tests()
    taken: dict[tuple[Any, ...], int] = Counter()
    for case in cases:
        for check in case.checks():
            # A bare manifest is the request to create it, which most cases ask about as well.
            if check.form is Form.MANIFEST and Form.REQUEST in case.forms:
                continue
            if case.at is not None:
                tests.left_out["nobody can tell it what day it is"] += 1
                continue
            try:
                asked = _expressible(question(check.text, operations=_OPERATIONS))
            except InexpressibleError as error:
                tests.left_out[str(error)] += 1
                continue
            verdict = _FAIL if case.rule in check.violated else _PASS if _is_met(case.rule, asked) else _SKIP
            shared = (case.estate, asked.user, asked.operation, verdict)
            # The program drops all but one of the objects that it takes for the same, whatever their apiVersion.
            address = asked.address[1:]
            slot = taken[(*shared, address)]
            taken[(*shared, address)] += 1
            tests.groups[_Group(*shared, slot)].append((case.name, asked))
    return tests


def _is_met(rule: str, asked: Question) -> bool:
    """Say whether a request meets the conditions of the rule's policy, which is skipped where one does not.

    A case says that nothing is found, and the program wants to know whether the policy was asked at all. Conditions
    look at the object by itself; what depends on the Estate or the old object is asked, and passes.
    """
    obj, (group, _, kind) = asked.obj, asked.type
    request = review(obj, username=as_text(orjson.loads(asked.user).get("username")))
    if admission.asked(request, ()) is None:
        return False
    if rule == "namespace-boundary":
        secret = (group, kind) == ("", "Secret") and obj.get("type") == "helm.sh/release.v1"
        return not secret and (group, kind) != ("apps", "ControllerRevision")
    if template_path(obj) is not None:
        return True
    if rule == "deprecated-chart":
        return LABEL in as_object(dig(obj, ("metadata", "labels"))) or group in _CHART_GROUPS
    return rule == "singleton-service" and (group, kind) == ("autoscaling", "HorizontalPodAutoscaler")


def _expressible(asked: Question) -> Question:
    """Give ``asked``. Raises InexpressibleError for what the program would change before it judges."""
    group, version, kind = asked.type
    if not asked.resource.namespace and (group, kind) not in _CLUSTER_TYPES:
        raise InexpressibleError("it puts what names no namespace into default")
    if not asked.can_be_tagged or not asked.resource.name:
        raise InexpressibleError("it does not tell objects without a name apart")
    if (group, version) == ("", "v1") and plural(kind) in definitions([asked.type]):
        raise InexpressibleError("the core group cannot be given another kind")
    return asked


def _files(rule: str, tests: _Tests, estate: JsonObject) -> dict[str, str]:
    """Give the files of one rule by their names."""
    files: dict[str, str] = {}
    documents = []
    clusters = _Numbered("cluster")
    users = _Numbered("user")
    crds = _definitions(asked for members in tests.groups.values() for _, asked in members)
    namespaces = {asked.resource.namespace for members in tests.groups.values() for _, asked in members} - {""}
    for number, (group, members) in enumerate(sorted(tests.groups.items()), start=1):
        # A Namespace that is asked about is brought by the test itself.
        others = namespaces - {asked.resource.name for _, asked in members if asked.type == ("", "v1", "Namespace")}
        cluster, user = clusters.file((group.estate, frozenset(others))), users.file(group.user)
        files[cluster] = _document(_cluster(changed(estate, json.loads(group.estate)), sorted(crds), sorted(others)))
        files[user] = _document({**_object("UserInfo"), "userInfo": orjson.loads(group.user)})
        resources = f"resources-{number:02}.yaml"
        # The program takes nothing for a separator but three dashes alone on their line.
        files[resources] = "".join(f"---\n# {name}\n{as_yaml(asked.obj)}\n" for name, asked in members)
        result = {"policy": f"thunderguard-{rule}", "isValidatingPolicy": True, "kind": "Any", "result": group.result}
        documents.append(
            {
                "apiVersion": _API,
                "kind": "Test",
                "metadata": {"name": f"{rule}-{group.operation.lower()}-{group.result}-{number:02}"},
                "policies": ["../kyverno.yaml"],
                "resources": [resources],
                "clusterResources": [cluster],
                "userinfo": user,
                "results": [{**result, **({} if group.operation == "CREATE" else {"operation": group.operation})}],
            }
        )
    files[FILE] = "---\n".join(_document(document) for document in documents)
    files.update(crds)
    return files


class _Numbered:
    """Files of one kind, one for each different content."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._names: dict[Any, str] = {}

    def file(self, content: Any) -> str:
        return self._names.setdefault(content, f"{self._kind}-{len(self._names) + 1:02}.yaml")


def _object(kind: str) -> JsonObject:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": "thunderguard"}}


def _cluster(estate: JsonObject, crds: Sequence[str], namespaces: Sequence[str]) -> JsonObject:
    """Give the Estate, the definitions, and every namespace, without which the program ends."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces]
    return {
        **_object("ClusterResource"),
        "spec": {"crds": ["../../estate.crd.yaml", *crds], "resources": [estate, *objects]},
    }


def _definitions(questions: Iterable[Question]) -> dict[str, str]:
    """Give a definition for each kind that is not built in, by the name of its file; all versions of one in one."""
    found: dict[str, JsonObject] = {}
    types = sorted({asked.type for asked in questions})
    for document in yaml.safe_load_all(definitions(types)):
        if document["spec"]["group"] == OWN_GROUP:
            continue
        name = f"crd-{document['metadata']['name']}.yaml"
        known = found.setdefault(name, document)
        if known is not document:
            known["spec"]["versions"] += [{**one, "storage": False} for one in document["spec"]["versions"]]
    return {name: _document(document) for name, document in found.items()}


def _document(value: JsonObject) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=120, allow_unicode=True)
