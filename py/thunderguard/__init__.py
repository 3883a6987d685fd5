"""Policy as code for one declared Kubernetes estate: one contract, one verdict at every enforcement point."""
