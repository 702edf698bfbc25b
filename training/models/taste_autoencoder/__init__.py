"""`taste_autoencoder`: a taste vector and ranked items, from the sparse row of a person's items."""
