"""An upgrade with a change of the schema, and the way back, with processes of two releases on one database."""
