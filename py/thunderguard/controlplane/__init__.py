"""A throw-away Kubernetes API server on loopback: its certificates, its processes, and a client for it."""
