"""One suite for every database behind the inbox."""
