"""Why a rule is there, and what decided about a finding: told from the facts that the Python reference reads."""
