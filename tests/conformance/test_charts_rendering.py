"""Charts and kustomizations rendered by the real tools, linted by the command."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from thunderguard.charts.chartfile import open_chart
from thunderguard.charts.kustomize import build
from thunderguard.charts.program import Bounds
from thunderguard.charts.render import Rendering, render
from thunderguard.cli.app import app
from thunderguard.documents.limits import MIB
from thunderguard.errors import ChartError
from thunderguard.schemas import validator

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "examples" / "charts"


@pytest.fixture(autouse=True)
def _tools() -> None:
    for program in ("helm", "kustomize"):
        if not (ROOT / ".tools" / "bin" / program).exists():
            pytest.fail("run `make tools`")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def chart(folder: Path, files: dict[str, str], more: str = "", name: str = "web") -> Path:
    head = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n{more}"
    return write(folder, {"Chart.yaml": head, "templates/_helpers.tpl": "", **files})


def pod(name: str, image: str = "busybox:1.36.1", hook: str = "", limited: bool = True) -> str:
    annotations = f"\n  annotations: {{helm.sh/hook: '{hook}'}}" if hook else ""
    amounts = "{cpu: 10m, memory: 16Mi}"
    resources = f"{{requests: {amounts}, limits: {amounts}}}" if limited else "{}"
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}{annotations}\nspec:\n  containers:\n"
        f"    - name: main\n      image: {image}\n      resources: {resources}\n"
    )


def rendered(path: Path, **options: Any) -> Rendering:
    with open_chart(path) as opened:
        return render(opened, release="thunderline", namespace="thunderline", **options)


def thunderguard(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="thunderguard")


def lint(*words: str | Path) -> tuple[int, dict[str, Any]]:
    """Run lint and give its exit code and its report, which is as its schema says."""
    result = thunderguard("lint", "--format", "json", "--no-explain-values", *words)
    assert result.stdout, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    assert [error.message for error in validator("report").iter_errors(report)] == []
    assert "thunderguard-stage" not in result.stdout
    return result.exit_code, report


def found(report: dict[str, Any], rule: str) -> list[tuple[str, str]]:
    return [(one["resource"]["name"], one["file"]) for one in report["findings"] if one["rule"] == rule]


def test_a_chart_renders_with_crds_hooks_and_tests_and_without_notes(tmp_path: Path) -> None:
    path = chart(
        tmp_path / "web",
        {
            "crds/a.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
            "templates/two.yaml": f"{pod('one')}---\n# nothing\n---\n{pod('two')}",
            "templates/hook.yaml": pod("hook", hook="pre-install, post-upgrade"),
            "templates/tests/t.yaml": pod("test", hook="test"),
            "templates/NOTES.txt": "---\n# Source: web/templates/fake.yaml\nkind: Fake\n",
        },
    )
    made = rendered(path)
    assert {template: len(objects) for template, objects in made.templates.items()} == {
        "crds/a.yaml": 1,
        "templates/hook.yaml": 1,
        "templates/tests/t.yaml": 1,
        "templates/two.yaml": 2,
    }
    assert [one.hooks for one in made.templates["templates/hook.yaml"]] == [("pre-install", "post-upgrade")]
    assert [one.hooks for one in made.templates["templates/tests/t.yaml"]] == [("test",)]
    for template, objects in made.templates.items():
        lines = made.text_of(template).splitlines()
        assert [one.index for one in objects] == list(range(len(objects)))
        assert [lines[one.line - 1] for one in objects] == [one.text.splitlines()[0] for one in objects]


def test_values_go_over_each_other_as_with_helm(tmp_path: Path) -> None:
    path = chart(
        tmp_path / "web",
        {"values.yaml": "a: 0\nb: 0\nc: 0\nd: {e: 1}\n", "templates/a.yaml": "kind: V\nv: {{ toJson .Values }}\n"},
    )
    one, two = (
        write(tmp_path, {f"{n}.yaml": t}) / f"{n}.yaml" for n, t in {"1": "a: 1\nb: 1\n", "2": "b: 2\n"}.items()
    )
    made = rendered(path, values=[one, two], sets=["c=3"], value_overrides={"b": 4, "c": 4, "d": {"e": None}})
    assert '"a":1,"b":4,"c":3,"d":{}' in made.objects[0].text
    assert '"a":0' in rendered(path).objects[0].text


def test_renderings_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = chart(tmp_path / "web", {"templates/a.yaml": "kind: V\nv: {{ .Values.n }}\n"})
    with open_chart(path) as opened, ThreadPoolExecutor(8) as pool:
        made = pool.map(
            lambda n: render(opened, value_overrides={"n": n}, release="r", namespace="n").objects[0].text, range(16)
        )
        assert list(made) == [f"kind: V\nv: {n}\n" for n in range(16)]


def test_the_release_and_its_namespace_are_part_of_the_verdict() -> None:
    template = "thunderline-thunderhelm-web"
    code, report = lint(CHARTS / "october", "--release", "other", "--namespace", "thunder")
    assert code == 1
    assert report["source"]["charts"] == [{"path": str(CHARTS / "october"), "release": "other", "namespace": "thunder"}]
    names = {name for name, _ in found(report, "namespace-boundary")}
    assert "other-thunderhelm-web" in names
    code, report = lint(CHARTS / "october")
    assert found(report, "namespace-boundary") == []
    assert (template, str(CHARTS / "october" / "templates" / "web.yaml")) in found(report, "singleton-service")


def test_findings_on_hooks_say_so_and_keep_no_line_of_rendered_text(tmp_path: Path) -> None:
    path = chart(tmp_path / "web", {"templates/a.yaml": pod("plain", limited=False) + "---\n" + pod("h", "x", "test")})
    _, report = lint(path)
    told = {one["message"]: one for one in report["findings"] if one["rule"] in ("resource-limits", "image-reference")}
    assert {message.endswith("(a Helm hook: test)") for message in told if "resources" not in message} == {True, False}
    for one in told.values():
        assert (one["file"], one["line"], one["column"]) == (str(path / "templates" / "a.yaml"), None, None)
        assert ("(a Helm hook: test)" in one["message"]) == (one["resource"]["name"] == "h")


def test_subcharts_are_named_by_their_files_and_chart_files_are_judged(tmp_path: Path) -> None:
    depends = "dependencies: [{name: thunder-stack, alias: old, version: 1.0.0, repository: 'file://x'}]\n"
    path = chart(tmp_path / "web", {}, depends)
    chart(path / "charts" / "thunder-stack", {"templates/a.yaml": pod("p", limited=False)}, name="thunder-stack")
    folder = path / "charts" / "thunder-stack"
    code, report = lint(path)
    assert code == 1
    assert found(report, "resource-limits") == [("p", str(folder / "templates" / "a.yaml"))]
    deprecated = [(one["file"], one["line"]) for one in report["findings"] if one["rule"] == "deprecated-chart"]
    assert deprecated == [(str(folder / "Chart.yaml"), 2), (str(path / "Chart.yaml"), 4)]

    with tarfile.open(path / "charts" / "thunder-stack-1.0.0.tgz", "w:gz") as tar:
        tar.add(folder, "thunder-stack")
    shutil.rmtree(folder)
    packed = str(path / "charts" / "thunder-stack-1.0.0.tgz")
    code, report = lint(path)
    assert found(report, "resource-limits") == [("p", packed)]
    assert packed in {file for _, file in found(report, "deprecated-chart")}

    with tarfile.open(tmp_path / "web-1.0.0.tgz", "w:gz") as tar:
        tar.add(path, "web")
    code, report = lint(tmp_path / "web-1.0.0.tgz")
    assert found(report, "resource-limits") == [("p", f"{tmp_path}/web-1.0.0.tgz/charts/thunder-stack-1.0.0.tgz")]


@pytest.mark.parametrize(
    ("files", "more", "message", "place"),
    [
        ({"templates/b.yaml": "a: {{ .Values.a.b.c }}\n"}, "", "nil pointer evaluating", "templates/b.yaml:1"),
        ({"templates/b.yaml": "a: b\n  c: d\n"}, "", "YAML parse error on web/templates/b.yaml", "templates/b.yaml"),
        ({"templates/b.yaml": "{{ include \"none\" . }}\n"}, "", "no template \"none\"", "templates/b.yaml:1"),
        ({}, "dependencies: [{name: db, version: 1.0.0, repository: 'https://a.b'}]\n", "helm dependency build", ""),
        ({"values.yaml": "- a\n"}, "", "cannot unmarshal", ""),
        ({"values.yaml": "a: text\n", "values.schema.json": '{"properties": {"a": {"type": "integer"}}}'}, "",
         "got string, want integer", ""),
        ({}, "type: library\n", "is a library chart", "Chart.yaml"),
    ],
)  # fmt: skip
def test_a_chart_that_does_not_render_says_why_in_helms_words(
    tmp_path: Path, files: dict[str, str], more: str, message: str, place: str
) -> None:
    path = chart(tmp_path / "web", files, more)
    alone = thunderguard("lint", path)
    assert alone.exit_code == 2
    assert message in alone.stderr
    good = write(tmp_path / "good", {"a.yaml": pod("fine")})
    code, report = lint(path, good)
    assert code == 3
    (problem,) = report["problems"]
    assert message in problem["message"]
    where = f"{problem['file']}:{problem['line']}" if problem["line"] else problem["file"]
    assert where == (f"{path}/{place}" if place else str(path))


def test_a_values_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = chart(tmp_path / "web", {"templates/a.yaml": pod("p")})
    for data, message in {b"- a\n": "is a list, not a mapping", b"a: \xff\n": "is not UTF-8"}.items():
        (tmp_path / "v.yaml").write_bytes(data)
        result = thunderguard("lint", path, "-f", tmp_path / "v.yaml")
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    result = thunderguard("lint", path, "-f", tmp_path / "none.yaml")
    assert (result.exit_code, "none.yaml" in result.stderr) == (2, True)
    result = thunderguard("lint", ROOT / "examples" / "good", "--set", "a=b")
    assert (result.exit_code, "is for a chart, and none is named" in result.stderr) == (2, True)


BOMB = "{{ range until 100000 }}{{ range until 100000 }}%s{{ end }}{{ end }}\n"


@pytest.mark.parametrize(
    ("template", "bounds", "message"),
    [
        (BOMB % "", Bounds(seconds=1.0), "was not rendered within 1 s"),
        (BOMB % ("a" * 100), Bounds(seconds=60.0, memory=128 * MIB), "needs more than 128 MiB of memory"),
        ("{{ range until 100000 }}# text\n{{ end }}kind: A\n", Bounds(output=MIB // 2), "renders to more than"),
    ],
)
def test_a_chart_bomb_is_ended(tmp_path: Path, template: str, bounds: Bounds, message: str) -> None:
    path = chart(tmp_path / "web", {"templates/a.yaml": template})
    with pytest.raises(ChartError, match=message):
        rendered(path, bounds=bounds)


def test_nothing_of_the_user_or_the_network_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hush")
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    text = 'kind: V\nenv: "{{ getHostByName "localhost" }}"\nlook: {{ lookup "v1" "Secret" "a" "b" | toJson }}\n'
    path = chart(tmp_path / "web", {"templates/a.yaml": f"{text}ns: {{{{ .Release.Namespace }}}}\n"})
    (one,) = rendered(path).objects
    assert one.text == 'kind: V\nenv: ""\nlook: {}\nns: thunderline\n'
    schema = '{"$ref": "http://127.0.0.1:1/schema.json"}'
    path = chart(tmp_path / "remote", {"values.schema.json": schema, "templates/a.yaml": "kind: V\n"})
    with pytest.raises(ChartError, match=r"127\.0\.0\.1:1/schema\.json"):
        rendered(path)


def test_a_kustomization_is_built_and_names_its_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [pod.yaml]\n",
            "base/pod.yaml": pod("web", limited=False),
            "over/kustomization.yaml": "namespace: thunderline\nnamePrefix: x-\nresources: [../base]\n"
            "configMapGenerator: [{name: c, literals: [a=b]}]\n",
        },
    )
    built = build(tmp_path / "over")
    assert [(one.file, one.obj["metadata"]["name"][:5]) for one in built] == [
        (str(tmp_path / "over" / "kustomization.yaml"), "x-c-4"),
        (str(tmp_path / "base" / "pod.yaml"), "x-web"),
    ]
    assert all("annotations" not in one.obj["metadata"] for one in built)
    code, report = lint(tmp_path / "over")
    assert code == 1
    assert found(report, "resource-limits") == [("x-web", str(tmp_path / "base" / "pod.yaml"))]
    assert report["findings"][0]["resource"]["namespace"] == "thunderline"


@pytest.mark.parametrize(
    "text",
    [
        "resources: [https://127.0.0.1:1/x.yaml]",
        "resources: [github.com/a/b//c?ref=v1]",
        "components: ['git@example.org:a/b']",
        "patches: [{path: 'https://127.0.0.1:1/p.yaml'}]",
    ],
)
def test_remote_bases_are_refused_wherever_they_stand(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a/kustomization.yaml": text, "b/kustomization.yaml": "resources: [../a]\n"})
    for folder in ("a", "b"):
        result = thunderguard("lint", tmp_path / folder)
        assert result.exit_code == 2
        assert f"{tmp_path}/a/kustomization.yaml: " in result.stderr
        assert "which is not here" in result.stderr


def test_a_kustomization_that_does_not_build_says_why(tmp_path: Path) -> None:
    write(tmp_path, {"kustomization.yaml": "resources: [none.yaml]\n"})
    result = thunderguard("lint", tmp_path)
    assert (result.exit_code, "none.yaml" in result.stderr) == (2, True)
    write(tmp_path, {"kustomization.yaml": "helmCharts: [{name: a, repo: 'https://127.0.0.1:1'}]\n"})
    assert thunderguard("lint", tmp_path).exit_code == 2


def repository(folder: Path, manifest: str) -> Path:
    """Give a repository with a chart in it and a manifest that delivers it."""
    (folder / ".git").mkdir(parents=True)
    chart(
        folder / "charts" / "web",
        {
            "values.yaml": "name: none\n",
            "site.yaml": "name: site\n",
            "templates/a.yaml": pod("{{ .Release.Name }}-{{ .Values.name }}", limited=False),
        },
    )
    return write(folder, {"deploy/app.yaml": manifest})


ARGO = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  destination: {namespace: thunder}
  source:
    repoURL: https://example.org/estate
    path: charts/web
    helm: {valueFiles: [site.yaml], %s}
"""
FLUX = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: thunder}
spec:
  chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: x}, valuesFiles: [charts/web/site.yaml]}}
  values: {name: flux}
