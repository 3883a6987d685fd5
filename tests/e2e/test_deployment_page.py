"""The commands of the page about deploying are run as they stand there, in its order, on a real API server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import pytest
import yaml

from bed.cluster import ROOT, Cluster
from thunderguard.controlplane.processes import wait

DOCS = ROOT / "examples" / "thunderline" / "docs"
PAGE = (DOCS / "DEPLOYMENT.md").read_text(encoding="utf-8")
NAMESPACE = "thunderline"


def commands(section: str) -> Iterator[list[str]]:
    """Give the kubectl commands about policies and the Estate of one section of the page, in their order."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    for block in re.findall(r"^ *```text\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        for row in block.splitlines():
            words = shlex.split(row, comments=True)
            if words[0] == "kubectl":
                yield words[1:]


def run(cluster: Cluster, words: list[str]) -> None:
    """Run a command of the page at the root of the repository."""
    cluster.kubectl(*(str(ROOT / word) if word.startswith(("policies/", "examples/")) else word for word in words))


@pytest.fixture(name="fresh", scope="module")
def start(own_cluster: Callable[[], Cluster]) -> Cluster:
    cluster = own_cluster()
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    return cluster


def refusal(cluster: Cluster) -> str:
    """Ask for the bad example of resource-limits without making it; give what the door says against it, if anything."""
    text = (ROOT / "examples" / "bad" / "resource-limits.yaml").read_text(encoding="utf-8")
    bad = next(one for one in yaml.safe_load_all(text) if one["metadata"].get("namespace") == NAMESPACE)
    done = cluster.run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(bad), check=False)
    return done.stderr if done.returncode else ""


def test_the_rules_come_into_force_step_by_step_and_go_again(fresh: Cluster) -> None:
    steps = list(commands("The rules, audit-only first"))
    places = [" ".join(words) for words in steps]
    assert places == [
        "apply -f policies/estate.crd.yaml",
        "wait --for=condition=Established crd/estates.thunderguard.dev --timeout=60s",
        "apply -f examples/thunderline/estate.yaml",
        "apply -k policies/audit-only/native",
        "apply -k policies/native",
        "apply -k policies/audit-only/native",
        "delete -k policies/native",
    ]
    for words in steps[:4]:
        run(fresh, words)
    assert refusal(fresh) == ""
    run(fresh, steps[4])
    # A policy is in force a moment after it is there.
    wait("the policies", lambda: refusal(fresh) != "", seconds=60)
    said = refusal(fresh)
    assert "resource-limits: " in said
    section = (DOCS / "TROUBLESHOOTING.md").read_text(encoding="utf-8").partition("\n## resource-limits\n")[2]
    assert "container {container} sets no {missing}" in section.partition("\n## ")[0]
    assert re.search(r"container \S+ sets no [a-z., ]+", said)
    run(fresh, steps[5])
    wait("the policies that only tell", lambda: refusal(fresh) == "", seconds=60)
    run(fresh, steps[6])
    assert fresh.get("validatingadmissionpolicies") == []
