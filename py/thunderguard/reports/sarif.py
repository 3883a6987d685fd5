"""SARIF 2.1.0, as code scanning services read it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from urllib.parse import quote

import orjson

from thunderguard.model import Finding, JsonObject, Level, Problem, Report, in_order
from thunderguard.reports.setting import Setting, writable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "thunderguardFingerprint/v1"

_LEVELS = {Level.DENY: "error", Level.WARN: "warning", Level.INFO: "note"}


def render(report: Report, setting: Setting) -> bytes:
    """Write ``report`` as SARIF: rules with help, results with place and fingerprint, problems."""
    findings = in_order(report.findings)
    rules = sorted({*setting.rules, *(finding.rule for finding in findings)})
    places = {rule: place for place, rule in enumerate(rules)}
    run: JsonObject = {
        "tool": {
            "driver": {
                "name": "Thunderguard",
                "semanticVersion": setting.version,
                "rules": [_rule(rule, setting) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[finding.rule]) for finding in findings],
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "exitCode": setting.exit_code,
                "endTimeUtc": setting.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "toolExecutionNotifications": [_notification(problem) for problem in report.problems],
            }
        ],
    }
    value = writable({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _rule(name: str, setting: Setting) -> JsonObject:
    rule = setting.rules.get(name)
    if rule is None:
        return {"id": name}
    remedies = "\n".join(f"- {remedy}" for _, remedy in rule.violations.values())
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nWhat to do:\n{remedies}",
            "markdown": f"{rule.why}\n\n**What to do**\n\n{remedies}",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"tags": ["kubernetes", f"scope-{rule.scope}"]},
    }


def _result(finding: Finding, place: int) -> JsonObject:
    location: JsonObject = {
        "logicalLocations": [
            {"name": finding.path, "fullyQualifiedName": f"{finding.resource}:{finding.path}", "kind": "object"}
        ]
    }
    if finding.file is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": uri(finding.file)}}
        if finding.line is not None:
            column = {} if finding.column is None else {"startColumn": finding.column}
            location["physicalLocation"]["region"] = {"startLine": finding.line, **column}
    result: JsonObject = {
        "ruleId": finding.rule,
        "ruleIndex": place,
        "level": _LEVELS[finding.level],
        "message": {"text": f"{finding.message}. {finding.remedy}"},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {"resource": str(finding.resource), "service": finding.service, "remedy": finding.remedy},
    }
    if (origin := finding.origin) is not None:
        result["properties"] |= {"valuesKeys": list(origin.keys), "valuesPatch": origin.patch}
        if origin.into is not None:
            result["properties"]["valuesInto"] = origin.into
    if (waived := finding.waived) is not None:
        words = f"{waived.reason} (waived by {waived.owner} until {waived.expires})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": words}]
    return result


def _notification(problem: Problem) -> JsonObject:
    notification: JsonObject = {
        "level": "error",
        "message": {"text": problem.message},
        "descriptor": {"id": problem.kind},
    }
    if problem.file is not None:
        place: JsonObject = {"artifactLocation": {"uri": uri(problem.file)}}
        if problem.line is not None:
            place["region"] = {"startLine": problem.line}
        notification["locations"] = [{"physicalLocation": place}]
    return notification


def uri(file: str) -> str:
    """Give a file name as a URI reference (RFC 3986); bytes that are not UTF-8 are percent-encoded as they are."""
    escaped = quote(file.encode("utf-8", "surrogatepass"), safe="/-._~")
    # Without a leading ./ a first segment with a colon, escaped or not, could be taken for a scheme.
    return escaped if not escaped.startswith("//") else f"/.{escaped}"
