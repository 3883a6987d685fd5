"""The guard refuses what the embedded engine would judge wrongly, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard_modules import EXAMPLES, HEAD, Example
from thunderguard.engines.guard import RULES, guard_paths, guard_sources
from thunderguard.errors import PolicyError, SourceError


def refused(source: str, file: str = "g.rego") -> list[str]:
    return [violation.rule for violation in guard_sources({file: source})]


def test_every_rule_has_an_example() -> None:
    shown = [*(example.rule for example in EXAMPLES), "one-module-per-package"]
    assert sorted(shown) == sorted(rule.id for rule in RULES)
    assert all(rule.title and rule.reason for rule in RULES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_refuses_its_example_and_accepts_the_rewritten_one(example: Example) -> None:
    assert refused(example.refused) == [example.rule]
    assert refused(example.accepted) == []


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("head-operands", 'd contains {"m": c.name} if some c in input.cs'),
        ("head-operands", 'd contains [c, {"m": [input.x]}] if some c in input.cs'),
        ("head-operands", "d contains sprintf(`%v`, [c]) if some c in input.cs"),
        ("head-operands", "d[c.name] := 1 if some c in input.cs"),
        ("head-operands", "d[k] := c.name if some k, c in input.cs"),
        ("head-operands", "d[c.name] contains 1 if some c in input.cs"),
        ("head-operands", "d contains limit if true\n\nlimit := 3 if input.x"),
        ("head-operands", "d contains input if true"),
        ("head-operands", "d := 1 if { input.a } else := count(input.b)"),
        ("not-body", "d if not {x: 1 | some x in input.xs}"),
        ("not-body", 'd if not {"a": input.a}'),
        ("not-body", "d := [1 | not {input.a}]"),
        ("walk-form", "d := [p | [p, _] := walk(input)]"),
        ("walk-form", "d contains x if walk(input, x)"),
        ("walk-form", "d := count(walk(input))"),
        ("with-values", 'd if q with input as {"a": input.b}\n\nq := 1'),
        ("with-values", "d if q with input as [1, 2][_]\n\nq := 1"),
        ("with-values", "d if q with input as other\n\nq := 1\n\nother := 2 if input.x"),
        ("with-values", "d if q(1) with q as 2\n\nq(_) := 1"),
        ("with-values", "d if every x in input.xs { q with input as f(x) }\n\nq := 1\n\nf(x) := x"),
        ("builtin-allow-list", "d := http.send({})"),
        ("builtin-allow-list", "d := rego.metadata.rule()"),
        ("builtin-allow-list", "d := time.clock(0)"),
        ("builtin-allow-list", "d := crypto.md5(input.x)"),
        ("builtin-allow-list", "d := no_such_function(1)"),
        ("builtin-refused", "d := json.marshal(input.x)"),
        ("builtin-refused", "d := yaml.unmarshal(input.x)"),
        ("builtin-refused", "d := semver.is_valid(input.x)"),
        ("builtin-refused", "d := opa.runtime()"),
        ("sprintf-format", "d := sprintf(input.f, [1])"),
        ("sprintf-format", 'd := sprintf("%x", [input.a])'),
        ("sprintf-format", 'd := sprintf("%-5s", [input.a])'),
        ("sprintf-format", 'd := sprintf("%s", [count(input.a)])'),
        ("sprintf-format", 'd := sprintf("%s", [1])'),
        ("sprintf-format", 'd := sprintf("%s", [["a"]])'),
        ("sprintf-format", 'd := sprintf("%v %v", [1])'),
        ("sprintf-format", 'd := sprintf("%v", input.list)'),
        ("sprintf-format", 'd := sprintf("100%", [])'),
        ("regex-classes", 'd if regex.match("\\\\w+", input.a)'),
        ("regex-classes", 'd := regex.split("a\\\\b", input.a)'),
        ("regex-classes", "pattern := `[\\s]`"),
        ("regex-classes", "pattern := `\\\\\\d`"),
        ("regex-classes", "pattern := `\\p{L}`"),
        ("regex-classes", "d if regex.match(`[a&&b]`, input.a)"),
        ("regex-classes", "d if regex.match(`x[^]a--z]`, input.a)"),
        ("regex-classes", "d if regex.match(`[a~~b]`, input.a)"),
        ("regex-classes", "d if regex.match(`[[a]]`, input.a)"),
        ("regex-classes", "d if regex.match(`[[:alpha]`, input.a)"),
    ],
)
def test_a_construct_is_refused(rule: str, body: str) -> None:
    assert refused(HEAD + body + "\n") == [rule]


@pytest.mark.parametrize(
    "body",
    [
        'd contains {"m": m, "n": [1, null, "x", true]} if some m in input.ms',
        'd["fixed"] contains m if some m in input.ms',
        "d := input.x.y",
        "d := count(input.x)",
        "f(x) := x.a",
        "d := 1 if { input.a } else := 2",
        "default d := false\n\nd if input.a",
        "d := {x | some x in input.xs}\n\ne if not 1 in d",
        "d if not f(input.x)\n\nf(x) if x == 1",
        "d contains v if { some v in input.xs; q with input as v }\n\nq := 1",
        'd if q with input as {"a": [1, "x"]} with data.a.b as "c"\n\nq := 1',
        "lower(x) := x\n\nd := lower(input.x)",
        'd := sprintf("%s: %v of %q, 100%%", [input.a, 1, input.b])',
        'd := sprintf("none", [])',
        "d := `C:\\\\dir`",
        'd := "\\\\\\\\d is no class"',
        "print_it if print(input)",
        "d if regex.match(`^[^]a-z-]+--&&[[:alpha:]_]{1,3}\\[x\\]$`, input.a)",
        'd := "in words: [a && b]"',
    ],
)
def test_a_construct_is_accepted(body: str) -> None:
    assert refused(HEAD + body + "\n") == []


def test_a_name_is_seen_across_the_files_of_a_package_and_a_second_file_is_refused() -> None:
    files = {"a.rego": "package p\n\nd contains limit if true\n", "b.rego": "package p\n\nlimit := 3 if input.x\n"}
    assert [(v.file, v.rule) for v in guard_sources(files)] == [
        ("a.rego", "head-operands"),
        ("b.rego", "one-module-per-package"),
    ]
    assert guard_sources({**files, "b.rego": "package q\n\nlimit := 3\n"}) == []


def test_an_import_is_no_variable() -> None:
    source = "package p\n\nimport data.q.limit as most\n\nd contains most if true\n"
    assert refused(source) == ["head-operands"]


def test_a_function_of_another_package_is_no_builtin() -> None:
    source = "package p\n\nimport data.q\n\nd := q.f(1)\n\ne := data.q.f(2)\n"
    assert refused(source) == []


def test_tests_may_compute_values_of_with_but_nothing_else() -> None:
    source = HEAD + 'test_it if q with input as {"a": data.b}\n\nq := json.marshal(1)\n'
    assert refused(source) == ["with-values", "builtin-refused"]
    assert refused(source, "g_test.rego") == ["builtin-refused"]


def test_a_violation_names_file_and_line() -> None:
    (violation,) = guard_sources({"some/where.rego": HEAD + "# why\nd := 1\n\ne := opa.runtime()\n"})
    assert (violation.file, violation.line, violation.rule) == ("some/where.rego", 8, "builtin-refused")
    assert str(violation).startswith("some/where.rego:8: opa.runtime is refused")
    assert str(violation).endswith("[builtin-refused]")


def test_a_file_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(PolicyError, match=r"g\.rego:3"):
        guard_sources({"g.rego": "package g\n\nd if {"})


def test_paths_are_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    bad, good = folder / "bad.rego", tmp_path / "good.rego"
    bad.write_text("package a\n\nd := opa.runtime()\n")
    good.write_text("package b\n\nd := 1\n")
    assert [(v.file, v.line) for v in guard_paths([tmp_path])] == [(str(bad), 3)]
    assert guard_paths([good]) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no \.rego file below"):
        guard_paths([tmp_path / "empty"])
    with pytest.raises(SourceError, match="cannot be read"):
        guard_paths([tmp_path / "nowhere.rego"])
    with pytest.raises(SourceError, match="no path"):
        guard_paths([])
