"""The pages on which the app is installed."""
