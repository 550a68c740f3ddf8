"""The app as a real process that users install in their workspaces, with a Slack emulator."""
