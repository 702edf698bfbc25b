"""`interest_audio`: the category that a sound belongs to."""
