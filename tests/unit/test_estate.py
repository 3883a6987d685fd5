"""The Estate: its schema, the mistakes that are found in one, and what the Thunderline estate recognises."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import re2
import yaml
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.errors import EstateError
from thunderguard.estate import DEFAULT_ESTATE, check_estate, load_estate
from thunderguard.estate.patterns import mistake
from thunderguard.estate.rules import TWINS, by_cel, by_twin, rule_breaches
from thunderguard.estate.schema import open_schema
from thunderguard.facts.image import parse_image
from thunderguard.facts.quantity import milli

HEAD = """\
apiVersion: thunderguard.dev/v1alpha1
kind: Estate
metadata:
  name: testland
"""
WEB = """\
spec:
  namespaces:
    allowed: [prod]
  services:
    - name: web
      recognise: [{image: ^web$}]
"""
TABLE = yaml.safe_load((Path(__file__).parent / "recogniser_table.yaml").read_text(encoding="utf-8"))


def _write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _mistakes(tmp_path: Path, spec: str) -> list[tuple[int, int, str, str, str, str]]:
    found = check_estate(_write(tmp_path, HEAD + spec))
    return [(each.line, each.column, each.path, each.value, each.message, each.fix) for each in found]


def test_the_thunderline_estate_is_valid_and_loads_as_it_stands() -> None:
    assert check_estate(DEFAULT_ESTATE) == []
    estate = load_estate(DEFAULT_ESTATE)
    content = DEFAULT_ESTATE.read_bytes()
    assert (estate.path, estate.name) == (DEFAULT_ESTATE, "thunderline")
    assert estate.data == yaml.safe_load(content)
    assert estate.sha256 == hashlib.sha256(content).hexdigest()


def test_the_thunderline_estate_says_what_the_audit_recommends() -> None:
    spec = load_estate(DEFAULT_ESTATE).data["spec"]
    homes = {
        s["name"]: tuple(s["home"][key] for key in ("kind", "namespace", "name"))
        for s in spec["services"]
        if "home" in s
    }
    assert homes == {
        "web": ("Deployment", "thunderline", "thunderline-web"),
        "worker": ("Deployment", "thunderline", "thunderline-worker"),
        "mlflow": ("Deployment", "thunderline", "mlflow-tracking"),
        "otelcol": ("Deployment", "thunderline", "otelcol"),
        "postgres": ("StatefulSet", "thunderline", "postgres"),
        "livebook": ("Deployment", "thunderline", "livebook"),
    }
    services = {s["name"]: s for s in spec["services"]}
    assert [name for name, s in services.items() if s["required"]] == ["web", "worker", "mlflow"]
    assert {name: s["replicas"]["max"] for name, s in services.items() if "replicas" in s} == {
        "web": 2, "worker": 2, "mlflow": 1, "otelcol": 1, "postgres": 1, "livebook": 1,
    }  # fmt: skip
    assert services["cerebros-runner"]["execution"] == ["CronJob", "Job", "Sidecar"]
    assert services["cerebros-runner"]["ceiling"] == {"cpu": "2", "memory": "4Gi"}
    assert spec["namespaces"]["allowed"] == ["thunderline"]


def test_loading_a_valid_estate_does_not_wait_for_cel() -> None:
    code = "import sys; from thunderguard.estate import *; load_estate(DEFAULT_ESTATE); print('celpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# -- mistakes in a file that is an Estate ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            WEB + "      replica: {max: 1}\n",
            (11, 7, "spec.services[0].replica", '{"max": 1}', "unknown field with the value", "did you mean replicas?"),
            id="unknown field",
        ),
        pytest.param(
            WEB + "      colour: red\n",
            (11, 7, "spec.services[0].colour", '"red"', "unknown field", "known here: ceiling, execution, home"),
            id="unknown field like no other",
        ),
        pytest.param(
            WEB.replace("^web$", '"(web"'),
            (10, 20, "spec.services[0].recognise[0].image", '"(web"', "not a regular expression: missing )", "RE2's"),
            id="broken pattern",
        ),
        pytest.param(
            WEB.replace("^web$", r"web\d"),
            (10, 20, "spec.services[0].recognise[0].image", r'"web\\d"', "not portable", "write [0-9]"),
            id="pattern of one engine",
        ),
        pytest.param(
            WEB + "      image: {tag: '(?i)v1'}\n",
            (11, 15, "spec.services[0].image.tag", '"(?i)v1"', "not portable", "plain group"),
            id="tag",
        ),
        pytest.param(
            WEB + "      home: {kind: Deployment, namespace: test, name: web}\n",
            (11, 7, "spec.services[0].home", '"namespace": "test"', "a home is in an allowed namespace", "change this"),
            id="home outside",
        ),
        pytest.param(
            WEB + "      home: {kind: Deploymnt, namespace: prod, name: web}\n",
            (
                11,
                14,
                "spec.services[0].home.kind",
                '"Deploymnt"',
                "not known here",
                "did you mean Deployment? Choose one",
            ),
            id="home of no kind",
        ),
        pytest.param(
            WEB + "      home: {kind: Deployment, namespace: prod}\n",
            (11, 7, "spec.services[0].home", "{", "the field name is missing", "add it. The name of the workload"),
            id="home without a name",
        ),
        pytest.param(
            WEB + "      replicas: {min: 2, max: 1}\n",
            (11, 18, "spec.services[0].replicas.min", "2", "2 breaks the rule: min is at most max", "agree with"),
            id="min above max",
        ),
        pytest.param(
            WEB + "      replicas: {max: -1}\n",
            (11, 18, "spec.services[0].replicas.max", "-1", "-1 is less than 0", "write 0 or more"),
            id="negative",
        ),
        pytest.param(
            WEB + "      replicas: {max: one}\n",
            (11, 18, "spec.services[0].replicas.max", '"one"', '"one" is not a whole number', "without quotes"),
            id="text for a number",
        ),
        pytest.param(
            WEB + "      replicas: {max: 1.0}\n",
            (11, 18, "spec.services[0].replicas.max", "1.0", "number with a fraction", "write a whole number"),
            id="fraction",
        ),
        pytest.param(
            WEB + "      replicas: {}\n",
            (11, 7, "spec.services[0].replicas", "{}", "has fewer fields than 1", "leave it out"),
            id="nothing said",
        ),
        pytest.param(
            WEB + "    - name: web\n      recognise: [{name: w}]\n",
            (11, 7, "spec.services[1].name", '"web"', '"web" stands in the list already, as element 0', "rename"),
            id="two services of one name",
        ),
        pytest.param(
            WEB + "  deprecated:\n    services:\n      - {name: web, reason: r, remedy: r, recognise: [{name: w}]}\n",
            (13, 10, "spec.deprecated.services[0].name", '"web"', "either declared or deprecated", "change"),
            id="declared and deprecated",
        ),
        pytest.param(
            WEB + "  deprecated:\n    charts:\n      - {name: old, reason: r}\n",
            (13, 9, "spec.deprecated.charts[0]", "{", "the field remedy is missing", "The very command"),
            id="no remedy",
        ),
        pytest.param(
            WEB + "  deprecated:\n    charts:\n      - {name: old, reason: r, remedy: ''}\n",
            (13, 32, "spec.deprecated.charts[0].remedy", '""', "is shorter than 1", "1 characters or more"),
            id="empty remedy",
        ),
        pytest.param(
            WEB.replace("[prod]", "[]"),
            (7, 5, "spec.namespaces.allowed", "[]", "has fewer elements than 1", "give it 1 or more"),
            id="nothing allowed",
        ),
        pytest.param(
            WEB.replace("[prod]", "[prod, prod]"),
            (7, 21, "spec.namespaces.allowed[1]", '"prod"', "stands in the list already", "remove"),
            id="allowed twice",
        ),
        pytest.param(
            WEB.replace("[prod]", "[prod]\n    exempt: [kube-system, prod]"),
            (8, 27, "spec.namespaces.exempt[1]", '"prod"', "either allowed or exempt", "change"),
            id="allowed and exempt",
        ),
        pytest.param(
            WEB.replace("[prod]", "[Prod]"),
            (
                7,
                15,
                "spec.namespaces.allowed[0]",
                '"Prod"',
                "does not fit ^[a-z0-9]",
                "expected: The name of a namespace",
            ),
            id="no namespace's name",
        ),
        pytest.param(
            WEB.replace("[prod]", "prod"),
            (7, 5, "spec.namespaces.allowed", '"prod"', '"prod" is not a list', '"- element"'),
            id="text for a list",
        ),
        pytest.param(
            WEB.replace("    allowed: [prod]", ""),
            (6, 3, "spec.namespaces", "null", "null is not a mapping", "fill it in, or leave it out"),
            id="nothing for a mapping",
        ),
        pytest.param(
            WEB.replace("[{image: ^web$}]", "[]"),
            (10, 7, "spec.services[0].recognise", "[]", "has fewer elements than 1", "give it 1"),
            id="recognised by nothing",
        ),
        pytest.param(
            WEB.replace("{image: ^web$}", "{}"),
            (10, 19, "spec.services[0].recognise[0]", "{}", "has fewer fields than 1", "give it 1"),
            id="recognised by everything",
        ),
        pytest.param(
            WEB.replace("{image: ^web$}", "{labels: {app: true}}"),
            (10, 29, "spec.services[0].recognise[0].labels.app", "true", "true is not text", "in quotes"),
            id="a label that is no text",
        ),
        pytest.param(
            WEB + "      ceiling: {cpu: banana}\n",
            (11, 17, "spec.services[0].ceiling.cpu", '"banana"', "does not fit", "A Kubernetes quantity in quotes"),
            id="banana",
        ),
        pytest.param(
            WEB + "      ceiling: {cpu: 2}\n",
            (11, 17, "spec.services[0].ceiling.cpu", "2", "2 is not text", "in quotes"),
            id="quantity without quotes",
        ),
        pytest.param(
            WEB + "      ceiling: {cpu: 0.5}\n",
            (11, 17, "spec.services[0].ceiling.cpu", "0.5", "number with a fraction", 'such as "0.5"'),
            id="fraction without quotes",
        ),
        pytest.param(
            WEB + "  thresholds: {unlimitedUsage: {memory: 2GB}}\n",
            (11, 33, "spec.thresholds.unlimitedUsage.memory", '"2GB"', "does not fit", "quantity"),
            id="no suffix of Kubernetes",
        ),
        pytest.param(
            WEB + "  thresholds: {restarts: 0}\n",
            (11, 16, "spec.thresholds.restarts", "0", "0 is less than 1", "write 1 or more"),
            id="no restart at all",
        ),
        pytest.param(
            WEB + "  resources: {require: [limit.cpu]}\n",
            (11, 25, "spec.resources.require[0]", '"limit.cpu"', "not known here", "did you mean limits.cpu?"),
            id="no such limit",
        ),
        pytest.param(
            WEB + "      ports: [{name: http, port: 70000}]\n",
            (11, 28, "spec.services[0].ports[0].port", "70000", "70000 is more than 65535", "65535 or less"),
            id="no such port",
        ),
        pytest.param(
            WEB + "      image: {repositories: ['acme/app:1.0']}\n",
            (
                11,
                30,
                "spec.services[0].image.repositories[0]",
                '"acme/app:1.0"',
                "does not fit",
                "without tag and digest",
            ),
            id="a tag in a repository",
        ),
        pytest.param(
            WEB + "      execution: [Sidecars]\n",
            (11, 19, "spec.services[0].execution[0]", '"Sidecars"', "not known here", "did you mean Sidecar?"),
            id="no such execution",
        ),
        pytest.param(
            WEB + '  "\\e[2J\\x9b\\u202e": 1\n',
            (11, 3, 'spec["\\u001b[2J\\x9b\\u202e"]', "1", "unknown field", "known here"),
            id="control characters",
        ),
        pytest.param("", (1, 1, "", "{", "the field spec is missing", "The contract."), id="no spec"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(
    tmp_path: Path, spec: str, expected: tuple[int, int, str, str, str, str]
) -> None:
    (found,) = _mistakes(tmp_path, spec)
    assert found[:3] == expected[:3]
    for part, wanted in zip(found[3:], expected[3:], strict=True):
        assert wanted in part
    assert "".join(map(str, found)).isprintable()
    with pytest.raises(EstateError) as refused:
        load_estate(tmp_path / "estate.yaml")
    assert refused.value.message == str(check_estate(tmp_path / "estate.yaml")[0])
    assert refused.value.message.startswith(f"{tmp_path}/estate.yaml:{expected[0]}:{expected[1]}: ")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("metadata: {}", "the field name is missing"),
        ("metadata: {name: T!}", '"T!" does not fit'),
        ("metadata: {name: 5}", "5 is not text"),
        ("metadata: x", '"x" is not a mapping'),
    ],
)
def test_the_name_of_an_estate_is_checked(tmp_path: Path, metadata: str, message: str) -> None:
    head = "apiVersion: thunderguard.dev/v1alpha1\nkind: Estate\n"
    (found,) = check_estate(_write(tmp_path, f"{head}{metadata}\n{WEB}"))
    assert message in found.message
    assert found.line == 3


def test_other_fields_of_metadata_are_not_judged(tmp_path: Path) -> None:
    head = HEAD + "  labels: {team: x}\n  annotations: {a: b}\n  uid: abc\n"
    assert check_estate(_write(tmp_path, head + WEB)) == []


def test_every_mistake_is_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    spec = (
        WEB.replace("[prod]", "[prod]\n    exempts: []").replace("^web$", r"\w")
        + "      home: {kind: Deployment, namespace: a, name: web}\n      replicas: {min: 3, max: 2}\n"
        + "    - name: api\n      recognise: [{name: api}]\n      home: {kind: Deployment, namespace: b, name: api}\n"
    )
    found = _mistakes(tmp_path, spec)
    assert [(line, path) for line, _, path, *_ in found] == [
        (8, "spec.namespaces.exempts"),
        (11, "spec.services[0].recognise[0].image"),
        (12, "spec.services[0].home"),
        (13, "spec.services[0].replicas.min"),
        (16, "spec.services[1].home"),
    ]
    with pytest.raises(EstateError, match=r"\(and 4 more\)") as refused:
        load_estate(tmp_path / "estate.yaml")
    assert refused.value.hint == f"thunderguard estate check {tmp_path}/estate.yaml lists them all"


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    (found,) = check_estate(_write(tmp_path, HEAD + WEB + f"      purpose: {'x' * 501}\n"))
    assert len(found.value) < 100
    assert found.message.endswith("... is longer than 500")


# -- files that are no Estate ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("---\n", ":2:1: an Estate is a mapping, not null"),
        ("[1]", ":1:1: an Estate is a mapping, not [1]"),
        ("a: [", "not YAML: did not find expected node content"),
        ("a: \x00", "not YAML: "),
        (b"a: \xff", "byte 3 is not UTF-8"),
        (HEAD + WEB + "---\n" + HEAD, ":12:1: a second document"),
        (HEAD.replace("Estate", "ConfigMap"), ':2:1: kind is "ConfigMap", not Estate'),
        (HEAD.replace("Estate", "[Estate]"), ':2:1: kind is ["Estate"], not Estate'),
        (HEAD.replace("v1alpha1", "v1"), ':1:1: apiVersion is "thunderguard.dev/v1", not thunderguard.dev/v1alpha1'),
        ("kind: Estate\n", ":1:1: apiVersion is missing; it is thunderguard.dev/v1alpha1"),
        (HEAD + WEB + "spec: {}\n", ':11:1: the key "spec" stands here a second time'),
        (HEAD + WEB + '  "\\e[2J": 1\n  "\\e[2J": 1\n', 'the key "\\u001b[2J" stands here a second time'),
        (HEAD + WEB + "  5: x\n", ':11:3: the key "5" is no text'),
        (HEAD + WEB + "  on: x\n", ':11:3: the key "on" is no text'),
        (HEAD + WEB + "  [a]: x\n", ":11:3: the key is no text"),
        (HEAD + WEB + "  <<: {a: b}\n", ':11:3: the key "<<" is no text'),
        (HEAD + WEB + "  images: &a {forbidTags: [x]}\n  b: *a\n", "an alias leads here"),
        ("a: &a [*a]\n", "an alias leads here"),
        (HEAD + WEB + "  images: !foo {}\n", ':11:11: the tag "!foo" has no place here'),
        (HEAD + WEB + "  images: !!set {a}\n", "has no place here"),
        (HEAD + WEB + "  images: !!python/name:os.system x\n", "has no place here"),
        (
            HEAD + WEB + "  thresholds: {restarts: 1:30}\n",
            ':11:26: "1:30" is a whole number to some readers of YAML only',
        ),
        (HEAD + WEB + "  thresholds: {restarts: 010}\n", '"010" is a whole number to some'),
        (HEAD + WEB + "  thresholds: {restarts: 1_0}\n", '"1_0" is a whole number to some'),
        (HEAD + WEB + "  thresholds: {restarts: 0x10}\n", '"0x10" is a whole number to some'),
        (HEAD + WEB + "  thresholds: {restarts: 99999999999999999999}\n", "or too large"),
        (HEAD + WEB + "  thresholds: {restarts: !!int x}\n", '"x" is a whole number to some'),
        (HEAD + WEB + "      required: yes\n", '"yes" is a truth value to some'),
        (HEAD + WEB + "      ceiling: {cpu: 1e3}\n", '"1e3" is a number to some'),
        (HEAD + WEB + "      purpose: 0o17\n", '"0o17" is a number to some'),
        ("[" * 500_000, "not YAML: exceeded maximum nesting depth"),
        ("a: " + "[" * 90 + "]" * 90, "nested too deeply"),
        ("#" * (1 << 20) + "\na: b\n", "is too large for an Estate"),
    ],
)
def test_what_is_no_estate_is_an_error_of_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = _write(tmp_path, text)
    for read in (check_estate, load_estate):
        with pytest.raises(EstateError) as refused:
            read(path)
        assert message in refused.value.message
        assert refused.value.message.removeprefix("the Estate ").startswith(str(path))
        assert f"{refused.value.message}{refused.value.hint}".isprintable()


def test_a_quoted_number_is_text(tmp_path: Path) -> None:
    spec = WEB + "      ceiling: {cpu: '1e3', memory: \"2\"}\n      purpose: '0o17'\n"
    assert check_estate(_write(tmp_path, HEAD + spec)) == []


def test_a_date_is_text(tmp_path: Path) -> None:
    path = _write(tmp_path, HEAD + WEB + "      purpose: 2025-10-08\n")
    assert load_estate(path).data["spec"]["services"][0]["purpose"] == "2025-10-08"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none\x1b.yaml", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "no file"),
    ):
        with pytest.raises(EstateError, match=said) as refused:
            load_estate(path)
        assert refused.value.message.isprintable()
        assert "--estate FILE" in (refused.value.hint or "")


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: (HEAD + WEB + text).encode(errors="replace")))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever bytes a file has, it is a valid Estate, one with printable mistakes, or an EstateError."""
    path = _write(tmp_path_factory.getbasetemp(), content)
    try:
        texts = [str(each) for each in check_estate(path)]
    except EstateError as error:
        texts = [error.message]
    assert all(text.isprintable() for text in texts)


