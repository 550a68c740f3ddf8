"""The shipped ingress files in the real HAProxy, nginx and Envoy, on loopback."""
