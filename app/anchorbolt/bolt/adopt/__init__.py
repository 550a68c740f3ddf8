"""Teams bring the app they have: finds what LISTENERS names, imports it, and registers it with our app."""
