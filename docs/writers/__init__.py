"""Pages that docs/write.py writes from the code, a module a page."""
