"""What a campaign would do before it is saved: whom it reaches, why not the others, and what that is worth."""
