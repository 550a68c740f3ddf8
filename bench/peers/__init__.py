"""The peers: what else could stand where this app stands, each as its own documentation builds it."""
