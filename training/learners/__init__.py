"""One learner a model: from its tables to measured answers."""
