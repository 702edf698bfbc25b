"""`interest_gan`: synthetic rows of profiles and answers."""
