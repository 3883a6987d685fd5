"""Each way to enforce at the door, installed by the commands of its page: what people see when something is denied."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes.utils import FailToCreateError, create_from_dict

from bed.cluster import BIN, ROOT, Cluster
from kubernetes import client as kube
from kubernetes import config as kube_config
from thunderguard.controlplane.processes import Running, end, free_ports, start, wait
from thunderguard.engines.sources import load_sources
from thunderguard.engines.webhook.kyvernoserver import ACCOUNT, KyvernoServer, installation
from thunderguard.engines.webhook.opaserver import ENVIRONMENT, OpaFiles, redirected

WAYS = ["native", "opa", "kyverno"]
HOME = "thunderline"
SECONDS = 60.0
PAGE = (ROOT / "examples" / "webhook" / "README.md").read_text(encoding="utf-8")
GOOD = ROOT / "examples" / "good"
KINDS = "services,deployments,replicasets,pods,configmaps,horizontalpodautoscalers"
FULL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}


def commands(what: str, way: str) -> str:
    """Give the commands that the page has for ``what`` of ``way``."""
    (block,) = re.findall(rf"^```sh {what} {way}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


@dataclass
class Door:
    """A cluster with one of the ways in force. ``elsewhere`` is a namespace that the Estate does not allow."""

    way: str
    cluster: Cluster
    tree: Path
    folder: Path
    elsewhere: str
    running: list[Running] = field(default_factory=list)
    #: Where OPA answers, if it is the way, and what it watches.
    webhook: str = ""
    files: OpaFiles | None = None

    def page(self, what: str) -> None:
        """Run what the page says, in a copy of the tree."""
        environment = self.cluster.environment()
        environment["PATH"] = f"{BIN}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-euc", commands(what, self.way)],
            cwd=self.tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    # ------------------------------------------------------------------------------------------ how people create

    def kubectl(self, *objects: dict[str, Any], dry: bool = False) -> str:
        """Create by kubectl: "" when all were let in, else what it says."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.denied("create", "-f", "-", *(["--dry-run=server"] if dry else []), stdin=text)

    def denied(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl: "" when it succeeds, else what it says."""
        done = self.cluster.run("kubectl", *words, stdin=stdin, check=False)
        return f"{done.stderr}{done.stdout}" if done.returncode else ""

    def helm(self, obj: dict[str, Any]) -> str:
        """Install a chart of that one object: "" when it was let in, else what helm says. Nothing stays of it."""
        release, namespace = "attempt", obj["metadata"]["namespace"]
        told = self.install(release, obj)
        if told:
            # What a failed installation leaves behind can be taken away.
            self.cluster.helm("uninstall", release, "--namespace", namespace)
        return told

    def install(self, release: str, obj: dict[str, Any]) -> str:
        """Install or upgrade: "" when it was let in, else what helm says."""
        chart = self.folder / release
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": release, "version": "1.0.0"}))
        (chart / "templates" / "object.yaml").write_text(json.dumps(obj))
        where = ("--namespace", obj["metadata"]["namespace"])
        done = self.cluster.run("helm", "upgrade", "--install", release, chart, *where, check=False)
        return done.stderr if done.returncode else ""

    def python(self, obj: dict[str, Any]) -> str:
        """Create by the Python client: "" when it was let in, else what the exception carries."""
        loaded = kube.Configuration()
        load: Any = kube_config.load_kube_config
        create: Any = create_from_dict
        load(str(self.cluster.kubeconfig), client_configuration=loaded)
        with kube.ApiClient(loaded) as api:
            try:
                create(api, obj)
            except FailToCreateError as error:
                (answer,) = error.api_exceptions
                said: str = json.loads(answer.body)["message"]
                return said
        return ""


# ---------------------------------------------------------------------------------------------- objects


def deployment(name: str, image: str, namespace: str = HOME, **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": name, "image": image, "resources": FULL, **container}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def settings(namespace: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": "settings", "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def mlflow() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((GOOD / "mlflow-tracking.yaml").read_text(encoding="utf-8")))


SECOND = deployment("experiments", "ghcr.io/mlflow/mlflow:v2.14.1", command=["mlflow", "server"])
UNLIMITED = deployment("reports", "registry.example.org/reports:1.2.0", resources={})
CHARTED = settings(HOME, **{"helm.sh/chart": "thunder-stack-0.1.0"})

#: What is bad, and what is said about it whatever the way: rule, place, what is wrong, and the remedy.
BAD: dict[str, tuple[Callable[[Door], dict[str, Any]], tuple[str, ...]]] = {
    "a second MLflow": (
        lambda _: SECOND,
        (
            "singleton-service: spec.template.spec.containers[0]: mlflow runs as thunderline/Deployment/experiments",
            ", away from its home Deployment thunderline/mlflow-tracking. ",
            "kubectl delete deployment experiments -n thunderline, once Deployment thunderline/mlflow-tracking serves",
        ),
    ),
    "no limits": (
        lambda _: UNLIMITED,
        (
            "resource-limits: spec.template.spec.containers[0].resources: ",
            "container reports sets no limits.cpu, limits.memory, requests.cpu, requests.memory. ",
            "set limits.cpu, limits.memory, requests.cpu, requests.memory in the resources of container reports",
        ),
    ),
    "a wrong namespace": (
        lambda door: settings(door.elsewhere),
        (
            "namespace-boundary: metadata.namespace: ConfigMap settings is in namespace {elsewhere}; ",
            "allowed: thunderline. {remove} -n {elsewhere}, or deploy it to thunderline",
        ),
    ),
    "a deprecated chart": (
        lambda _: CHARTED,
        (
            'deprecated-chart: metadata.labels["helm.sh/chart"]: thunderline/ConfigMap/settings comes from ',
            "the deprecated chart thunder-stack: the September 2025 proof of concept, replaced by thunderhelm. ",
            "helm uninstall ",
        ),
    ),
}


# ---------------------------------------------------------------------------------------------- the ways, in force


@pytest.fixture(name="bed", scope="module")
def make_bed(own_cluster: Callable[[], Cluster]) -> Cluster:
    """The one cluster that all ways are installed in, one after the other: a policy would get in others' way."""
    cluster = own_cluster()
    cluster.kubectl("create", "namespace", HOME)
    return cluster


@pytest.fixture(name="door", scope="module", params=WAYS)
def install(request: pytest.FixtureRequest, bed: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One way, installed, in force, and removed again."""
    way = str(request.param)
    folder = tmp_path_factory.mktemp(way)
    tree = folder / "tree"
    for name in ("examples", "policies", "rego"):
        shutil.copytree(ROOT / name, tree / name)
    # A process that is given some of these tests later installs the way again, beside what is left of the first time.
    door = Door(way, bed, tree, folder, f"elsewhere-{folder.name}")
    bed.kubectl("create", "namespace", door.elsewhere)
    before(door)
    try:
        {"native": install_native, "opa": install_opa, "kyverno": install_kyverno}[way](door)
        yield door
        door.page("remove")
        if way == "kyverno":
            # Its own webhooks close what it was asked about, and its page says so.
            bed.kubectl("delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "--all")
        wait("the way is removed", lambda: door.kubectl(UNLIMITED, dry=True) == "", seconds=SECONDS)
    finally:
        end(door.running)
    bed.kubectl("delete", KINDS, "--all", "--namespace", HOME)


def before(door: Door) -> None:
    """Let in, before anybody looks, what is to be cleaned up later."""
    old = deployment("old", "ghcr.io/mlflow/mlflow:latest", door.elsewhere, resources={})
    old["spec"]["replicas"] = 2
    door.cluster.apply(old)
    stack = ROOT / "tests" / "e2e" / "charts" / "thunder-stack"
    door.cluster.helm("install", "thunder", stack, "--namespace", door.elsewhere)


def in_force(door: Door) -> bool:
    """Whether all rules speak: of what breaks several, each is told."""
    told = door.kubectl(deployment("x", "ghcr.io/mlflow/mlflow:latest", door.elsewhere, resources={}), dry=True)
    rules = ("singleton-service", "resource-limits", "image-reference", "namespace-boundary")
    # Kyverno's webhooks deny one by one, and warn of the others.
    return "denied" in told and all(f"{rule}: " in told for rule in rules)


def install_native(door: Door) -> None:
    door.page("install")
    wait("the native policies", lambda: in_force(door), seconds=SECONDS)


def install_opa(door: Door) -> None:
    door.page("install")
    shipped = door.cluster.get("validatingwebhookconfigurations", "thunderguard-opa")[0]
    assert all(one["clientConfig"]["caBundle"] for one in shipped["webhooks"])
    # Pods are no processes here, and nobody answers at the address of the Service.
    closed = door.kubectl(settings(HOME), dry=True)
    assert 'failed calling webhook "opa.thunderguard.dev"' in closed
    assert door.kubectl(settings("kube-system"), dry=True) == ""
    assert door.kubectl(settings("thunderguard"), dry=True) == ""

    door.files = files = OpaFiles(door.folder / "opa", load_sources(door.tree / "rego"), door.cluster.authority)
    port, health = free_ports(2)
    door.webhook = f"https://127.0.0.1:{port}"
    command = files.command(BIN / "opa", port, health)
    environment = {**os.environ, **ENVIRONMENT}
    door.running.append(start("opa", command, log=door.folder / "opa.log", environment=environment))
    wait("OPA", lambda: files.is_ready(health), seconds=SECONDS, alive=door.running)
    door.cluster.apply(redirected(bare(shipped), port, door.cluster.authority))
    wait(
        "a denial for want of an Estate",
        lambda: "thunderguard cannot judge: there is no Estate" in door.kubectl(settings(HOME), dry=True),
        seconds=SECONDS,
    )
    estate = door.cluster.get("configmap", "thunderguard-estate", "--namespace", "thunderguard")[0]
    files.use(yaml.safe_load(estate["data"]["estate.yaml"]))
    wait("OPA's policies", lambda: in_force(door), seconds=SECONDS)


def bare(obj: dict[str, Any]) -> dict[str, Any]:
    """Give an object as one would apply it."""
    return {**obj, "metadata": {"name": obj["metadata"]["name"]}}


def install_kyverno(door: Door) -> None:
    objects = installation(ROOT / ".tools" / "share" / "kyverno" / "install.yaml")
    door.cluster.apply(*(one for one in objects if one["kind"] == "Namespace"))
    door.cluster.apply(*objects)
    account = door.cluster.authority.service_account("kyverno", ACCOUNT)
    kubeconfig = door.cluster.kubeconfig_of(door.folder / "kyverno.kubeconfig", account)

    def launch(name: str, command: Sequence[str], environment: dict[str, str]) -> Running:
        return start(name, command, log=door.folder / f"{name}.log", environment=environment)

    server = KyvernoServer(launch, BIN / "kyverno", kubeconfig)
    door.running.append(server.process)
    wait("Kyverno", server.is_ready, seconds=SECONDS, alive=door.running)
    door.page("install")
    wait("Kyverno's policies", lambda: in_force(door), seconds=SECONDS)


# ---------------------------------------------------------------------------------------------- what people see


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("how", ["kubectl", "helm", "python"])
def test_a_denial_names_rule_place_and_remedy(door: Door, what: str, how: str) -> None:
    make, words = BAD[what]
    told = getattr(door, how)(copy.deepcopy(make(door)))
    assert "denied" in told
    # What a release brought goes with the release.
    remove = "helm uninstall attempt" if how == "helm" else "kubectl delete configmap settings"
    wanted = [word.format(elsewhere=door.elsewhere, remove=remove) for word in words]
    assert [word for word in wanted if word not in " ".join(told.split())] == [], told


def test_the_home_is_open_and_holds_no_more_than_its_maximum(door: Door) -> None:
    assert door.kubectl(*mlflow()) == ""
    home = ("--namespace", HOME, "deployment/mlflow-tracking")
    maximum = "mlflow asks for {} replicas; its maximum is 1"
    assert f"spec.replicas: {maximum.format(2)}" in door.denied("scale", "--replicas=2", *home)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "mlflow", "namespace": HOME},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow-tracking"},
        },
    }
    told = door.kubectl(scaler)
    assert "singleton-service: spec.maxReplicas: " in told
    assert "its maximum is 1" in told

    # Its pod is the ReplicaSet controller's, who is let in with the owner.
    pod = running(door, "app.kubernetes.io/component=mlflow")
    owner = pod["metadata"]["ownerReferences"][0]
    assert owner["kind"] == "ReplicaSet"

    # Anybody may write an owner reference: it is no way round.
    forged = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "forged", "namespace": HOME, "ownerReferences": [owner]},
        "spec": copy.deepcopy(SECOND["spec"]["template"]["spec"]),
    }
    told = door.kubectl(forged)
    assert "singleton-service: spec.containers[0]: mlflow runs as thunderline/Pod/forged" in told
    # What is at its home may go, by steps and at once.
    assert door.denied("scale", "--replicas=0", *home) == ""
    assert door.denied("delete", *home) == ""


def running(door: Door, selector: str) -> dict[str, Any]:
    """Wait for the one pod with these labels, and give it."""
    found: list[dict[str, Any]] = []

    def runs() -> bool:
        found[:] = door.cluster.get("pods", "--namespace", HOME, "--selector", selector)
        return [pod["status"].get("phase") for pod in found] == ["Running"]

    wait("the pod", runs, seconds=SECONDS)
    return found[0]


def test_a_container_for_debugging_is_pinned_too(door: Door) -> None:
    assert door.kubectl(deployment("ledger", "registry.example.org/ledger:1.2.0")) == ""
    pod = running(door, "app=ledger")["metadata"]["name"]
    debugging = ("debug", "--namespace", HOME, pod, "--container=look")
    told = door.denied(*debugging, "--image=busybox:latest", "--", "true")
    assert "image-reference: spec.ephemeralContainers[0].image: image busybox:latest of container look" in told
    assert door.denied(*debugging, "--image=busybox:1.36.1", "--", "true") == ""
    assert door.denied("delete", "--namespace", HOME, "deployment/ledger") == ""


def test_an_upgrade_may_not_make_it_worse(door: Door) -> None:
    image = "registry.example.org/reports:1.2.0"
    assert door.install("reports", deployment("reports", image)) == ""
    worse = door.install("reports", deployment("reports", image.replace("1.2.0", "latest")))
    assert "image-reference: spec.template.spec.containers[0].image: " in worse
    worse = door.install("reports", deployment("reports", image, resources={"requests": FULL["requests"]}))
    assert "container reports sets no limits.cpu, limits.memory" in worse
    assert door.install("reports", deployment("reports", image.replace("1.2.0", "1.3.0"))) == ""
    door.cluster.helm("uninstall", "reports", "--namespace", HOME)


def test_what_was_there_before_may_only_go(door: Door) -> None:
    old = ("--namespace", door.elsewhere, "deployment/old")
    more = json.dumps({"spec": {"replicas": 3}})
    assert "denied" in door.denied("patch", *old, "--patch", more)
    assert "denied" in door.denied("set", "image", *old, "old=ghcr.io/mlflow/mlflow:edge")
    assert door.denied("scale", "--replicas=1", *old) == ""
    assert door.denied("scale", "--replicas=0", *old) == ""
    assert door.denied("delete", *old) == ""
    door.cluster.helm("uninstall", "thunder", "--namespace", door.elsewhere)
    assert door.cluster.get("deployments", "--namespace", door.elsewhere) == []
    assert door.denied("delete", "namespace", door.elsewhere, "--wait=false") == ""


def test_another_estate_is_in_force_without_a_restart(door: Door) -> None:
    file = door.tree / "examples" / "thunderline" / "estate.yaml"
    before = file.read_text(encoding="utf-8")
    estate = yaml.safe_load(before)
    estate["spec"]["deprecated"]["services"].append(
        {"name": "brontes", "recognise": [{"name": "^brontes$"}], "reason": "it is late", "remedy": "let it go"}
    )
    late = deployment("brontes", "registry.example.org/brontes:1.0.0")
    assert door.kubectl(late, dry=True) == ""
    for text, wanted in ((yaml.safe_dump(estate), "deprecated-service: "), (before, "")):
        file.write_text(text, encoding="utf-8")
        door.page("update")
        if door.files is not None:
            # The kubelet's part.
            held = door.cluster.get("configmap", "thunderguard-estate", "--namespace", "thunderguard")[0]
            door.files.use(yaml.safe_load(held["data"]["estate.yaml"]))

        def decided(wanted: str = wanted) -> bool:
            told = door.kubectl(late, dry=True)
            return wanted in told if wanted else not told

        wait("the other Estate", decided, seconds=SECONDS)


def test_it_can_be_tried_without_denying_anything(door: Door) -> None:
    door.page("try")
    if door.way == "opa":
        # With nobody at the address of the Service, everything goes on.
        wait("what OPA cannot answer", lambda: door.kubectl(UNLIMITED, dry=True) == "", seconds=SECONDS)
        tried = door.cluster.get("validatingwebhookconfigurations", "thunderguard-opa")[0]
        port = urlsplit(door.webhook).port or 0
        door.cluster.apply(redirected(bare(tried), port, door.cluster.authority))
    wait("policies that deny nothing", lambda: door.kubectl(UNLIMITED, dry=True) == "", seconds=SECONDS)
    if door.way == "opa":
        text = json.dumps(UNLIMITED)

        def warned() -> bool:
            done = door.cluster.run("kubectl", "create", "--dry-run=server", "-f", "-", stdin=text)
            return "Warning: would be denied: resource-limits: spec.template.spec" in done.stderr

        wait("a warning instead", warned, seconds=SECONDS)
    assert door.kubectl(SECOND, CHARTED, settings("default"), dry=True) == ""
