"""``python -m thunderguard.cli`` is ``thunderguard``."""

from thunderguard.cli import main

main()
