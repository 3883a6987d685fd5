"""``thunderguard capture``, and what it shares with an audit of a live cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.progress import Progress, shown_progress
from thunderguard.model import ExitCode, JsonObject
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from thunderguard.capture import Connection

_MOST_TOLD = 20


class Cluster(NamedTuple):
    """Which cluster to read, and how."""

    kubeconfig: Path | None
    context: str | None
    helm_secrets: bool
    timeout: float


#: The options that say which cluster to read, and how.
cluster_options = opt.together(
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Where the cluster is described.  [default: KUBECONFIG, else ~/.kube/config]",
    ),
    click.option("--context", metavar="NAME", help="Which context of it.  [default: the current one]"),
    click.option(
        "--no-helm-secrets",
        is_flag=True,
        help="Read no Secret: Helm releases are known by the labels of what they brought.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="How long reading one kind may take.",
    ),
    click.option(
        "--allow-partial",
        is_flag=True,
        help="Do without what the capture could not read; otherwise the exit code is 3.",
    ),
)


@click.command(short_help="Capture a live cluster into a snapshot.")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The snapshot, .jsonl, .jsonl.gz or .jsonl.zst.  [default: snapshot-TIME.jsonl]",
)
@click.option(
    "--namespace", "namespaces", multiple=True, metavar="NS", help="Read this namespace only; can be given again."
)
@cluster_options
def capture(
    target: Path | None,
    *,
    namespaces: Sequence[str],
    kubeconfig: Path | None,
    context: str | None,
    no_helm_secrets: bool,
    timeout: float,
    allow_partial: bool,
) -> int:
    """Capture a live cluster into a snapshot.

    The file holds what rules read, without credentials: no data of Secrets and ConfigMaps, no values and manifests of
    Helm releases, no values of environment variables. Its name is printed. It is there when it is whole, or not at all.
    """
    path = target or Path(f"snapshot-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    output.check_target(path)
    cluster = Cluster(kubeconfig, context, not no_helm_secrets, timeout)
    with captured(path, cluster, namespaces) as (_, header, _):
        pass
    output.write(f"{safe(str(path))}\n")
    unread = header["unread"]
    output.note(f"{header['objects']} objects of {len(header['counts'])} kinds; {len(unread)} unread")
    for one in unread[:_MOST_TOLD]:
        output.note(f"  {safe(one['what'])} was not captured: {safe(one['reason'])}")
    if len(unread) > _MOST_TOLD:
        output.note(f"  and {len(unread) - _MOST_TOLD} more, see the first line of the file")
    return ExitCode.INCOMPLETE if unread and not allow_partial else ExitCode.CLEAN


@contextmanager
def captured(
    path: Path, cluster: Cluster, namespaces: Sequence[str] = ()
) -> Iterator[tuple[Connection, JsonObject, Progress | None]]:
    """Capture into ``path``; give the connection, the header of the snapshot, and where to report more progress."""
    from thunderguard.capture import Options, connect
    from thunderguard.capture import capture as run

    connection = connect(kubeconfig=cluster.kubeconfig, context=cluster.context)
    options = Options(tuple(dict.fromkeys(namespaces)), cluster.helm_secrets, cluster.timeout)
    with shown_progress() as progress:
        header = run(path, connection, options, progress=progress)
        yield connection, header, progress
