"""brainstack: from slide scans to a brain in Neuroglancer. What each stage means; the order of stages is in tasks/."""
