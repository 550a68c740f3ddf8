"""The load side: signed requests, the client that sends them, and the Web API that listeners call."""
