"""The command line: what it says, where it says it, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from report_values import check_golden, deployment, finding, october, report

from thunderguard.cli import output
from thunderguard.cli.app import COMMANDS, app
from thunderguard.engines import DEFAULT_ENGINE, USUAL_ENGINES
from thunderguard.errors import EngineError, PolicyError, SourceError, ThunderguardError, UsageError
from thunderguard.model import Level, Problem, Report

CLEAN = report()
DENIED = report(finding("singleton-service", deployment("thunder", "mlflow")))
WARNED = report(finding("health-probes", deployment("thunderline", "web"), level=Level.WARN))
INFORMED = report(finding("undeclared-workload", deployment("thunderline", "x"), level=Level.INFO))
UNREAD = report(*DENIED.findings, problems=(Problem("unread", "not YAML", "a.yaml"),))

PATIENCE = 20.0


@dataclass
class Judge:
    """Stands for the audit: gives ``answer``, or raises it, and keeps what it was asked."""

    answer: Report | BaseException = CLEAN
    asked: dict[str, Any] = field(default_factory=dict)

    def __call__(self, paths: list[str], **options: Any) -> Report:
        self.asked = {"paths": paths, **options}
        if isinstance(self.answer, BaseException):
            raise self.answer
        return replace(self.answer, fail_on=options["fail_on"])


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    stand_in = Judge()
    monkeypatch.setattr("thunderguard.audit.run_audit", stand_in)
    return stand_in


def run(*words: str, **env: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "", **env}).invoke(app, list(words), prog_name="thunderguard")


def commands() -> list[tuple[str, ...]]:
    """Give the words that lead to each command and group, the whole program first."""
    found: list[tuple[str, ...]] = []

    def visit(command: click.Command, words: tuple[str, ...]) -> None:
        found.append(words)
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                inner = command.get_command(ctx, name)
                assert inner is not None
                visit(inner, (*words, name))

    visit(app, ())
    return found


@pytest.mark.parametrize("words", commands(), ids=lambda words: "-".join(words) or "thunderguard")
def test_help_is_the_golden_file(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    check_golden(f"help/{'-'.join(words) or 'thunderguard'}.txt", f"exit {result.exit_code}\n{result.output}")
    assert result.stderr == ""


def test_every_golden_help_text_belongs_to_a_command() -> None:
    folder = Path(__file__).parents[1] / "golden" / "help"
    names = {"-".join(words) or "thunderguard" for words in commands()}
    assert {path.stem for path in folder.iterdir()} == names


def test_the_help_lines_written_for_speed_are_those_of_the_commands() -> None:
    ctx = click.Context(app)
    for name, lazy in COMMANDS.items():
        command = app.get_command(ctx, name)
        assert command is not None
        assert (command.name, command.short_help) == (name, lazy.help)


def test_the_engines_written_for_speed_are_those_that_can_be_opened() -> None:
    from thunderguard.cli.judge import ENGINES

    assert ENGINES == USUAL_ENGINES
    assert ENGINES[0] == DEFAULT_ENGINE


@pytest.mark.parametrize(
    ("answer", "fail_on", "code"),
    [
        (CLEAN, "deny", 0),
        (DENIED, "deny", 1),
        (DENIED, "warn", 1),
        (DENIED, "info", 1),
        (DENIED, "never", 0),
        (WARNED, "deny", 0),
        (WARNED, "warn", 1),
        (WARNED, "info", 1),
        (INFORMED, "warn", 0),
        (INFORMED, "info", 1),
        (UNREAD, "deny", 3),
        (UNREAD, "never", 3),
    ],
)
@pytest.mark.parametrize("command", ["audit", "lint"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_exit_code_says_what_was_found(
    judge: Judge, command: str, form: str, answer: Report, fail_on: str, code: int
) -> None:
    judge.answer = answer
    result = run(command, "x.yaml", "--fail-on", fail_on, "--format", form)
    assert result.exit_code == code, result.output
    if form == "text":
        assert result.stdout.endswith(f"exit {code}\n")
    else:
        assert json.loads(result.stdout)["formatVersion"] == "1"
    assert result.stderr == ""


def test_audit_hands_on_what_was_asked(judge: Judge) -> None:
    words = "audit a.jsonl b/ - --estate e.yaml --engine opa --opa-url http://127.0.0.1:1 --fail-on warn --namespace n"
    result = run(
        *words.split(), "--rule", "health-probes", "--rule", "image-reference", "--workers", "2", "--at", "2026-12-31"
    )
    assert result.exit_code == 0, result.output
    assert judge.asked == {
        "paths": ["a.jsonl", "b/", "-"],
        "estate": Path("e.yaml"),
        "engine": "opa",
        "opa_url": "http://127.0.0.1:1",
        "fail_on": Level.WARN,
        "namespace": "n",
        "namespaces": {},
        "rules": ["health-probes", "image-reference"],
        "complete": True,
        "workers": 2,
        "progress": None,
        "at": date(2026, 12, 31),
    }


@pytest.mark.parametrize(("words", "complete"), [([], False), (["--complete"], True)])
def test_lint_is_not_about_a_whole_estate_unless_told(judge: Judge, words: list[str], complete: bool) -> None:
    run("lint", "x.yaml", *words)
    assert judge.asked["complete"] is complete
    assert judge.asked["estate"] is None
    assert judge.asked["fail_on"] is Level.DENY


def test_the_text_of_a_command_is_the_golden_file(judge: Judge) -> None:
    judge.answer = october()
    result = run("audit", "2025-10-08.jsonl")
    check_golden("audit.txt", f"exit {result.exit_code}\n{result.output}")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["lint"], "Missing argument 'PATH...'.", "see thunderguard lint --help"),
        (["bogus"], "No such command 'bogus'.", "see thunderguard --help"),
        (["rules", "bogus"], "No such command 'bogus'.", "see thunderguard rules --help"),
        (["audit", "x", "--workers", "0"], "Invalid value for '--workers': 0 is not in the range x>=1.", "see "),
        (["audit", "x", "--engine", "cel"], "Invalid value for '--engine': 'cel' is not one of", "see "),
        (["audit", "x", "--opa-url", "u"], "--opa-url needs --engine opa.", "see thunderguard audit --help"),
        (["audit", "x", "--rule", "singelton-service"], "no rule is called", "did you mean singleton-service?"),
        (["audit", "x", "--rule", "zzz"], "no rule is called 'zzz'", "thunderguard rules lists all of them"),
        (["lint", "x", "--rule", "missing-service"], "can only be answered from a whole estate", "add --complete"),
        (["rules", "show", "singelton-service"], "no rule is called", "did you mean singleton-service?"),
        (["audit", "x", "--output", "."], ". is a directory", "name a file"),
        (["audit", "x", "--output", "/no/such/folder/report"], "/no/such/folder is not a directory", "make it first"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    judge: Judge, words: list[str], error: str, hint: str
) -> None:
    result = run(*words)
    first, second = result.stderr.splitlines()
    assert result.exit_code == 2
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith(f"hint: {hint}")
    assert result.stdout == ""
    assert judge.asked == {}


def test_no_words_at_all_show_the_help() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SourceError("nothing in x.yaml", hint="name a file"), 2, "error: nothing in x.yaml\nhint: name a file\n"),
        (UsageError("no"), 2, "error: no\n"),
        (PolicyError("main.rego:3 does not compile"), 3, "error: main.rego:3 does not compile\n"),
        (EngineError("opa died"), 3, "error: opa died\n"),
        (ThunderguardError("a\nb\x1b[2J"), 2, "error: a\\nb\\x1b[2J\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (RecursionError("deep"), 3, "error: internal error: RecursionError: deep\nhint: this is a fault of"),
        (BrokenPipeError(32, "engine"), 3, "error: internal error: BrokenPipeError: "),
    ],
)
def test_an_error_is_told_in_one_line_without_a_traceback(
    judge: Judge, tmp_path: Path, error: BaseException, code: int, told: str
) -> None:
    judge.answer = error
    target = tmp_path / "report.json"
    result = run("audit", "x.yaml", "--output", str(target))
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(told)
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_traceback_is_there_for_those_who_ask(judge: Judge) -> None:
    judge.answer = RecursionError("deep")
    result = run("audit", "x.yaml", THUNDERGUARD_DEBUG="1")
    assert "Traceback" in result.stderr
    assert result.exit_code == 3


def test_the_output_file_holds_the_report_and_the_counts_are_told(judge: Judge, tmp_path: Path) -> None:
    judge.answer = DENIED
    target = tmp_path / "report.json"
    target.write_text("old")
    target.chmod(0o640)
    result = run("audit", "x.yaml", "--format", "json", "--output", str(target))
    assert result.exit_code == 1
    assert json.loads(target.read_bytes())["findings"][0]["rule"] == "singleton-service"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (result.stdout, result.stderr) == ("", "1 deny, 0 warn, 0 info; 2 objects; exit 1\n")


def test_a_text_report_in_a_file_is_plain_utf8(judge: Judge, tmp_path: Path) -> None:
    judge.answer = october()
    target = tmp_path / "report.txt"
    run("audit", "x.yaml", "--output", str(target))
    assert "●" in target.read_text(encoding="utf-8")
    assert b"\x1b" not in target.read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.write_file(target, b"new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report.json": "old"}


def test_a_link_is_followed_and_a_new_file_obeys_the_umask(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    old = os.umask(0o027)
    try:
        output.write_file(tmp_path / "link", b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_what_is_no_plain_file_is_written_to_directly() -> None:
    output.check_target(Path(os.devnull))
    output.write_file(Path(os.devnull), b"new")
    assert not Path(os.devnull).is_file()


def test_color_is_forced_and_refused_by_option(judge: Judge) -> None:
    judge.answer = DENIED
    assert "\x1b[" in run("audit", "x.yaml", "--color").stdout
    assert "\x1b[" not in run("audit", "x.yaml", "--no-color").stdout
    assert "\x1b[" not in run("audit", "x.yaml").stdout


def test_rules_lists_the_whole_catalogue() -> None:
    from thunderguard.catalogue import load_catalogue

    result = run("rules")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["id", "level", "scope", "title"]
    assert [row.split()[0] for row in rows] == sorted(load_catalogue().rules)
    assert "singleton-service    deny   object  A service lives at its one address" in rows


def test_rules_show_says_why_and_what_to_do() -> None:
    result = run("rules", "show", "missing-service")
    check_golden("rules-show.txt", f"exit {result.exit_code}\n{result.output}")


def test_estate_check_names_each_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("apiVersion: thunderguard.dev/v1alpha1\nkind: Estate\nmetadata: {name: x}\nspec: {nonsense: 1}\n")
    good = Path(__file__).parents[2] / "examples" / "thunderline" / "estate.yaml"
    result = run("estate", "check", str(good), str(wrong))
    assert result.exit_code == 2
    first, *mistakes = result.stdout.splitlines()
    assert first == f"{good}: valid"
    assert any(line.startswith(f"{wrong}:4:") and "nonsense" in line for line in mistakes)
    assert run("estate", "check", str(good)).exit_code == 0


def test_estate_check_tells_of_a_file_that_cannot_be_read() -> None:
    result = run("estate", "check", "/no/such/estate.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "/no/such/estate.yaml" in result.stderr


def test_guard_names_what_it_refuses(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.rego", tmp_path / "bad.rego"
    good.write_text('package good\n\nallow if input.kind == "Pod"\n')
    bad.write_text("package bad\n\nallow if not input.kind\n")
    refused = run("guard", str(tmp_path))
    assert refused.exit_code == 1
    assert refused.stdout.startswith(f"{bad}:3: ")
    assert refused.stdout.endswith("1 refused\n")
    assert run("guard", str(good)).stdout == "nothing is refused\n"
    assert run("guard", str(tmp_path / "none.rego")).exit_code == 2


def test_snapshot_verify_tells_a_changed_file_from_a_whole_one(tmp_path: Path) -> None:
    from thunderguard.snapshot import write_snapshot

    whole, changed = tmp_path / "whole.jsonl", tmp_path / "changed.jsonl"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "thunderline", "name": "web"}}
    write_snapshot(whole, [pod], captured_at="2025-10-08T12:00:00Z", cluster_version=None, context=None)
    changed.write_bytes(whole.read_bytes().replace(b'"web"', b'"wob"'))
    good, bad = run("snapshot", "verify", str(whole)), run("snapshot", "verify", str(changed))
    assert (good.exit_code, good.output) == (0, f"{whole}: whole and unchanged\n")
    assert bad.exit_code == 3
    assert bad.stdout.startswith(f"{changed}:1: ")
    assert "sha256" in bad.stdout
    none = run("snapshot", "verify", str(tmp_path / "none"))
    assert (none.exit_code, none.stdout) == (2, "")
    assert none.stderr.startswith("error: ")


# ---- as a process

DRIVER = """
import sys
sys.path[:0] = [{unit!r}]
import thunderguard.audit
import report_values
{body}
from thunderguard.cli import main
main()
"""

GIVE_OCTOBER = "thunderguard.audit.run_audit = lambda paths, **options: report_values.october()"


def driver(body: str) -> list[str]:
    """Give the command that runs the real command line with ``body`` in place of the audit."""
    return [sys.executable, "-c", DRIVER.format(unit=str(Path(__file__).parent), body=body)]


def test_help_imports_no_engine_reader_or_library_it_does_not_need() -> None:
    code = (
        "import sys\nfrom thunderguard.cli.app import app\n"
        "try:\n    app.main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "print(*sorted(name for name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    ours = {name for name in loaded if name.startswith("thunderguard.")}
    allowed = ("cli", "cli.app", "cli.output", "errors", "model", "reports", "reports.terminal")
    assert ours == {f"thunderguard.{name}" for name in allowed}
    assert not loaded & {"rich", "yaml", "orjson", "regorus", "re2", "asyncio", "multiprocessing", "importlib.metadata"}


def test_the_module_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thunderguard.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("thunderguard ")
    assert done.stderr == ""


def test_a_reader_that_goes_away_is_no_error_and_changes_no_exit_code() -> None:
    body = (
        "import dataclasses\n"
        "many = tuple(report_values.finding('r', report_values.deployment('a', str(n))) for n in range(20000))\n"
        "thunderguard.audit.run_audit = lambda paths, **options: report_values.report(*many)"
    )
    with subprocess.Popen([*driver(body), "audit", "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"Thunderguard: 20000 findings")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 1


@pytest.mark.parametrize("words", [["--help"], ["rules"], ["--version"]])
def test_help_for_nobody_is_quiet(words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "thunderguard.cli", *words], stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*driver(GIVE_OCTOBER), "audit", "x"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"error: standard output cannot be written: No space left on device\n"


def test_an_interrupt_ends_quietly_and_leaves_no_file(tmp_path: Path) -> None:
    body = (
        "import signal, sys\n"
        "def wait(paths, **options):\n    print('ready', file=sys.stderr, flush=True)\n    signal.pause()\n"
        "thunderguard.audit.run_audit = wait"
    )
    words = [*driver(body), "audit", "x", "--output", str(tmp_path / "report")]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"interrupted\n"
        assert process.wait(PATIENCE) == 130
    assert list(tmp_path.iterdir()) == []


def test_an_encoding_that_cannot_write_the_signs_gets_others() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*driver(GIVE_OCTOBER), "audit", "x"], capture_output=True, env=env, check=False)
    assert done.returncode == 3
    assert b"  * at home   x away" in done.stdout
    assert done.stdout.isascii()


def in_terminal(words: list[str], **env: str) -> bytes:
    """Run ``words`` in a terminal of 60 columns and give all that it shows."""
    leader, follower = pty.openpty()
    settings = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS", "LINES"}}
    settings |= {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env}
    with subprocess.Popen(words, stdin=follower, stdout=follower, stderr=follower, env=settings) as process:
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # Linux says EIO when the other end is closed
                break
            if not piece:
                break
            shown += piece
        process.wait(PATIENCE)
    os.close(leader)
    return shown


@pytest.mark.parametrize(
    ("words", "env", "coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        (["--no-color"], {}, False),
        (["--color"], {"NO_COLOR": "1"}, True),
    ],
)
def test_a_terminal_has_colours_unless_it_should_not(words: list[str], env: dict[str, str], coloured: bool) -> None:
    shown = in_terminal([*driver(GIVE_OCTOBER), "audit", "x", *words], **env)
    assert (b"\x1b[31;1mdeny\x1b[0m" in shown) is coloured
    assert b"exit 3" in shown


def test_progress_is_shown_in_a_terminal_and_cleared() -> None:
    body = (
        "def judge(paths, *, progress, **options):\n"
        "    progress('judging', 1, 2)\n    progress('judging', 2, 2)\n    return report_values.october()\n"
        "thunderguard.audit.run_audit = judge"
    )
    shown = in_terminal([*driver(body), "audit", "x"])
    assert b"judging" in shown
    assert b"100%" in shown
    assert b"judging" not in shown[shown.index(b"Thunderguard:") :]
