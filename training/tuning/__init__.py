"""What `python -m training.tune` weighs: accuracy, breadth and seconds of the configurations that it tried."""
