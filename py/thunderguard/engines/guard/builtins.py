"""What the guard lets a policy call. Every name here was run on OPA 1.22.2 and regorus 0.13.0 with the same result.

Two lists, because they fail differently: a built-in the embedded engine lacks is noticed only when a rule reaches
it, perhaps months later; one it has but computes otherwise gives a wrong verdict without a sound.
"""

from __future__ import annotations

ALLOWED: frozenset[str] = frozenset(
    {
        # numbers
        "abs",
        "ceil",
        "floor",
        "format_int",
        "max",
        "min",
        "numbers.range",
        "product",
        "round",
        "sum",
        "to_number",
        # strings
        "concat",
        "contains",
        "endswith",
        "indexof",
        "indexof_n",
        "lower",
        "replace",
        "split",
        "sprintf",
        "startswith",
        "strings.any_prefix_match",
        "strings.any_suffix_match",
        "strings.reverse",
        "substring",
        "trim",
        "trim_left",
        "trim_prefix",
        "trim_right",
        "trim_space",
        "trim_suffix",
        "upper",
        # patterns
        "glob.match",
        "regex.find_all_string_submatch_n",
        "regex.find_n",
        "regex.is_valid",
        "regex.match",
        "regex.replace",
        "regex.split",
        # collections
        "array.concat",
        "array.reverse",
        "array.slice",
        "count",
        "graph.reachable",
        "intersection",
        "object.filter",
        "object.get",
        "object.keys",
        "object.remove",
        "object.subset",
        "object.union",
        "object.union_n",
        "sort",
        "union",
        "walk",
        # types
        "is_array",
        "is_boolean",
        "is_null",
        "is_number",
        "is_object",
        "is_set",
        "is_string",
        "type_name",
        # the clock, which is asked only where a harness does not say what day it is
        "time.date",
        "time.now_ns",
        # encodings and versions
        "base64.decode",
        "base64.encode",
        "json.filter",
        "json.is_valid",
        "json.remove",
        "json.unmarshal",
        "semver.compare",
        # debugging: gives nothing to the verdict
        "print",
    }
)

# Built-in → what the embedded engine does otherwise.
REFUSED: dict[str, str] = {
    "json.marshal": "keeps no trailing zero and does not escape <, > and &, as OPA does",
    "json.match_schema": "gives other messages, and does not check formats",
    "opa.runtime": "describes the engine itself",
    "semver.is_valid": "takes v1.2.3 for invalid, OPA for valid",
    "strings.count": "counts overlapping matches, OPA does not",
    "strings.replace_n": "replaces in turn, OPA all at once",
    "uuid.parse": "reports another variant for the nil UUID",
    "yaml.is_valid": "reads another YAML than OPA",
    "yaml.marshal": "indents lists otherwise",
    "yaml.unmarshal": "reads another YAML than OPA",
}

# Results that are never strings: sprintf's %s spells them otherwise.
NUMERIC: frozenset[str] = frozenset(
    {"abs", "ceil", "count", "floor", "indexof", "max", "min", "product", "round", "semver.compare", "sum", "to_number"}
)
