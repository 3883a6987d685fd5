"""The pages that an estate needs: its services, its architecture, how to deploy to it, and what to do when it fails."""

from thunderguard.docs.pages import PAGES, pages

__all__ = ["PAGES", "pages"]
