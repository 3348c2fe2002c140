"""Verified boot and the hardened endpoint.

`boot` takes an `Admitted` and the model's bytes, and nothing else makes a server. The server speaks the Open
Inference Protocol (V2, JSON), MLflow's ``/invocations`` and OpenMetrics over TLS to callers it knows, refuses whatever
the model's signature does not allow, bounds everything a stranger can send, and keeps a hash-chained request log. It
holds a TLS key and no signing key.
"""
