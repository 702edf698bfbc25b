"""`response`: chances that a person clicks, buys or leaves, by campaign."""
