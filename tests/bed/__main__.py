"""``python -m bed up|down|october``: what ``make cluster``, ``cluster-down`` and ``cluster-october`` run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bed.cluster import ROOT, Cluster
from bed.october import install
from thunderguard.errors import ControlPlaneError

FOLDER = ROOT / ".cluster"


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; give 0, 2 when it cannot be done, or 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="bed", description="A small real cluster in .cluster.")
    parser.add_argument("do", choices=["up", "down", "october"])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where it lives")
    options = parser.parse_args(argv)
    cluster = Cluster(options.folder)
    try:
        if options.do == "down":
            say("the cluster is gone" if cluster.down() else "there was no cluster")
        else:
            began = cluster.up()
            say(f"the cluster {'runs' if began else 'already runs'}: {cluster.server}")
            if options.do == "october":
                install(cluster)
                say("the estate of October 8, 2025 runs in cerebros, thunder and thunderline")
            say(f"  export KUBECONFIG={cluster.kubeconfig}")
    except ControlPlaneError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return 0


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
