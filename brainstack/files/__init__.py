"""Files: a module a format, path in, array out, or the other way. Every file appears whole or not at all."""
