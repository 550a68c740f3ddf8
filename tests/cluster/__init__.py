"""On a real cluster: apply, roll, drain, fail over, under signed load. `make test-cluster` runs it."""
