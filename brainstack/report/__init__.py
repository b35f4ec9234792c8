"""The report of an animal: one page that shows what was made of it, and can be opened anywhere.

A chapter is two files of one name: `masks.py` gathers what it says from the plan, the stamps and the database, and
`templates/masks.html` is how that looks. `page.py` puts them together and writes the file.
"""
