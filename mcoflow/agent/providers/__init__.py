"""Package managers and init systems, real ones and a fake."""
