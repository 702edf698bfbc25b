"""Raw formats to DataFrames, a file for each family; `formats.py` chooses by the mapping's `read.format`."""
