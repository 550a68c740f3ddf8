"""What HTTP and Socket Mode share: parsing, the limit on concurrent requests, the way of events and interactions."""
