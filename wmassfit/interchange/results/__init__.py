"""Results in files: whole fits, their tables for others, published measurements, priors, and batches of toys."""
