"""What sending changed, and what scores were worth: yesterday's figures, from what people did since."""
