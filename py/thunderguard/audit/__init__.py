"""The audit: documents in, one report out, by any engine and any number of processes."""

from thunderguard.audit.run import exit_code, opener, run_audit

__all__ = ["exit_code", "opener", "run_audit"]
