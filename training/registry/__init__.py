"""The model registry, MLflow."""
