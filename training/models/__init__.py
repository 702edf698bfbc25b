"""One folder a model: network, learner, served form, and all that only this model uses."""