# -- patterns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "^app$", "a|b", "(a|b)+?", "[a-z0-9_.-]+", "[[:alpha:]]", "[^[:space:]]", "[]a]", "[^]a]", r"a\.b", r"[ \t\n]",
        r"\(\[\{", "a{2}", "a{2,}", "a{2,3}", r"[\]\\\[]", "é", "x-{1,3}", r"\[a--b\]", "a&&b", "[+-]", r"[\-\&\~]",
    ],
)  # fmt: skip
def test_a_portable_pattern_is_taken(pattern: str) -> None:
    assert mistake(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "odd"),
    [
        *((rf"x\{letter}", rf"\\{letter}") for letter in "dDwWsSbBAzZCQEpPx0189<>afv"),
        (r"[\d]", r"\\d"), (r"(a)\1", r"\\1"), ("(?i)a", "(?"), ("(?:a)", "(?"), ("(?=a)", "(?"), ("(?<!a)b", "(?"),
        ("(?P<n>a)", "(?"), ("[a&&b]", "&&"), ("[a--b]", "--"), ("[a~~b]", "~~"), ("[[a]", "["), ("[a[b]]", "["),
        ("a{", "{"), ("a{,2}", "{"), ("{x}", "{"), ("a}", "}"), ("a\\", "\\"), (r"\_", r"\\_"), (r"\é", r"\\\u00e9"),
    ],
)  # fmt: skip
def test_what_engines_differ_on_is_refused(pattern: str, odd: str) -> None:
    found = mistake(pattern)
    assert found is not None
    assert found[0].startswith(f'"{odd}')
    assert found[0].endswith("is not portable")
    assert found[1]


