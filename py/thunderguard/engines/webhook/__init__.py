"""The engines that ask a real API server, started for it: native policies, OPA or Kyverno at its door."""
