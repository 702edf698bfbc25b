"""What is planned for a night: whom each campaign may write to, and whom it does."""
