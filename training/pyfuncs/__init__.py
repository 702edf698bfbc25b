"""What MLflow runs to serve each model: files that stand alone, without the rest of Nightshift."""
