"""From the messages of admission policies to findings, and from the output of the Kyverno CLI to rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from thunderguard.catalogue import load_catalogue
from thunderguard.engines.external import RunError
from thunderguard.engines.kyvernocli import program
from thunderguard.engines.kyvernocli.program import Program, Row
from thunderguard.engines.messages import MessageError, Messages
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Level, RawFinding, Resource

WEB = Resource("apps/v1", "Deployment", "shop", "web")
CATALOGUE = load_catalogue()
MESSAGES = Messages(CATALOGUE.rules, load_estate(DEFAULT_ESTATE).data)
ZERO = "resource-limits: spec.a[0].b: spec.a[0].b is 0, which is no bound at all. give spec.a[0].b a value above zero"
MISSING = (
    "resource-limits: spec.c: container a. set b sets no limits.cpu. "
    "set limits.cpu in the resources of container a. set b"
)


def read(text: str, rule: str = "resource-limits") -> list[RawFinding]:
    return MESSAGES.findings(rule, text, WEB)


def test_each_part_is_a_finding() -> None:
    zero, missing = read(f"{ZERO} | {MISSING}")
    assert zero == RawFinding(
        "resource-limits",
        WEB,
        "spec.a[0].b",
        Level.DENY,
        None,
        "spec.a[0].b is 0, which is no bound at all",
        "give spec.a[0].b a value above zero",
    )
    assert missing.message == "container a. set b sets no limits.cpu"
    assert missing.remedy == "set limits.cpu in the resources of container a. set b"


def test_a_service_is_the_one_that_the_words_name() -> None:
    text = "image-reference: spec.i: tag 1 of 2 of web does not match v. name a tag that matches v in spec.i"
    (found,) = read(text, "image-reference")
    assert found.service == "web"
    text = "health-probes: spec.i: container a of web has no readinessProbe. add spec.i to container a"
    (found,) = read(text, "health-probes")
    assert (found.service, found.level) == ("web", Level.WARN)


def test_the_separator_inside_of_words_separates_nothing() -> None:
    text = "image-reference: spec.i: image a | b of container c has neither tag nor digest."
    (found,) = read(f"{text} name a version in spec.i, such as a | b:1.2.3", "image-reference")
    assert found.message == "image a | b of container c has neither tag nor digest"


def test_a_line_feed_in_a_name_may_have_become_a_blank() -> None:
    odd = Resource("apps/v1", "Deployment", "shop", "a\nb")
    for name in ("a\nb", "a b"):
        text = (
            f"namespace-boundary: metadata.namespace: Deployment {name} is in namespace shop; allowed: x. "
            f"kubectl delete deployment {name} -n shop, or deploy it to x"
        )
        (found,) = MESSAGES.findings("namespace-boundary", text, odd)
        assert found.message == "Deployment a\nb is in namespace shop; allowed: x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no finding of"),
        ("failed expression: size(variables.lines) == 0", "no finding of"),
        ("health-probes: spec.a: x. y", "no finding of"),
        ("resource-limits: spec.a", "no finding of"),
        ("resource-limits: spec..a: x. y", "at no field"),
        ("resource-limits: spec.a: it is bad. mend it", "no words of"),
        (f"{ZERO} | and more", "leaves findings out"),
        (f"{ZERO} | something", "no words of"),
        (f"something | {ZERO}", "no finding of"),
    ],
)
def test_what_is_no_message_of_ours_is_no_finding(text: str, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        read(text)


def result(**changes: Any) -> dict[str, Any]:
    return {"policy": "p", "result": "fail", "message": "m", "resources": [{"kind": "Pod", "uid": "3"}], **changes}


class Answering(Program):
    """The program, with its answer given."""

    def __init__(self, code: int, output: bytes, errors: bytes = b"") -> None:
        super().__init__(Path("kubectl-kyverno"), Path(), 1.0)
        self.answer = (code, output, errors)

    def _run(self, command: list[str]) -> tuple[int, bytes, bytes]:
        assert command
        return self.answer


def report(*results: Any) -> bytes:
    return json.dumps({"kind": "ClusterReport", "results": results}).encode()


def test_a_report_is_read_row_by_row() -> None:
    output = report(result(), result(result="pass", message=None, resources=[{"kind": "Pod"}]))
    assert Answering(1, output).apply([]).rows == (Row("p", "3", "fail", "m"), Row("p", "", "pass", ""))
    assert Answering(0, b"\n").apply([]).rows == ()
    assert Answering(0, b"", b'\x1b[31mx\x1b[0m error="a \\"b\\"" y error="c"').apply([]).complaints == ('a "b"', "c")


@pytest.mark.parametrize(
    ("code", "output", "errors", "reason"),
    [
        (0, b"garbage", b"", "not JSON"),
        (0, b"[1]", b"", "no report"),
        (0, b"{}", b"", "no report"),
        (0, report(result(resources=[])), b"", "gives the result"),
        (0, report(result(resources=[{"uid": "1"}, {"uid": "2"}])), b"", "gives the result"),
        (0, report(result(policy=None)), b"", "gives the result"),
        (0, report("x"), b"", "gives the result"),
        (1, b"", b"Error: failed to load\n", "status 1: Error: failed to load"),
        (2, report(), b"noise\npanic: a b\n\ngoroutine 1 [running]:\nmain.main()", "status 2: panic: a b$"),
        (-9, report(), b"", "status -9"),
        (
            1,
            b"",
            b'Error: policy x (spec.a: Invalid value: "a \\"b\\"\\nc": ERROR: <input>:1:1: bad\n | a b\n | .^))\n',
            r"policy x \(spec.a: ERROR: <input>:1:1: bad$",
        ),
    ],
)
def test_an_answer_that_is_no_report_says_what_it_is(code: int, output: bytes, errors: bytes, reason: str) -> None:
    with pytest.raises(RunError, match=reason):
        Answering(code, output, errors).apply([])


def test_a_long_complaint_keeps_its_end() -> None:
    assert program.shortened("a " * 5000 + "the end").endswith("a the end")
    assert len(program.shortened("a " * 5000)) <= 1200
