"""Training: from the marts to registered models, and the gate between challenger and champion."""
