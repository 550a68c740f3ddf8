"""The life of a pod: starting, ready, draining, closed; its probes, its servers, its signals."""
