"""Pytest fixtures: one cluster for all tests of a run, also when they run in several processes, and own ones.

This is a plugin of the root conftest, and not of ``tests/e2e``, because the process that ends the shared cluster is the
one that starts the others, and that one collects no tests.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bed.cluster import Cluster

_FOLDER = "THUNDERGUARD_TEST_BED"


def pytest_configure(config: pytest.Config) -> None:
    """Name a folder for the shared cluster; the processes that share the work find it in their environment."""
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = str(Path(tempfile.gettempdir()) / f"thunderguard-bed-{secrets.token_hex(8)}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the shared cluster when all tests are through, if one of them started it."""
    folder = os.environ.get(_FOLDER)
    if hasattr(config, "workerinput") or folder is None:
        return
    Cluster(Path(folder)).down()
    del os.environ[_FOLDER]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that all tests share. Whoever needs it first starts it; a test keeps to its :func:`prefix`."""
    shared = Cluster(Path(os.environ[_FOLDER]))
    shared.up()
    return shared


@pytest.fixture
def prefix(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """A name with which every namespace of this test begins; those namespaces are deleted after it."""
    name = f"t-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]}"
    yield name
    made = [one["metadata"]["name"] for one in cluster.get("namespaces")]
    mine = [one for one in made if one.startswith(name)]
    if mine:
        cluster.kubectl("delete", "namespace", "--wait=false", *mine)


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Cluster]]:
    """Start a cluster that no other module of tests sees."""
    started: list[Cluster] = []

    def start() -> Cluster:
        one = Cluster(tmp_path_factory.mktemp("cluster"))
        started.append(one)
        one.up()
        return one

    yield start
    for one in started:
        one.down()
