"""The pytest plugin: property-based tests over a team's own captured snapshot.

A test with an argument ``estate_object`` is called with objects of the snapshot that ``--thunderguard-snapshot`` or the
ini option ``thunderguard_snapshot`` names, changed in small ways, as if it stood below Hypothesis's ``@given``. Its
other arguments are fixtures, as ever, and ``@settings`` and ``@pytest.mark`` work as on any test.

Nothing more is imported before such a test is found, so that a run without one is as fast as without the plugin.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

ARGUMENT = "estate_object"

_OPTIONS = {
    "snapshot": "what estate_object is drawn from: a snapshot, manifests, or a directory of them",
    "estate": "the Estate that says what an object is (default: Thunderline's)",
    "mutations": "the mutations that may change it, by name, joined by commas (default: all)",
    "most": "how many mutations change one object at most (default: 3)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each on the command line and in the ini file."""
    group = parser.getgroup("thunderguard", "property-based tests over a captured estate")
    for name, text in _OPTIONS.items():
        group.addoption(f"--thunderguard-{name}", metavar=name.upper(), default=None, help=text)
        parser.addini(f"thunderguard_{name}", help=text, default=None)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> Any:
    """Collect a test that wants an ``estate_object`` as if it stood below ``@given``; leave all others alone."""
    function: Any = getattr(obj, "__func__", obj)
    if not inspect.isfunction(function) or ARGUMENT not in inspect.signature(function).parameters:
        return None
    # A test below @given of its own has told what its arguments are.
    if getattr(function, "is_hypothesis_test", False) or not collector.istestfunction(function, name):
        return None
    test = _given(function, collector)
    # Where pytest looks for it when it runs.
    setattr(collector.obj, name, test)
    return collector.ihook.pytest_pycollect_makeitem(collector=collector, name=name, obj=test)


def _given(function: Any, collector: pytest.Collector) -> Any:
    from hypothesis import given

    from thunderguard.errors import ThunderguardError
    from thunderguard.replay.strategies import MOST, estate_objects

    snapshot = _path(collector.config, "snapshot")
    if snapshot is None:
        raise collector.CollectError(
            f"{function.__name__} wants an {ARGUMENT}: name a snapshot with --thunderguard-snapshot, or with "
            f"thunderguard_snapshot in the ini file"
        )
    names, most = _option(collector.config, "mutations"), _option(collector.config, "most") or str(MOST)
    if not most.isdecimal():
        raise collector.CollectError(f"thunderguard_most is {most!r}, which is no number")
    try:
        strategy = estate_objects(
            snapshot,
            _path(collector.config, "estate"),
            mutations=None if names is None else [name.strip() for name in names.split(",") if name.strip()],
            most=int(most),
        )
    except ThunderguardError as error:
        raise collector.CollectError(error.told) from None
    return given(**{ARGUMENT: strategy})(function)


def _option(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(f"thunderguard_{name}") or config.getini(f"thunderguard_{name}")
    return str(value) if value else None


def _path(config: pytest.Config, name: str) -> Path | None:
    """Give a path of the command line as seen from where pytest was called, one of the ini file as seen from there."""
    if value := config.getoption(f"thunderguard_{name}"):
        return config.invocation_params.dir / str(value)
    value = config.getini(f"thunderguard_{name}")
    return (config.inipath.parent if config.inipath else config.rootpath) / str(value) if value else None
