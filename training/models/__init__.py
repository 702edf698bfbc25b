"""One model, one file: a frozen configuration, `build(config, ...)`, its loss."""
