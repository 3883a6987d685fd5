"""Events are found in an audit log while it is written, cut lines and new files among them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from thunderguard.engines.webhook.audit import AuditLog, flags
from thunderguard.engines.webhook.way import DoorError

SECONDS = 20.0


def event(name: str, **annotations: str) -> bytes:
    return json.dumps({"auditID": name, "annotations": annotations}).encode() + b"\n"


def log_file(folder: Path) -> Path:
    (flag,) = [flag for flag in flags(folder) if flag.startswith("--audit-log-path=")]
    return Path(flag.partition("=")[2])


def test_what_is_told_to_the_server_notes_every_write_down(tmp_path: Path) -> None:
    named = dict(flag.removeprefix("--").split("=", 1) for flag in flags(tmp_path))
    policy = json.loads(Path(named["audit-policy-file"]).read_text())
    assert named["audit-log-mode"] == "blocking"
    assert {"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]} in policy["rules"]


def test_events_are_found_in_any_order(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log_file(tmp_path).write_bytes(event("a", x="1") + event("b") + b'{"auditID": "c", "annotations": null}\n')
    assert log.annotations("c", deadline=SECONDS) == {}
    assert log.annotations("a", deadline=SECONDS) == {"x": "1"}
    assert log.annotations("b", deadline=SECONDS) == {}
    log.close()


def test_an_event_that_is_written_later_and_in_pieces_is_waited_for(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    whole = event("late", x="2")

    def write() -> None:
        for piece in (whole[:5], whole[5:20], whole[20:]):
            with log_file(tmp_path).open("ab") as file:
                file.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    assert log.annotations("late", deadline=SECONDS) == {"x": "2"}
    writer.join()
    log.close()


def test_nothing_is_lost_when_the_server_begins_a_new_file(tmp_path: Path) -> None:
    log, file = AuditLog(tmp_path), log_file(tmp_path)
    file.write_bytes(event("a"))
    log.annotations("a", deadline=SECONDS)
    with file.open("ab") as out:
        out.write(event("b", x="last of the old"))
    file.rename(tmp_path / "audit-old.log")
    file.write_bytes(event("c", x="first of the new"))
    assert log.annotations("c", deadline=SECONDS) == {"x": "first of the new"}
    assert log.annotations("b", deadline=SECONDS) == {"x": "last of the old"}
    log.close()


def test_an_event_that_never_comes_is_no_verdict(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    with pytest.raises(DoorError, match="notes down nothing"):
        log.annotations("a", deadline=0.0)
    log_file(tmp_path).write_bytes(event("b"))
    with pytest.raises(DoorError, match="notes down nothing"):
        log.annotations("a", deadline=0.0)
    log.close()
