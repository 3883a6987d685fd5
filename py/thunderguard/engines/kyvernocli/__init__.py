"""What the engines share that judge by the real ``kubectl-kyverno``, the command line of Kyverno."""

from thunderguard.engines.kyvernocli.engine import CliEngine, Flavour

__all__ = ["CliEngine", "Flavour"]
