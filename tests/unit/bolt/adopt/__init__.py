"""Apps that teams have, taken as they are."""
