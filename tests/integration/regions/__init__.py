"""Three sites and two regions, played for real."""
