"""Findings followed to values by real Helm, and values tried on charts: what is said is what Helm makes true."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from thunderguard import assets, schemas
from thunderguard.charts.chartfile import open_chart
from thunderguard.charts.instrument import coalesced
from thunderguard.charts.properties import PropertyRun, Settings
from thunderguard.charts.trials import Setup
from thunderguard.charts.tryvalues import try_values
from thunderguard.charts.values import stacked
from thunderguard.cli.app import app
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.pins import find_program
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import JsonObject
from thunderguard.paths import parse_path

OCTOBER = "examples/charts/october"

WORKLOAD = """\
{{- if .Values.%(name)s.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Values.%(name)s.name | default (printf "%%s-%(name)s" .Release.Name) }}
spec:
  replicas: {{ .Values.%(name)s.replicas }}
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      containers:
        - name: main
          image: {{ .Values.%(name)s.image.repository }}:{{ .Values.%(name)s.image.tag | default .Chart.AppVersion }}
          {{- with .Values.%(name)s.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end }}
"""
BOUNDED: JsonObject = {
    "requests": {"cpu": "100m", "memory": "64Mi"},
    "limits": {"cpu": "100m", "memory": "64Mi"},
}


def component(**changed: Any) -> JsonObject:
    image = {"repository": "registry.example.com/tool", "tag": "1.0.0"}
    return {"enabled": True, "replicas": 1, "name": "", "image": image, "resources": BOUNDED, **changed}


def make_chart(folder: Path, values: JsonObject, *names: str, **metadata: Any) -> Path:
    """Write a chart with a workload for each of ``names``."""
    (folder / "templates").mkdir(parents=True)
    head = {"apiVersion": "v2", "name": folder.name, "version": "0.1.0", "appVersion": "2.0.0", **metadata}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
    (folder / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    for name in names:
        (folder / "templates" / f"{name}.yaml").write_text(WORKLOAD % {"name": name}, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    find_program("helm", EngineOptions())
    monkeypatch.chdir(assets.root("examples").parent)


class Lint:
    """One run of ``thunderguard lint`` with its JSON report."""

    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self.captured = capsysbinary
        self.said = ""

    def __call__(self, chart: Path | str, *words: str, code: int = 1) -> list[JsonObject]:
        with pytest.raises(SystemExit) as ended:
            app.main(["lint", str(chart), "--format", "json", *words], standalone_mode=True)
        out, err = self.captured.readouterr()
        self.said = err.decode()
        assert ended.value.code == code, self.said
        report: JsonObject = orjson.loads(out)
        assert schemas.validator("report").is_valid(report)
        # A tool of a test is no service of the Estate, and is not what the tests are about.
        return [one for one in report["findings"] if one["rule"] != "undeclared-workload"]


@pytest.fixture
def lint(capsysbinary: pytest.CaptureFixture[bytes]) -> Lint:
    return Lint(capsysbinary)


def of_rule(findings: list[JsonObject], rule: str) -> list[JsonObject]:
    return [one for one in findings if one["rule"] == rule]


def test_every_limits_finding_of_october_has_template_line_key_and_patch(lint: Lint, tmp_path: Path) -> None:
    target = tmp_path / "fix.yaml"
    found = of_rule(lint(OCTOBER, "--write-values", str(target)), "resource-limits")
    assert len(found) == 8
    for one in found:
        origin = one["origin"]
        text = Path(origin["template"]).read_text("utf-8").splitlines()[origin["line"] - 1]
        assert "resources:" in text
        assert (one["file"], one["line"]) == (origin["template"], origin["line"])
        (key,) = origin["keys"]
        assert key.endswith(".resources")
        block: Any = yaml.safe_load(origin["patch"])
        for part in key.split("."):
            block = block[part]
        assert set(block) == {"requests", "limits"}
    assert "give it as the last -f" in lint.said
    assert not lint(OCTOBER, "-f", str(target), "--rule", "resource-limits", code=0)


def test_each_patch_mends_its_finding_alone(lint: Lint, tmp_path: Path) -> None:
    before = lint(OCTOBER)
    patched = [one for one in before if (one["origin"] or {}).get("patch")]
    assert {one["rule"] for one in patched} >= {"resource-limits", "job-only-service"}
    target = tmp_path / "patch.yaml"
    for one in patched[:6]:
        target.write_text(one["origin"]["patch"], encoding="utf-8")
        after = {other["fingerprint"] for other in lint(OCTOBER, "-f", str(target), "--no-explain-values")}
        assert one["fingerprint"] not in after
        assert after <= {other["fingerprint"] for other in before}


def test_without_explaining_there_is_no_origin(lint: Lint) -> None:
    assert all(one["origin"] is None for one in lint(OCTOBER, "--no-explain-values"))


def test_a_finding_of_the_set_has_its_line_and_key(lint: Lint) -> None:
    (parked,) = of_rule(lint(OCTOBER), "parked-workload")
    assert parked["origin"]["keys"] == ["cerebros.replicas"]
    assert parked["origin"]["patch"] is None
    assert "replicas" in Path(parked["file"]).read_text("utf-8").splitlines()[parked["line"] - 1]


def test_of_two_instances_the_one_to_remove_is_turned_off(lint: Lint, tmp_path: Path) -> None:
    september = ("-f", f"{OCTOBER}/values-september.yaml")
    (one,) = of_rule(lint(OCTOBER, *september), "duplicate-service")
    assert one["origin"]["keys"] == ["mlflow.enabled"]
    assert one["origin"]["template"] == f"{OCTOBER}/templates/mlflow.yaml"
    target = tmp_path / "patch.yaml"
    target.write_text(one["origin"]["patch"], encoding="utf-8")
    assert yaml.safe_load(one["origin"]["patch"]) == {"mlflow": {"enabled": False}}
    assert not of_rule(lint(OCTOBER, *september, "-f", str(target), "--no-explain-values"), "duplicate-service")


def test_what_speaks_about_no_object_of_the_chart_has_no_origin(lint: Lint) -> None:
    (missing, *_) = of_rule(lint(OCTOBER, "--complete", "--set", "web.enabled=false"), "missing-service")
    assert (missing["resource"]["kind"], missing["origin"]) == ("Estate", None)


def test_a_moving_tag_gets_the_version_that_another_values_file_has(lint: Lint, tmp_path: Path) -> None:
    tool = component(image={"repository": "registry.example.com/tool", "tag": "latest"})
    chart = make_chart(tmp_path / "tool", {"web": tool}, "web")
    (one,) = lint(chart)
    # The chart's own version, when nothing else is known.
    assert yaml.safe_load(one["origin"]["patch"]) == {"web": {"image": {"tag": "2.0.0"}}}
    assert one["origin"]["keys"] == ["web.image.tag"]
    (chart / "values-prod.yaml").write_text("web: {image: {tag: 1.4.2}}\n", encoding="utf-8")
    (one,) = lint(chart)
    assert yaml.safe_load(one["origin"]["patch"]) == {"web": {"image": {"tag": "1.4.2"}}}


def test_a_limit_above_the_ceiling_becomes_the_ceiling(lint: Lint, tmp_path: Path) -> None:
    image = {"repository": "thunderline/cerebros-runner", "tag": "1.0.0"}
    limits = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "8", "memory": "2Gi"}}
    chart = make_chart(tmp_path / "runner", {"web": component(image=image, resources=limits)}, "web")
    (one,) = of_rule(lint(chart), "resource-limits")
    assert one["origin"]["keys"] == ["web.resources.limits.cpu"]
    assert yaml.safe_load(one["origin"]["patch"]) == {"web": {"resources": {"limits": {"cpu": "2"}}}}


def test_only_what_is_missing_is_proposed(lint: Lint, tmp_path: Path) -> None:
    limits = {"requests": {"cpu": "50m"}, "limits": {"cpu": "50m"}}
    chart = make_chart(tmp_path / "tool", {"web": component(resources=limits)}, "web")
    (one,) = lint(chart)
    assert yaml.safe_load(one["origin"]["patch"]) == {
        "web": {"resources": {"limits": {"memory": "512Mi"}, "requests": {"memory": "128Mi"}}}
    }


def test_a_service_away_from_home_is_named_as_its_home(lint: Lint, tmp_path: Path) -> None:
    image = {"repository": "otel/opentelemetry-collector", "tag": "0.106.0"}
    chart = make_chart(tmp_path / "tool", {"web": component(image=image)}, "web")
    (one,) = lint(chart)
    assert (one["rule"], one["origin"]["keys"]) == ("singleton-service", ["web.name"])
    assert yaml.safe_load(one["origin"]["patch"]) == {"web": {"name": "otelcol"}}
    elsewhere = lint(chart, "--namespace", "thunder")
    assert {(one["rule"], one["origin"]["option"]) for one in elsewhere} == {
        ("namespace-boundary", "--namespace thunderline"),
        ("singleton-service", "--namespace thunderline"),
    }


def test_what_is_set_on_the_command_line_no_values_file_mends(lint: Lint, tmp_path: Path) -> None:
    chart = make_chart(tmp_path / "tool", {"web": component()}, "web")
    target = tmp_path / "fix.yaml"
    (one,) = lint(chart, "--set", "web.image.tag=latest", "--write-values", str(target))
    assert one["origin"]["patch"] is None
    assert yaml.safe_load(target.read_text("utf-8")) == {}
    assert "no values do" in lint.said


def test_a_template_that_checks_its_values_hides_nothing(lint: Lint, tmp_path: Path) -> None:
    chart = make_chart(tmp_path / "tool", {"web": component(resources={}), "mode": "small"}, "web")
    check = '{{- if not (has .Values.mode (list "small" "large")) }}{{ fail "mode is small or large" }}{{- end }}\n'
    (chart / "templates" / "check.yaml").write_text(check, encoding="utf-8")
    (chart / "values.schema.json").write_text(
        '{"type": "object", "additionalProperties": false, "properties": {"web": {}, "mode": {}}}', encoding="utf-8"
    )
    (one,) = lint(chart)
    assert one["origin"]["keys"] == ["web.resources"]
    assert one["origin"]["patch"] is not None


def parent(folder: Path) -> Path:
    """Write a chart with a subchart under another name."""
    chart = make_chart(
        folder,
        {"web": component(), "helper": {"web": {"replicas": 2}}, "global": {"region": "a"}},
        "web",
        dependencies=[{"name": "sub", "alias": "helper", "version": "0.1.0"}],
    )
    make_chart(chart / "charts" / "sub", {"web": component(resources={}, name="sub")}, "web")
    return chart


@pytest.mark.parametrize("packaged", [False, True])
def test_a_key_of_an_aliased_subchart(lint: Lint, tmp_path: Path, packaged: bool) -> None:
    chart = parent(tmp_path / "tool")
    if packaged:
        helm = find_program("helm", EngineOptions())
        subprocess.run([helm, "package", chart, "-d", tmp_path], check=True, capture_output=True)
        chart = tmp_path / "tool-0.1.0.tgz"
    (one,) = lint(chart)
    assert one["origin"]["keys"] == ["helper.web.resources"]
    assert one["origin"]["template"] == f"{chart}/charts/sub/templates/web.yaml"
    assert one["origin"]["line"] == 13
    assert set(yaml.safe_load(one["origin"]["patch"])) == {"helper"}


def test_values_are_what_helm_makes_of_them(tmp_path: Path) -> None:
    chart = parent(tmp_path / "tool")
    extra = tmp_path / "extra.yaml"
    extra.write_text("web: {replicas: 3}\n", encoding="utf-8")
    with open_chart(chart) as source:
        seen = coalesced(source, Setup("tool", "thunderline", [extra], ["global.region=b"]))
    assert seen["web"]["replicas"] == 3
    assert seen["helper"]["web"]["replicas"] == 2
    assert seen["helper"]["web"]["name"] == "sub"
    assert seen["global"] == {"region": "b"}


ARGO = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  destination: {namespace: %s}
  source: {repoURL: https://example.org/estate, path: charts/tool, helm: {%s}}
"""
SOURCES = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  destination: {namespace: thunderline}
  sources: [{repoURL: https://example.org/a, ref: values}, {repoURL: https://example.org/b, path: charts/tool}]
"""
SET = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  generators: [{list: {elements: [{name: one}, {name: two}]}}]
  template:
    metadata: {name: "web-{{name}}"}
    spec:
      destination: {namespace: thunderline}
      source: {repoURL: https://example.org/estate, path: charts/tool}
"""
FLUX = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: thunderline}
spec:
  chart: {spec: {chart: ./charts/tool, sourceRef: {kind: GitRepository, name: x}}}
  values: {web: {replicas: 2}}
"""
K3S = """
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: web, namespace: kube-system}
spec: {targetNamespace: thunderline, chartContent: PACKED, valuesContent: "web: {replicas: 2}"}
"""
CONFIG = """
---
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata: {name: web, namespace: kube-system}
spec: {valuesContent: "web: {replicas: 3}"}
"""


def delivering(folder: Path, manifest: str, **changed: Any) -> Path:
    """Write a repository with a chart in it and a manifest that delivers it, packed into it where it says so."""
    (folder / ".git").mkdir(parents=True)
    chart = make_chart(folder / "charts" / "tool", {"web": component(**changed)}, "web")
    if "PACKED" in manifest:
        helm = find_program("helm", EngineOptions())
        subprocess.run([helm, "package", chart, "-d", folder], check=True, capture_output=True)
        manifest = manifest.replace("PACKED", base64.b64encode((folder / "tool-0.1.0.tgz").read_bytes()).decode())
    (folder / "deploy").mkdir()
    (folder / "deploy" / "app.yaml").write_text(manifest, encoding="utf-8")
    return folder / "deploy" / "app.yaml"


def put_into(manifest: Path, into: str, patch: str) -> None:
    """Do what a report says: put ``patch`` into a field of one of the objects in ``manifest``."""
    place, _, holder = into.partition(" of ")
    objects = list(yaml.safe_load_all(manifest.read_text("utf-8")))
    (obj,) = (one for one in objects if holder.startswith(f"{one['kind']}/{one['metadata']['name']}"))
    *above, last = parse_path(place)
    at: Any = obj
    for part in above:
        at = at[part] if isinstance(part, int) else at.setdefault(part, {})
    is_text = last in {"values", "valuesContent"} and not isinstance(at.get(last), dict)
    before = yaml.safe_load(at.get(last) or "{}") if is_text else at.get(last) or {}
    after = stacked(before, yaml.safe_load(patch))
    at[last] = yaml.safe_dump(after) if is_text else after
    manifest.write_text(yaml.safe_dump_all(objects), encoding="utf-8")


@pytest.mark.parametrize(
    ("manifest", "into"),
    [
        (ARGO % ("thunderline", ""), "spec.source.helm.valuesObject of Application/web"),
        (ARGO % ("thunderline", "values: 'web: {replicas: 2}'"), "spec.source.helm.values of Application/web"),
        (SOURCES, "spec.sources[1].helm.valuesObject of Application/web"),
        (SET, "spec.template.spec.source.helm.valuesObject of ApplicationSet/all"),
        (FLUX, "spec.values of HelmRelease/web"),
        (K3S, "spec.valuesContent of HelmChart/web"),
        (K3S + CONFIG, "spec.valuesContent of HelmChartConfig/web"),
    ],
)
def test_a_delivered_chart_says_where_the_values_go_and_there_they_mend(
    lint: Lint, tmp_path: Path, manifest: str, into: str
) -> None:
    file = delivering(tmp_path / "repo", manifest, resources={})
    found = of_rule(lint(file), "resource-limits")
    assert found
    for one in found:
        origin = one["origin"]
        assert (one["file"], one["line"]) == (origin["template"], origin["line"])
        assert origin["template"].endswith("/templates/web.yaml")
        assert origin["keys"] == ["web.resources"]
        assert origin["into"] == (into if "Config" in into else f"{into} ({file})")
        assert ("was tried on one of 2" in (origin["note"] or "")) == (manifest is SET)
    put_into(file, found[0]["origin"]["into"], found[0]["origin"]["patch"])
    assert not of_rule(lint(file, code=0), "resource-limits")


def test_what_stands_over_the_values_of_a_manifest_no_patch_mends(lint: Lint, tmp_path: Path) -> None:
    for number, forced in enumerate(("true", "false")):
        latest = f"parameters: [{{name: web.image.tag, value: latest, forceString: {forced}}}]"
        file = delivering(tmp_path / str(number), ARGO % ("thunderline", latest))
        (one,) = lint(file)
        assert (one["rule"], one["origin"]["patch"], one["origin"]["into"]) == ("image-reference", None, None)


def test_a_delivered_chart_moves_by_a_field_of_its_manifest(lint: Lint, tmp_path: Path) -> None:
    file = delivering(tmp_path / "repo", ARGO % ("thunder", ""))
    (one,) = [one for one in lint(file) if one["resource"]["kind"] == "Deployment"]
    assert (one["rule"], one["origin"]["patch"]) == ("namespace-boundary", None)
    assert one["origin"]["option"] == "spec.destination.namespace: thunderline"


def test_delivered_charts_share_their_time(lint: Lint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thunderguard.charts.follow._SECONDS", 0)
    file = delivering(tmp_path / "repo", ARGO % ("thunderline", ""), resources={})
    (one,) = lint(file)
    assert one["origin"] is None
    assert "the values of 1 chart were not looked into" in lint.said


def tried(chart: Path | str, **chosen: Any) -> PropertyRun:
    settings = Settings(**{"seed": 7, "examples": 25, "seconds": 300.0, **chosen})
    return try_values(str(chart), settings, estate=load_estate(DEFAULT_ESTATE))


def test_october_breaks_with_values_that_no_file_has() -> None:
    result = tried(OCTOBER)
    new = [one for one in result.broken if one.is_new]
    assert [one.values for one in new] == [{"federation": {"enabled": True, "tracking": {"enabled": True}}}]
    assert {found.raw.rule for found in new[0].findings} == {"singleton-service", "health-probes"}
    value = result.to_json()
    assert len(value["broken"][0]["values"].splitlines()) < 10
    assert result.covered == result.pairs > 0
    assert schemas.validator("chartproperty").is_valid(value)
    again = tried(OCTOBER).to_json()
    assert {**value, "seconds": 0} == {**again, "seconds": 0}


def test_thunderline_obeys_the_rules_whatever_its_values() -> None:
    result = tried("examples/charts/thunderline")
    assert result.broken == ()
    assert result.covered == result.pairs > 0


def test_a_schema_bounds_what_is_tried_and_what_does_not_render_is_told(tmp_path: Path) -> None:
    values = {"web": component(), "mode": "small"}
    chart = make_chart(tmp_path / "tool", values, "web")
    check = '{{- if and (eq .Values.mode "large") (not .Values.web.enabled) }}{{ fail "large needs web" }}{{- end }}\n'
    (chart / "templates" / "check.yaml").write_text(check, encoding="utf-8")
    schema = {
        "type": "object",
        "properties": {
            "mode": {"enum": ["small", "large"]},
            "web": {"type": "object", "properties": {"replicas": {"type": "integer", "minimum": 1, "maximum": 3}}},
        },
    }
    (chart / "values.schema.json").write_text(orjson.dumps(schema).decode(), encoding="utf-8")
    result = tried(chart)
    assert result.broken == ()
    (failed,) = result.not_rendered
    assert "large needs web" in failed.reason
    assert failed.values == {"mode": "large", "web": {"enabled": False}}
    assert result.exit_code == 0


def test_the_command_tries_values(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chart = make_chart(tmp_path / "tool", {"web": component()}, "web")
    words = ["charts", str(chart), "--property", "--examples", "5", "--seed", "3"]
    with pytest.raises(SystemExit) as ended:
        app.main(words, standalone_mode=True)
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    assert "seed 3" in out
    shutil.rmtree(chart)
    with pytest.raises(SystemExit) as ended:
        app.main(words, standalone_mode=True)
    assert ended.value.code == 2


def test_a_chart_is_left_as_it_is(tmp_path: Path, lint: Lint) -> None:
    shared = make_chart(tmp_path / "tool", {"web": component(resources={})}, "web")
    template = shared / "templates" / "web.yaml"
    text = template.read_text("utf-8")
    # An absolute link inside the chart is allowed, and leads from any copy to the original.
    template.rename(shared / "web.txt")
    template.symlink_to(shared / "web.txt")
    (one,) = lint(shared)
    assert one["origin"]["keys"] == ["web.resources"]
    assert (shared / "web.txt").read_text("utf-8") == text
    assert sorted(path.name for path in shared.iterdir()) == ["Chart.yaml", "templates", "values.yaml", "web.txt"]
