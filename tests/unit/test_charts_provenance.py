"""Which key decides a field: told by what comes out, whatever the template does with it."""

from __future__ import annotations

from typing import Any

import pytest
from charts_bed import BOUNDED, chart, trials_of, workload
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.instrument import line_in, marked
from thunderguard.charts.provenance import (
    Candidate,
    absent,
    blocks,
    fields_in,
    number_mark,
    references_in,
    scalars,
    traced,
)
from thunderguard.charts.shipped import allowed_by
from thunderguard.charts.trials import Found
from thunderguard.charts.values import Key, at, spelled
from thunderguard.model import JsonObject
from thunderguard.paths import parse_path

VALUES: JsonObject = {
    "web": {"enabled": True, "image": {"repository": "thunderline/app", "tag": "latest"}, "kind": "Deployment"},
    "strict": "no",
    "replicas": 2,
    "extra": [{"name": "a", "image": "b"}, {"name": "c", "image": "tool:latest"}],
}


def keys_of(values: JsonObject, template: Any, candidates: list[Candidate]) -> dict[str, list[str]]:
    """Trace every finding of a chart; give the keys by path."""
    with trials_of(chart(values, template)) as trials:
        base = trials.one({})
        assert base.error is None
        fields: dict[Found, list[Key]] = {found: [parse_path(found.raw.path)] for found in base.findings}
        hits = traced(trials, base, values, candidates, fields)
    return {f"{one.raw.rule} {one.raw.path}": [spelled(hit.key) for hit in found] for one, found in hits.items()}


def web(values: JsonObject) -> list[tuple[str, JsonObject]]:
    image = values["web"]["image"]
    main = {"image": f"{image['repository']}:{image['tag']}", "resources": values["web"].get("resources", {})}
    return [("templates/web.yaml", workload("tool", main))]


def test_parts_of_an_image_are_told_apart() -> None:
    found = keys_of(VALUES, web, scalars(VALUES))
    assert found["image-reference spec.template.spec.containers[0].image"] == ["web.image.repository", "web.image.tag"]


def test_a_block_that_is_not_there_yet_is_found() -> None:
    amounts = [
        Candidate(key, {"limits": {"cpu": f"{number_mark(number)}m"}}) for key, number in blocks(VALUES, "resources")
    ]
    found = keys_of(VALUES, web, amounts)
    assert found["resource-limits spec.template.spec.containers[0].resources"] == ["web.resources"]


def test_a_key_with_which_nothing_renders_hides_no_other() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        if values["strict"] not in ("yes", "no"):
            raise ValueError("strict is yes or no")
        return web(values)

    found = keys_of(VALUES, template, scalars(VALUES))
    assert found["image-reference spec.template.spec.containers[0].image"] == ["web.image.repository", "web.image.tag"]


def test_a_key_with_which_the_object_is_gone_hides_no_other() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        return web(values) if values["web"]["kind"] == "Deployment" else []

    found = keys_of(VALUES, template, scalars(VALUES))
    assert found["image-reference spec.template.spec.containers[0].image"] == ["web.image.repository", "web.image.tag"]


def test_an_element_of_a_list_is_a_key() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", workload("tool", {"image": values["extra"][1]["image"], "resources": BOUNDED}))]

    assert keys_of(VALUES, template, scalars(VALUES)) == {
        "image-reference spec.template.spec.containers[0].image": ["extra[1].image"]
    }


def test_what_the_template_writes_itself_no_key_decides() -> None:
    def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("t.yaml", workload("tool", {"image": "tool:latest", "resources": BOUNDED}))]

    assert keys_of(VALUES, template, scalars(VALUES)) == {"image-reference spec.template.spec.containers[0].image": []}


