"""`next_item`: the ranked next items of a person, from a sequence of acts."""
