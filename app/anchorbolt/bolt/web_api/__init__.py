"""The Web API as listeners call it: one session for all, counted, and a short way for what they call all the time."""
