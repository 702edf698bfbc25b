"""What a model's lists would have earned, from the places that campaigns have drawn."""
