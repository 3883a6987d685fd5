"""The clean-up plan: what it says of October, and that it keeps its word on whatever it is given."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from plan_bed import OCTOBER, estate, findings_after, judged, objects_of, planned, written
from report_values import check_golden

from thunderguard import schemas
from thunderguard.model import JsonObject, Waived
from thunderguard.plan.amounts import quantity
from thunderguard.plan.build import make_plan
from thunderguard.plan.commands import operations
from thunderguard.plan.judging import Judging
from thunderguard.plan.read import read_objects
from thunderguard.plan.steps import Change, Move, Plan, Step, Uninstall
from thunderguard.reports import plan as reports
from thunderguard.reports import script
from thunderguard.reports.text import Look

ROOT = Path(__file__).parents[2]


def lines(plan: Plan) -> list[str]:
    return [one for step in plan.steps for one in reports.lines(step)]


def step_about(plan: Plan, words: str) -> Step:
    (found,) = [step for step in plan.steps if words in step.title]
    return found


# ------------------------------------------------------------------------------------------------ October


def test_october_has_the_commands_of_the_audit_in_its_order() -> None:
    plan = planned(objects_of(OCTOBER))
    told = lines(plan)
    wanted = [
        "helm uninstall thunder -n cerebros",
        "kubectl get pods -n cerebros",
        "helm uninstall thunderline -n thunder",
        "kubectl delete deployment thunderline-thunderhelm-cerebros -n thunderline",
        "kubectl delete namespace cerebros",
        "kubectl delete namespace thunder",
    ]
    assert [one for one in told if one in wanted] == wanted
    assert told[-1].startswith("kubectl create quota thunderline --hard=limits.cpu=")


def test_october_is_clean_afterwards() -> None:
    objects = objects_of(OCTOBER)
    plan = planned(objects)
    assert (len(plan.findings), len(plan.resolved)) == (64, 61)
    assert {one.rule for step in plan.by_hand for one in step.findings} == {"failing-workload"}
    after = findings_after(plan, objects)
    assert after == {}


def test_the_mlflow_that_others_wait_for_goes_home_first_and_is_waited_for() -> None:
    plan = planned(objects_of(OCTOBER))
    first = plan.steps[0]
    assert isinstance(first.action, Move)
    assert str(first.action.target) == "thunderline/Deployment/mlflow-tracking"
    wait = "kubectl rollout status deployment/mlflow-tracking -n thunderline --timeout=5m"
    for release in ("thunder of namespace cerebros", "thunderline of namespace thunder"):
        assert [reports.line(one) for one in step_about(plan, release).guards] == [wait]


def test_what_fails_is_not_waited_for_and_never_claimed() -> None:
    plan = planned(objects_of(OCTOBER))
    step = step_about(plan, "thunderhelm-web to thunderline/Deployment/thunderline-web")
    assert not any("rollout" in one for one in reports.lines(step))
    assert {one.rule for one in step.findings} == {"resource-limits", "singleton-service"}


def test_limits_come_from_the_estate() -> None:
    plan = planned(objects_of(OCTOBER))
    (patch,) = [one for one in reports.lines(plan.steps[0]) if "patch" in one]
    assert '"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}' in patch
    assert '"value": {"tcpSocket": {"port": 5000}}' in patch


# ------------------------------------------------------------------------------------------------ what may be done


def home(**changes: Any) -> JsonObject:
    """Give an MLflow at its home that breaks nothing."""
    container = {
        "name": "mlflow",
        "image": "ghcr.io/mlflow/mlflow:v2.14.1",
        "command": ["mlflow", "server"],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": {"tcpSocket": {"port": 5000}},
        "livenessProbe": {"tcpSocket": {"port": 5000}},
        **changes,
    }
    labels = {"app": "mlflow"}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    metadata = {"name": "mlflow-tracking", "namespace": "thunderline"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def named(obj: JsonObject, name: str, namespace: str = "thunderline") -> JsonObject:
    return {**obj, "metadata": {**obj["metadata"], "name": name, "namespace": namespace}}


def pod_spec(obj: JsonObject) -> JsonObject:
    spec: JsonObject = obj["spec"]["template"]["spec"]
    return spec


def test_resources_are_set_by_container() -> None:
    plan = planned([home(resources={})])
    step = step_about(plan, "set the resources")
    (command,) = step.commands
    assert reports.line(command) == (
        "kubectl set resources deployment mlflow-tracking -n thunderline -c mlflow "
        "--limits=cpu=1,memory=2Gi --requests=cpu=500m,memory=1Gi"
    )
    assert step.back == ("kubectl rollout undo deployment/mlflow-tracking -n thunderline",)


def test_what_a_ceiling_forbids_is_set_to_the_ceiling() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "search", "namespace": "thunderline"},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [
            {
                "name": "run",
                "image": "thunderline/cerebros-runner:1.0.0",
                "resources": {"limits": {"cpu": "4", "memory": "8Gi"}, "requests": {"cpu": "3", "memory": "1Gi"}},
            }
        ]}}}}},
    }  # fmt: skip
    plan = planned([job])
    step = step_about(plan, "set the resources")
    assert [reports.line(one) for one in step.commands] == [
        "kubectl set resources cronjob search -n thunderline -c run --limits=cpu=2,memory=4Gi --requests=cpu=2"
    ]


def test_replicas_are_scaled_to_the_maximum_and_back() -> None:
    obj = home()
    obj["spec"]["replicas"] = 3
    step = step_about(planned([obj]), "replicas")
    assert [reports.line(one) for one in step.commands] == [
        "kubectl scale deployment mlflow-tracking -n thunderline --replicas=1"
    ]
    assert step.back == ("kubectl scale deployment mlflow-tracking -n thunderline --replicas=3",)


def test_an_autoscaler_is_patched_with_its_minimum() -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": "thunderline"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow-tracking"},
            "minReplicas": 2,
            "maxReplicas": 5,
        },
    }
    step = step_about(planned([home(), scaler]), "HorizontalPodAutoscaler")
    (line,) = [reports.line(one) for one in step.commands]
    assert line.startswith("kubectl patch horizontalpodautoscaler scaler -n thunderline --type=json -p ")
    (*_, patch) = step.commands[0].pipeline[0]
    assert json.loads(patch) == [
        {"op": "add", "path": "/spec/maxReplicas", "value": 1},
        {"op": "add", "path": "/spec/minReplicas", "value": 1},
    ]
    assert step.back == ('kubectl replace --force -f "$backup"/horizontalpodautoscaler-thunderline-scaler.yaml',)


def test_the_bad_examples_have_a_plan() -> None:
    """Whatever breaks a rule, there is a plan, and it is told what it leaves to a person and why."""
    objects = read_objects("examples/bad")
    plan = planned(objects)
    assert plan.steps
    assert all("; " in step.reason for step in plan.by_hand)
    assert not findings_after(plan, objects).keys() & plan.resolved


def test_an_image_is_pinned_to_what_its_pods_run_and_to_nothing_else() -> None:
    obj = home(image="ghcr.io/mlflow/mlflow:latest")
    assert not [step for step in planned([obj]).steps if step.kind == "set-image"]
    digest = f"sha256:{'a' * 64}"
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow-tracking", "controller": True}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "thunderline", "ownerReferences": [owner]},
        "spec": pod_spec(obj),
        "status": {"containerStatuses": [{"name": "mlflow", "imageID": f"ghcr.io/mlflow/mlflow@{digest}"}]},
    }
    step = step_about(planned([obj, pod]), "set the image")
    assert [reports.line(one) for one in step.commands] == [
        f"kubectl set image deployment/mlflow-tracking -n thunderline mlflow=ghcr.io/mlflow/mlflow@{digest}"
    ]
    pod["status"] = {"containerStatuses": [{"name": "mlflow", "imageID": ""}]}
    assert not [step for step in planned([obj, pod]).steps if step.kind == "set-image"]


def test_the_only_instance_of_a_service_is_not_taken_away() -> None:
    """Elsewhere, and needing what is there: that it is moved by hand first is said, and nothing is done to it."""
    obj = named(home(), "mlflow", "cerebros")
    pod_spec(obj)["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "mlflow-data"}}]
    plan = planned([obj])
    assert not [step for step in plan.steps if "cerebros" in step.title]
    (step,) = [step for step in plan.by_hand if step.findings[0].rule == "singleton-service"]
    assert "it needs PersistentVolumeClaim mlflow-data of namespace cerebros" in step.reason
    (step,) = [step for step in plan.by_hand if step.findings[0].rule == "namespace-boundary"]
    assert "would end the only mlflow: give it its home first" in step.reason


def test_a_step_that_would_break_something_else_is_left_to_a_person() -> None:
    """At its home the image would still name no version, which is a finding that was not there."""
    plan = planned([named(home(image="ghcr.io/mlflow/mlflow"), "mlflow")])
    assert [step.kind for step in plan.steps] == ["create"]
    told = {step.findings[0].rule: step.reason for step in plan.by_hand}
    assert "to thunderline/Deployment/mlflow-tracking would break image-reference" in told["singleton-service"]
    assert "only a person knows the version that is meant" in told["image-reference"]


def test_an_instance_that_needs_nothing_there_moves_across_namespaces() -> None:
    obj = named(home(), "mlflow", "cerebros")
    obj["metadata"]["labels"] = {"helm.sh/chart": "thunder-stack-0.1.0", "app.kubernetes.io/managed-by": "Helm"}
    obj["metadata"]["annotations"] = {
        "meta.helm.sh/release-name": "thunder",
        "meta.helm.sh/release-namespace": "cerebros",
    }
    plan = planned([obj])
    assert isinstance(plan.steps[0].action, Move)
    assert not findings_after(plan, [obj]).keys() & plan.resolved
    (deployment,) = [one for one in written(plan, [obj]) if one["kind"] == "Deployment"]
    assert deployment["metadata"]["labels"] == {}
    assert deployment["metadata"]["annotations"] == {}


def test_what_has_a_claim_is_stopped_before_its_successor_starts() -> None:
    obj = named(home(), "mlflow")
    pod_spec(obj)["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "mlflow-data"}}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": "thunderline"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 1},
    }
    (step,) = [step for step in planned([obj, scaler]).steps if isinstance(step.action, Move)]
    first, second, *_ = [reports.line(one) for one in step.commands]
    assert first == "kubectl scale deployment mlflow -n thunderline --replicas=0"
    assert '{"op": "add", "path": "/spec/replicas", "value": 1}' in second
    assert "kubectl scale deployment mlflow -n thunderline --replicas=1, when it is still there" in step.back
    assert any("the claim mlflow-data can have one writer" in one for one in step.warnings)
    assert any("HorizontalPodAutoscaler scaler" in one for one in step.warnings)


def test_data_in_claims_is_warned_of_and_a_claim_is_never_deleted() -> None:
    other = named(home(), "mlflow", "cerebros")
    pod_spec(other)["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "mlflow-data"}}]
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "mlflow-data", "namespace": "cerebros"},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cerebros"}}
    plan = planned([home(), other, claim, namespace])
    step = step_about(plan, "delete cerebros/Deployment/mlflow")
    assert any("keeps the data of mlflow in the claim mlflow-data" in one for one in step.warnings)
    assert [reports.line(one) for one in step.guards] == [
        "kubectl rollout status deployment/mlflow-tracking -n thunderline --timeout=5m"
    ]
    assert not any("persistentvolumeclaim mlflow-data" in one or "delete namespace" in one for one in lines(plan))
    told = {(step.findings[0].rule, step.findings[0].resource.kind): step.reason for step in plan.by_hand}
    assert "what is stored in it would be lost" in told["namespace-boundary", "PersistentVolumeClaim"]
    assert "it is not empty" in told["namespace-boundary", "Namespace"]


def test_the_claims_of_a_duplicate_postgres_are_warned_of() -> None:
    container = {"name": "db", "image": "postgres:15", "readinessProbe": {"tcpSocket": {"port": 5432}}}
    spec = {
        "template": {"spec": {"containers": [{**container, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    }
    postgres = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "postgres", "namespace": "thunderline"},
        "spec": spec,
    }
    plan = planned([postgres, named(postgres, "postgres", "thunder")])
    assert "claims of its own (data) with the data of postgres" in step_about(plan, "thunder/StatefulSet").warnings[0]


def test_a_required_service_parked_at_home_is_woken() -> None:
    obj = home()
    obj["spec"]["replicas"] = 0
    plan = planned([obj])
    assert "kubectl scale deployment mlflow-tracking -n thunderline --replicas=1" in lines(plan)


def test_what_a_release_in_an_allowed_namespace_brought_is_deleted_alone() -> None:
    """To uninstall the release would end the other services in it."""
    helm = {"meta.helm.sh/release-name": "all", "meta.helm.sh/release-namespace": "thunderline"}
    old = named(home(image="thunder-automat0:1.0", command=["python", "x.py"]), "automat0")
    objects = [home(), old]
    for obj in objects:
        obj["metadata"] = {**obj["metadata"], "annotations": helm}
    plan = planned(objects)
    assert not any(isinstance(step.action, Uninstall) for step in plan.steps)
    step = step_about(plan, "delete thunderline/Deployment/automat0")
    assert any("the Helm release all of thunderline made" in one for one in step.warnings)


def test_a_clean_estate_needs_nothing() -> None:
    plan = planned(read_objects("examples/good"))
    assert (plan.steps, plan.by_hand, plan.findings) == ((), (), ())
    assert reports.summary(plan) == "0 steps resolve 0 of 0 findings; 0 findings left to do by hand"


# ------------------------------------------------------------------------------------------------ the model


def test_the_model_finds_what_an_audit_finds() -> None:
    """A plan speaks of the findings of an audit, so its own judge has to give each the same fingerprint."""
    for path in (OCTOBER, "examples/bad", "examples/good"):
        objects = read_objects(path)
        found = judged(objects)
        model = Judging(*_contract()).of_set(objects)
        assert {(mark, one.rule, one.resource) for mark, one in model.items()} == {
            (mark, one.rule, one.resource) for mark, one in found.items()
        }


def _contract() -> tuple[Any, JsonObject]:
    from thunderguard.estate import DEFAULT_ESTATE
    from thunderguard.facts.contract import Contract

    estate = yaml.safe_load(DEFAULT_ESTATE.read_text(encoding="utf-8"))
    return Contract.of(estate), estate


@pytest.mark.parametrize(
    ("resource", "thousandths", "text"),
    [
        ("cpu", 500, "500m"),
        ("cpu", 2000, "2"),
        ("memory", 1024**3 * 1000, "1Gi"),
        ("memory", 1536 * 1024**2 * 1000, "1536Mi"),
        ("memory", 1500, "2"),
    ],
)
def test_amounts_are_spelled_as_people_do(resource: str, thousandths: int, text: str) -> None:
    assert quantity(resource, thousandths) == text


def test_a_json_patch_makes_what_is_not_there() -> None:
    obj = {"a": {"b": None}, "c": [{"d": 1}]}
    changes = [Change(("a", "b", "e", "f"), 1), Change(("c", 0, "d"), 2), Change(("a", "b", "e", "g"), 3)]
    assert operations(obj, changes) == [
        {"op": "add", "path": "/a/b", "value": {"e": {"f": 1, "g": 3}}},
        {"op": "add", "path": "/c/0/d", "value": 2},
    ]


# ------------------------------------------------------------------------------------------------ forms

HOSTILE = [
    "x; touch owned",
    "--all",
    "-n",
    "a b",
    "$(id)",
    "`id`",
    "a'b",
    "a\nrm -rf /",
    "a\x1b[2Jb",
    "a\u202eb",
    "a\x00b",
    "../../x",
    "",
]


def hostile_objects() -> list[JsonObject]:
    objects = []
    for place, text in enumerate(HOSTILE):
        obj = named(home(name=text, resources={}), text, text)
        obj["metadata"]["annotations"] = {
            "meta.helm.sh/release-name": text,
            "meta.helm.sh/release-namespace": text or "x",
        }
        objects += [obj, named(obj, f"m{place}", text), named(home(name=text, resources={}), f"n{place}", "cerebros")]
        release = {"chart": {"name": "thunder-stack", "version": text}, "status": "deployed", "revision": text}
        objects.append(
            {
                "apiVersion": "thunderguard.dev/v1alpha1",
                "kind": "Release",
                "metadata": {"name": text, "namespace": "cerebros"},
                "spec": release,
            }
        )
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": text}})
        objects.append({"apiVersion": "apps/v1", "kind": text, "metadata": {"name": "k", "namespace": "cerebros"}})
    return objects


def test_hostile_names_reach_no_command() -> None:
    plan = planned(hostile_objects())
    assert plan.steps
    words = [
        word for step in plan.steps for one in (*step.commands, *step.backups) for argv in one.pipeline for word in argv
    ]
    plain = re.compile(r"[A-Za-z0-9._:/=,@%+-]*\Z")
    for word in words:
        assert plain.match(word) or json.loads(word) is not None, word
        assert word not in HOSTILE[:1]
    names = {argv[3] for step in plan.steps for one in step.commands for argv in one.pipeline if argv[1] == "delete"}
    assert names
    assert not any(name.startswith("-") for name in names)


def test_hostile_names_do_not_leave_their_line(tmp_path: Path) -> None:
    """The script is bash, shows what it would do, and does nothing; no text leaves its comment or quotes."""
    plan = planned(hostile_objects(), source="x'\n; touch owned #\u202e")
    text = script.render(plan)
    assert text.isprintable() or not (set(text) - {"\n"} and not text.replace("\n", "").isprintable())
    file = tmp_path / "plan.sh"
    file.write_text(text, encoding="utf-8")
    shown = subprocess.run(
        ["bash", str(file)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plan.sh"]
    for shape in (reports.render(plan, Look()), reports.render_markdown(plan)):
        assert not [char for char in shape if not char.isprintable() and char != "\n"]
    schemas.validator("plan").validate(json.loads(reports.render_json(plan)))


def shell(plan: Plan, folder: Path, *words: str, failing: str = "nothing") -> subprocess.CompletedProcess[str]:
    """Run a plan with programs that write down how they were called, and fail when they are told ``failing``."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("kubectl", "helm"):
        program = programs / name
        program.write_text(
            f'#!/bin/bash\necho "{name} $*" >> "{folder}/calls"\n'
            f'if [[ "$*" == *"-f -"* ]]; then cat > /dev/null; fi\n[[ "$*" != *"{failing}"* ]]\n',
            encoding="utf-8",
        )
        program.chmod(0o755)
    file = folder / "plan.sh"
    file.write_text(script.render(plan), encoding="utf-8")
    return subprocess.run(
        ["bash", str(file), *words],
        cwd=folder,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return (
        [one for one in file.read_text().splitlines() if "config current-context" not in one] if file.exists() else []
    )


def test_the_script_does_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    plan = planned(objects_of(OCTOBER))
    done = shell(plan, tmp_path)
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == []
    assert "helm uninstall thunder -n cerebros" in done.stdout
    assert "nothing is done" in done.stdout


def test_the_script_runs_all_in_order_and_keeps_what_it_changes(tmp_path: Path) -> None:
    plan = planned(objects_of(OCTOBER))
    done = shell(plan, tmp_path, "--apply")
    assert done.returncode == 0, done.stderr
    wanted = [
        " ".join(words)
        for step in plan.steps
        for one in (*step.guards, *step.backups, *step.commands, *step.checks)
        for words in one.pipeline
    ]
    # The programs of one pipeline start together.
    assert sorted(calls(tmp_path)) == sorted(wanted)
    deleting = [one for one in wanted if " delete " in one or " uninstall " in one]
    assert [one for one in calls(tmp_path) if " delete " in one or " uninstall " in one] == deleting
    (backup,) = tmp_path.glob("thunderguard-backup-*")
    assert backup.stat().st_mode & 0o777 == 0o700
    assert len(list(backup.iterdir())) == sum(len(step.backups) for step in plan.steps)


def test_the_script_stops_at_what_fails_and_can_be_taken_up_again(tmp_path: Path) -> None:
    plan = planned(objects_of(OCTOBER))
    done = shell(plan, tmp_path, "--apply", failing="rollout status deployment/mlflow-tracking")
    assert done.returncode != 0
    assert not any("uninstall" in one or " delete " in one for one in calls(tmp_path))
    again = shell(plan, tmp_path, "--apply", "--from", "11")
    assert again.returncode == 0
    assert "== step 10" not in again.stdout
    assert shell(plan, tmp_path, "--from", "x").returncode == 2
    assert shell(plan, tmp_path, "--now").returncode == 2


# ------------------------------------------------------------------------------------------------ the command


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thunderguard.cli", "plan", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_script_of_october_is_the_golden_file() -> None:
    done = run("examples/thunderline/2025-10-08.jsonl", "--format", "sh")
    assert done.returncode == 0, done.stderr
    check_golden("plan.sh", done.stdout)


def test_json_fits_its_schema_and_counts_what_is_by_hand() -> None:
    done = run(OCTOBER, "--format", "json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    schemas.validator("plan").validate(value)
    assert value["totals"] == {"findings": 64, "resolved": 61, "byHand": 3}
    assert [step["number"] for step in value["steps"]] == list(range(1, len(value["steps"]) + 1))
    assert value["estate"]["name"] == "thunderline"


def test_text_says_what_may_be_lost_and_the_way_back() -> None:
    done = run(OCTOBER)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert "CAREFUL cerebros/Deployment/mlflow-tracking mounts no claim: what mlflow keeps in its pods is lost" in text
    assert 'back    kubectl create -f "$backup"/release-cerebros-thunder.yaml && helm rollback thunder 1' in text
    assert text.endswith("11 steps resolve 61 of 64 findings; 3 findings left to do by hand\n")


def test_markdown_is_a_list_of_steps() -> None:
    done = run(OCTOBER, "--format", "markdown")
    assert done.returncode == 0, done.stderr
    assert "<code>helm uninstall thunder -n cerebros</code>" in done.stdout
    assert done.stdout.count("\n- [ ] ") == 3


def test_a_plan_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    done = run(OCTOBER, "--format", "json", "--output", file)
    assert (done.returncode, done.stdout) == (0, "")
    schemas.validator("plan").validate(json.loads(file.read_text(encoding="utf-8")))


def test_what_cannot_be_read_makes_a_plan_incomplete(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: [\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text((ROOT / "examples" / "bad" / "parked-workload.yaml").read_text(), encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode == 3
    assert "warning: " in done.stderr
    assert "kubectl delete deployment old-reports -n thunderline" in done.stdout


def test_what_is_waived_is_let_be() -> None:
    """A waived finding is no part of a plan; what is not waived of the same object still is."""
    found = judged(objects_of(OCTOBER))
    waived = Waived(reason="a migration", owner="ops", expires="2999-01-01")
    mine = [
        replace(one, waived=waived)
        if one.rule == "parked-workload" and one.resource.namespace == "thunderline"
        else one
        for one in found.values()
    ]
    plan = make_plan(objects_of(OCTOBER), mine, estate(), source="x", shown={"name": "thunderline"})
    assert len(plan.findings) == 63
    left = {
        one.rule for step in (*plan.steps, *plan.by_hand) for one in step.findings if "cerebros" in str(one.resource)
    }
    assert "job-only-service" in left
    only = [one for one in mine if one.waived is not None]
    assert make_plan(objects_of(OCTOBER), only, estate(), source="x", shown={}).steps == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-"], "standard input can be read once"),
        (["missing.jsonl"], "missing.jsonl"),
        ([OCTOBER, "--format", "pdf"], "'pdf' is not one of"),
        ([OCTOBER, "--output", "/missing/plan.sh"], "is not a directory"),
        ([OCTOBER, "--estate", "missing.yaml"], "missing.yaml"),
        ([], "Missing argument 'SNAPSHOT'"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
