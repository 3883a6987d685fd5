"""Pages about the rules: one for each, and the list of all. Their words are the catalogue's."""

from __future__ import annotations

from collections.abc import Iterable

from thunderguard.catalogue import Rule
from thunderguard.model import Scope

_NOTE = "<!-- Rendered by `thunderguard render` from the catalogue. Do not edit. -->"

_WAIVERS = (
    "## Waivers",
    "",
    (
        "What cannot be mended yet is waived in the Estate: a rule, for an object, for those with some labels, or for "
        "what both hold of, up to the end of a day (UTC). The object is the one that findings name, which of a pod is "
        "its root owner, such as the Deployment."
    ),
    "",
    "```yaml",
    "waivers:",
    "  - rule: resource-limits",
    "    resource: {kind: Deployment, namespace: thunderline, name: thunderline-web}",
    "    reason: the limits are being measured",
    "    owner: platform team",
    '    expires: "2026-12-31"',
    "  - rule: health-probes",
    "    selector: {matchLabels: {app.kubernetes.io/component: trial}}",
    "    reason: trials end with the quarter",
    "    owner: ml team",
    '    expires: "2026-09-30"',
    "```",
    "",
    (
        "A waived finding is shown as waived in every report and fails nothing, and it passes the door. The day after "
        "it fails again, and the audit tells of the waiver by the rule `waiver`, as of one that covers nothing or more "
        "than ten objects. `--at DATE` judges as on another day."
    ),
    "",
    (
        "OPA, `conftest test` and Kyverno have a clock. The API server has none: a native policy holds the waivers in "
        "force when it was rendered, so render it after a change of them; `thunderguard render --check` fails and "
        "names the waiver when one has ended."
    ),
)


def rule_page(rule: Rule) -> str:
    """Give the README of one rule in Markdown."""
    lines = [
        f"# {rule.id}",
        "",
        _NOTE,
        "",
        f"**{rule.title}.** Level {rule.level}, since {rule.since}.",
        "",
        _text(rule.why),
        "",
        f"Answers the audit of October 8, 2025: *{rule.audit}*.",
        "",
        "| violation | message | what to do |",
        "|---|---|---|",
    ]
    lines += [f"| `{key}` | {_cell(said)} | {_cell(do)} |" for key, (said, do) in rule.violations.items()]
    lines += [
        "",
        (
            "The rule in Rego stands in "
            f"[`rego/thunderguard/rules/{rule.id}`](../../rego/thunderguard/rules/{rule.id}), in CEL in "
            "[`body.cel.yaml`](body.cel.yaml), from which [`kyverno.yaml`](kyverno.yaml) and "
            "[`native.yaml`](native.yaml) are rendered. "
            f"Its cases are [`tests/cases/{rule.id}.yaml`](../../tests/cases/{rule.id}.yaml)."
        ),
        "",
    ]
    return "\n".join(lines)


def index_page(rules: Iterable[Rule]) -> str:
    """Give the list of all rules in Markdown, and how to put the policies into force."""
    every = list(rules)
    lines = [
        "# Policies",
        "",
        _NOTE,
        "",
        (
            "The same rules that `thunderguard` and `conftest test` judge by, at the door of the API server: for "
            "Kyverno 1.19 or later in [`kyverno`](kyverno), and without anything to run in [`native`](native) "
            "(ValidatingAdmissionPolicy, Kubernetes 1.34 or later), where one policy has all rules that deny and "
            "another all that warn. The Estate comes first: without one, everything the policies match is denied."
        ),
        "",
        "```sh",
        "kubectl apply -f policies/estate.crd.yaml",
        "kubectl wait --for=condition=Established crd/estates.thunderguard.dev",
        "kubectl apply -f examples/thunderline/estate.yaml",
        "kubectl apply -k policies/native        # or: kubectl apply -k policies/kyverno",
        "```",
        "",
        (
            "For a first roll-out, [`audit-only/native`](audit-only/native) and "
            "[`audit-only/kyverno`](audit-only/kyverno) are the same policies, which deny nothing and tell the audit "
            "log or the policy reports."
        ),
        "",
        "| rule | level | what it says |",
        "|---|---|---|",
    ]
    lines += [
        f"| [{rule.id}]({rule.id}) | {rule.level} | {_cell(rule.title)} |"
        for rule in every
        if rule.scope is Scope.OBJECT
    ]
    lines += [
        "",
        "These need the whole set, or all that was found in it, and have no twin at the door, which sees one request:",
        "",
        "| rule | level | what it says |",
        "|---|---|---|",
    ]
    lines += [f"| {rule.id} | {rule.level} | {_cell(rule.title)} |" for rule in every if rule.scope is not Scope.OBJECT]
    return "\n".join([*lines, "", *_WAIVERS, ""])


def _text(words: str) -> str:
    return " ".join(words.split())


def _cell(words: str) -> str:
    return _text(words).replace("|", "\\|")
