"""Teams' own tests, run by pytest in a process of their own, with the plugin that is installed."""
