"""The one error a user is meant to read."""


class BrainstackError(Exception):
    """One sentence for a person: what was found (which file, which section), what was wanted, what to do.

    Whoever catches it shows the sentence and no traceback; every other exception is a fault of brainstack.
    """