def test_few_renders_for_many_keys() -> None:
    values = {**VALUES, "settings": {f"key{number}": f"value{number}" for number in range(300)}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        if seen["settings"]["key177"] != "value177":
            raise ValueError("key177 is fixed")
        return web(seen)

    with trials_of(chart(values, template)) as trials:
        base = trials.one({})
        fields = {found: [parse_path(found.raw.path)] for found in base.findings}
        hits = traced(trials, base, values, scalars(values), fields)
        assert trials.renders < 25
    assert {spelled(hit.key) for found in hits.values() for hit in found} == {"web.image.repository", "web.image.tag"}


def test_candidates() -> None:
    values: JsonObject = {"a": {"resources": {}, "n": 1, "on": True}, "list": [], "none": None}
    assert {spelled(one.key) for one in scalars(values, [("a", "tag"), ("a", "n", "x"), ("none", "y")])} == {
        "a.n",
        "none",
        "a.tag",
        "none.y",
    }
    assert {spelled(key) for key, _ in blocks(values, "resources")} == {"a.resources", "resources"}
    assert {spelled(key) for key in absent({"a": {"name": "x"}}, ["name"])} == {"name"}


def test_what_templates_name() -> None:
    text = "x: {{ .Values.web.image.tag | default $.Values.tag }} {{- with $it.name }}\nplain.text: .Values.nothing"
    assert references_in("{{ .Values.web.image.tag }} {{ $.Values.tag }}", ("sub",)) == {
        ("sub", "web", "image", "tag"),
        ("sub", "tag"),
    }
    assert {"name", "tag", "image"} <= fields_in(text)
    assert "text" not in fields_in(text)


TEMPLATE = """\
{{- if .Values.on }}
kind: Deployment
metadata:
  name: {{ include "name" . }}
  {{- with .Values.labels }}
  labels: {{- toYaml . | nindent 4 }}
  {{- end }}
spec: {{- /* a note */ -}}
  resources:
    {{- toYaml .Values.resources
      | nindent 4 }}
{{- end }}
{{- define "name" -}}
thing
{{- end }}
"""


def test_marks_stand_where_they_change_nothing() -> None:
    lines = marked(TEMPLATE).splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if line.endswith(f"# thunderguard:{number}")]
    # None in control lines, before a trimming end, inside an action, or in a named template.
    assert numbers == [2, 3, 4, 6, 9, 11]
    assert "".join(line.split(" # thunderguard")[0] + "\n" for line in lines) == TEMPLATE


@pytest.mark.parametrize(
    ("path", "line"),
    [(("kind",), 1), (("metadata", "labels"), 4), (("metadata", "labels", "b"), 4), (("spec", "missing"), 7)],
)
def test_lines_are_found_by_their_marks(path: Key, line: int) -> None:
    text = (
        "kind: X # thunderguard:1\nmetadata: # thunderguard:3\n  labels:\n    a: b\n    b: c # thunderguard:4\n"
        "spec: # thunderguard:7\n  x: 1 # thunderguard:8\n"
    )
    assert line_in(text, path) == line


def test_no_line_is_better_than_a_wrong_one() -> None:
    assert line_in("a: [", ("a",)) is None
    assert line_in("", ("a",)) is None
    assert line_in("a: 1\n", ("a",)) is None


def test_a_path_into_values() -> None:
    assert at(VALUES, ("extra", 1, "image")) == "tool:latest"
    assert at(VALUES, ("extra", 9)) is None


def test_a_key_that_takes_versions_alone_is_traced_by_a_version() -> None:
    schema = {
        "properties": {
            "web": {"properties": {"image": {"properties": {"tag": {"pattern": "^(latest|[0-9.]+)$"}}}}},
            "strict": {"enum": ["yes", "no"]},
        }
    }
    candidates = scalars(VALUES, allows=allowed_by(schema))
    traced_by = {spelled(one.key): one.traced for one in candidates}
    assert str(traced_by["web.image.tag"]).endswith(".0.0")
    assert "strict" not in traced_by
    found = keys_of(VALUES, web, candidates)
    assert found["image-reference spec.template.spec.containers[0].image"] == ["web.image.repository", "web.image.tag"]


@pytest.mark.parametrize(
    "schema", [None, {"$ref": "https://example.com/other.json"}, {"$ref": "#/nowhere"}, {"pattern": "("}, {"type": 7}]
)
def test_a_schema_that_cannot_be_read_here_is_left_to_helm(schema: JsonObject | None) -> None:
    assert allowed_by(schema)({"a": 1})


def test_renders_are_bounded_when_no_key_renders() -> None:
    values = {"settings": {f"key{number}": f"value{number}" for number in range(400)}}

    def template(seen: JsonObject) -> list[tuple[str, JsonObject]]:
        if seen != values:
            raise ValueError("nothing may change")
        return [("t.yaml", workload("tool", {"image": "tool:latest", "resources": BOUNDED}))]

    with trials_of(chart(values, template)) as trials:
        base = trials.one({})
        fields = {found: [parse_path(found.raw.path)] for found in base.findings}
        assert traced(trials, base, values, scalars(values), fields) == {found: [] for found in base.findings}
        assert trials.renders < 400


FRAGMENTS = st.sampled_from(
    ["a: ", "b", "\n", "\n", " ", "{{ .x }}", "{{- if .y }}", "{{ end }}", "{{- define \"n\" }}", "{{", "}}", "-}}",
     "# c", "---", "{{/* z\n */}}", "{{ .a\n| b }}", "|\n", "é", "\r\n"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_marks_only_add_the_number_of_their_line(text: str) -> None:
    """Whatever a template is, without its marks it is what it was, and each mark has the number of its line."""
    lines = marked(text).splitlines(keepends=True)
    assert len(lines) == len(text.splitlines())
    for number, (line, before) in enumerate(zip(lines, text.splitlines(keepends=True), strict=True), 1):
        assert line.replace(f" # thunderguard:{number}", "") == before