"""


@pytest.mark.parametrize(
    ("manifest", "name"),
    [
        (ARGO % "releaseName: r", "r-site"),
        (ARGO % "values: 'name: inline'", "web-inline"),
        (ARGO % "parameters: [{name: name, value: set}]", "web-set"),
        (FLUX, "web-flux"),
    ],
)
def test_a_chart_beside_the_manifest_is_rendered_with_its_values(tmp_path: Path, manifest: str, name: str) -> None:
    folder = repository(tmp_path / "repo", manifest)
    code, report = lint(folder / "deploy")
    assert code == 1
    assert found(report, "resource-limits") == [(name, str(folder / "charts" / "web" / "templates" / "a.yaml"))]
    assert [one["resource"]["namespace"] for one in report["findings"] if one["rule"] == "namespace-boundary"] == [
        "thunder",
        *(["thunder"] if manifest is FLUX else []),
    ]


def test_what_cannot_be_delivered_is_a_problem(tmp_path: Path) -> None:
    for number, (manifest, message) in enumerate(
        {
            ARGO % "valueFiles: [none.yaml]": "the key",
            (ARGO % "values: '- a'"): "helm.values is not a mapping",
            (ARGO % "x: y").replace("site.yaml", "none.yaml"): "names the values file none.yaml, which is not there",
            (ARGO % "x: y").replace("site.yaml", "../../../../etc/passwd"): "leads out of the repository",
            (ARGO % "x: y").replace("site.yaml", "https://127.0.0.1:1/v.yaml"): "names the values file https",
            (ARGO % "x: y").replace("charts/web", "../../etc"): "names ../../etc, which leads out of the repository",
        }.items()
    ):
        folder = repository(tmp_path / str(number), manifest)
        code, report = lint(folder / "deploy", ROOT / "examples" / "good")
        assert code == 3
        assert [message in one["message"] for one in report["problems"]] == [True], report["problems"]
        assert report["problems"][0]["file"] == str(folder / "deploy" / "app.yaml")


def test_the_chart_in_a_manifest_of_k3s_is_rendered(tmp_path: Path) -> None:
    path = chart(tmp_path / "web", {"templates/a.yaml": pod("{{ .Values.name }}", limited=False)})
    with tarfile.open(tmp_path / "web.tgz", "w:gz") as tar:
        tar.add(path, "web")
    packed = base64.b64encode((tmp_path / "web.tgz").read_bytes()).decode()
    head = "apiVersion: helm.cattle.io/v1\nmetadata: {name: web, namespace: kube-system}\n"
    files = {
        "m/chart.yaml": f"{head}kind: HelmChart\nspec: {{targetNamespace: thunderline, chartContent: {packed}}}\n",
        "m/config.yaml": f"{head}kind: HelmChartConfig\nspec: {{valuesContent: 'name: configured'}}\n",
    }
    write(tmp_path, files)
    code, report = lint(tmp_path / "m")
    assert code == 1
    assert found(report, "resource-limits") == [("configured", f"{tmp_path}/m/chart.yaml!web/templates/a.yaml")]
    write(tmp_path, {"m/chart.yaml": files["m/chart.yaml"].replace(packed, "'!!'")})
    code, report = lint(tmp_path / "m")
    assert (code, [one["message"] for one in report["problems"]]) == (
        3,
        ["HelmChart/web: chartContent is not base64"],
    )


def test_charts_that_deliver_themselves_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    chart(tmp_path / "charts" / "web", {"templates/a.yaml": (ARGO % "x: y").replace("[site.yaml]", "[]")})
    code, report = lint(tmp_path / "charts" / "web")
    assert code == 3
    assert [one["message"] for one in report["problems"]] == ["Application/web: charts deliver charts more than 4 deep"]


def test_a_kustomization_that_delivers_a_chart_is_followed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repo", ARGO % "values: 'name: inner'")
    write(folder, {"deploy/kustomization.yaml": "resources: [app.yaml]\n"})
    outer = (ARGO % "x: y").replace("charts/web", "deploy").replace("valueFiles: [site.yaml], ", "")
    write(folder, {"top/app.yaml": outer})
    for start in ("deploy", "top"):
        _, report = lint(folder / start)
        assert found(report, "resource-limits") == [
            ("web-inner", str(folder / "charts" / "web" / "templates" / "a.yaml"))
        ]


def test_helm_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from thunderguard.charts import program
    from thunderguard.errors import ToolMissingError

    fake = write(tmp_path, {"helm": "#!/bin/sh\necho v0.0.1\n"}) / "helm"
    fake.chmod(0o755)
    monkeypatch.setattr(program, "find_program", lambda *_: fake)
    program.program.cache_clear()
    try:
        with pytest.raises(ToolMissingError, match=r"is helm 0\.0\.1, not the pinned 4\.") as caught:
            program.program("helm")
        assert caught.value.hint == "run `make tools`"
    finally:
        program.program.cache_clear()


def test_the_example_charts_are_not_changed_by_rendering() -> None:
    def state() -> dict[Path, str]:
        files = [path for path in CHARTS.rglob("*") if path.is_file()]
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()
    rendered(CHARTS / "october")
    assert state() == before
