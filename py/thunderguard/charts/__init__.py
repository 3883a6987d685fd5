"""Helm charts and kustomizations before they are installed: rendered by the real tools, and judged like manifests."""
