"""What k8s/ says, held against schemas, the app's settings and itself; without any cluster."""
