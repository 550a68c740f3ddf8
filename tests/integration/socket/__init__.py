"""Socket Mode: real processes, a real WebSocket server, PostgreSQL."""
