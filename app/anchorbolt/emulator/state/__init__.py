"""What the emulator remembers of the made-up workspace, within bounds: channels, users, messages, files and more."""
