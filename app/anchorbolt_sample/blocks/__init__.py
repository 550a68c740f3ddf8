"""What people see: pure functions that return Block Kit."""