@pytest.mark.parametrize(
    "pattern", ["(", ")", "*a", "a**", "[z-a]", "[a", "a{2,1}", "[[:nope:]]", "a{1001}", "(a{100}){11}"]
)
def test_what_re2_refuses_is_refused(pattern: str) -> None:
    found = mistake(pattern)
    assert found is not None
    assert "is not a regular expression: " in found[0]


@given(st.text(alphabet=r"ab^$.|()[]{}*+?\dws-&~:,12é", max_size=12))
def test_a_pattern_that_is_taken_compiles(pattern: str) -> None:
    """Every text is refused with a printable reason, or RE2 compiles it."""
    found = mistake(pattern)
    if found is None:
        re2.compile(pattern)
    else:
        assert "".join(found).isprintable()


# -- the CustomResourceDefinition -----------------------------------------------------------------------------------


def _schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _schemas(inner, f"{path}.{name}")
    if "items" in schema:
        yield from _schemas(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _schemas(schema["additionalProperties"], f"{path}.*")


SCHEMAS = dict(_schemas(open_schema()))
RULES = [(path, rule) for path, schema in SCHEMAS.items() for rule in schema.get("x-kubernetes-validations", ())]


@pytest.mark.parametrize("path", SCHEMAS)
def test_the_schema_is_structural_described_bounded_and_without_defaults(path: str) -> None:
    """Every value has a type and a description, every list, map and text an upper bound, and nothing a default.

    The API server asks for types (structural schemas) and reckons the cost of CEL rules by the bounds.
    """
    schema = SCHEMAS[path]
    assert schema["type"] in {"object", "array", "string", "integer", "boolean"}
    # The API server describes metadata itself, and refuses a definition that does.
    assert schema.get("description", "").endswith(".") or (schema == {"type": "object"} and path == ".metadata")
    assert "default" not in schema
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    if schema["type"] == "array":
        assert schema["maxItems"] <= 64
    if schema["type"] == "string" and path not in {".apiVersion", ".kind"}:
        assert "maxLength" in schema or "enum" in schema
    if schema["type"] == "integer":
        assert (schema["format"], "minimum" in schema, schema["maximum"] < 1 << 31) == ("int32", True, True)
    if "additionalProperties" in schema:
        assert "maxProperties" in schema
    if schema.get("x-kubernetes-list-type") == "map":
        assert set(schema["x-kubernetes-list-map-keys"]) <= set(schema["items"]["required"])
    if schema.get("x-kubernetes-list-type") == "set":
        assert schema["items"]["type"] == "string"


def test_the_definition_is_of_one_cluster_scoped_kind() -> None:
    path = DEFAULT_ESTATE.parents[2] / "policies" / "estate.crd.yaml"
    crd = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert crd["metadata"]["name"] == f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"
    assert crd["spec"]["scope"] == "Cluster"
    assert [(v["name"], v["served"], v["storage"]) for v in crd["spec"]["versions"]] == [("v1alpha1", True, True)]


def test_every_validation_rule_has_a_message_a_place_and_a_twin() -> None:
    assert {rule["rule"] for _, rule in RULES} == set(TWINS)
    for path, rule in RULES:
        assert rule["message"]
        assert f"{path}{rule['fieldPath']}" in SCHEMAS


NAMES = st.sampled_from(["a", "b", "c"])
HOMES = st.fixed_dictionaries({"kind": st.just("Job"), "namespace": NAMES, "name": NAMES})
WAIVED = st.lists(
    st.fixed_dictionaries(
        {
            "rule": NAMES,
            "expires": st.sampled_from(["2026-12-31", "2026-02-30", "1999-12-31", "2000-01-01", "x"]),
        },
        optional={
            "resource": st.fixed_dictionaries({"kind": NAMES}, optional={"namespace": NAMES}),
            "selector": st.fixed_dictionaries({"matchLabels": st.dictionaries(NAMES, NAMES, max_size=1)}),
        },
    ),
    max_size=3,
)
REPLICAS = st.fixed_dictionaries({}, optional={"min": st.integers(0, 2), "max": st.integers(0, 2)})
SERVICES = st.lists(st.fixed_dictionaries({"name": NAMES}, optional={"home": HOMES, "replicas": REPLICAS}), max_size=3)
NAMESPACES = st.fixed_dictionaries({"allowed": st.lists(NAMES, min_size=1)}, optional={"exempt": st.lists(NAMES)})
DEPRECATED = st.fixed_dictionaries({}, optional={"services": st.lists(st.fixed_dictionaries({"name": NAMES}))})
SPECS = st.fixed_dictionaries(
    {"namespaces": NAMESPACES, "services": SERVICES}, optional={"deprecated": DEPRECATED, "waivers": WAIVED}
)


# The library raises the recursion limit when it is first asked, which Hypothesis takes amiss within a test.
by_cel("true", {})


@given(SPECS)
def test_twins_answer_as_cel_does(spec: Any) -> None:
    """For every spec, the fast twins and CEL find the same rules broken at the same paths."""
    schema = open_schema()
    assert list(rule_breaches({"spec": spec}, schema, by_twin)) == list(rule_breaches({"spec": spec}, schema, by_cel))


def test_a_rule_without_a_twin_is_answered_by_cel_and_an_unanswerable_one_is_broken() -> None:
    assert by_twin("self.a > 1", {"a": 2})
    assert not by_twin("self.a > 1", {"a": 1})
    assert not by_twin("self.b > 1", {"a": 2})


@given(st.from_regex(SCHEMAS[".spec.services[].ceiling.cpu"]["pattern"].replace("$", r"\Z"), fullmatch=True))
def test_every_quantity_that_the_schema_takes_is_one_to_the_engines(text: str) -> None:
    """A ceiling that no engine can read would bound nothing, so the pattern of quantities lets none through."""
    assert len(text) > 32 or milli(text) is not None


# -- recognition ----------------------------------------------------------------------------------------------------


def _template(obj: dict[str, Any]) -> dict[str, Any]:
    if obj["kind"] == "Pod":
        return obj
    spec = obj["spec"]["jobTemplate"]["spec"] if obj["kind"] == "CronJob" else obj["spec"]
    found: dict[str, Any] = spec["template"]
    return found


def _recognised(obj: dict[str, Any], services: list[dict[str, Any]]) -> list[str]:
    template = _template(obj)
    sidecars = [c for c in template["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
    labels = {item for holder in (obj, template) for item in holder.get("metadata", {}).get("labels", {}).items()}

    def matches(alternative: dict[str, Any], container: dict[str, Any]) -> bool:
        texts = {
            "image": parse_image(container["image"]).name,
            "command": " ".join(container.get("command", []) + container.get("args", [])),
            "name": obj["metadata"]["name"],
        }
        patterns = [re2.search(alternative[key], text) for key, text in texts.items() if key in alternative]
        return all(patterns) and set(alternative.get("labels", {}).items()) <= labels

    return sorted(
        service["name"]
        for service in services
        if any(matches(a, c) for a in service["recognise"] for c in template["spec"]["containers"] + sidecars)
    )


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
def test_the_thunderline_estate_recognises(row: dict[str, Any]) -> None:
    spec = load_estate(DEFAULT_ESTATE).data["spec"]
    assert _recognised(row["object"], spec["services"]) == row["services"]
    assert _recognised(row["object"], spec["deprecated"]["services"]) == row["deprecated"]


def test_the_table_has_every_service_in_it() -> None:
    spec = load_estate(DEFAULT_ESTATE).data["spec"]
    assert {name for row in TABLE for name in row["services"]} == {service["name"] for service in spec["services"]}
    assert {name for row in TABLE for name in row["deprecated"]} == {s["name"] for s in spec["deprecated"]["services"]}
