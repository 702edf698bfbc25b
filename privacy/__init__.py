"""What people can ask for, and what shows that it was done: erasure, search for names, new keys, noise, encryption."""
