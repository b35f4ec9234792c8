"""A made-up animal whose truth is known: slide scans to try brainstack on and to measure it with."""

from brainstack.demo.slides import make_animal
from brainstack.demo.truth import SectionTruth, Truth, difficulty_of, read_truth, stain_of

__all__ = ["SectionTruth", "Truth", "difficulty_of", "make_animal", "read_truth", "stain_of"]
