"""The product as a wheel in an environment of its own, as an image has it: a team's folder is the working directory."""
