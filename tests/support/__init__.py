"""What tests of the running app stand on: the process itself, listeners that tell what they do, and Slack."""
