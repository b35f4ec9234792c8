"""The review page: where people look at an animal in a browser, and mend it. It reads and writes through the functions
that the command line uses; a page only shows what they say, and passes on what a person does."""
