"""Parts of the composition root that only some processes need: main.py imports each where a setting asks for it."""
