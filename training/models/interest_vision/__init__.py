"""`interest_vision`: the category that a photo shows."""
