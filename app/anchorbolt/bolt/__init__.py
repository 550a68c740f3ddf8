"""Bolt as we run it: tracked listeners, an ack that is an event, one Web API session, authorization once per token."""
