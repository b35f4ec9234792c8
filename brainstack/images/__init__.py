"""Images: array in, new array out. Nothing here knows a path, a database or a task."""
