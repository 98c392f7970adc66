"""One seam, one function: ``train(job) -> Fits``."""
