"""One seam, one function: ``train(job) -> Fits``, by the compiled engine or by the one to read.

runner = Runner(engine, n_jobs, progress, checkpoints)        runner.train(job) -> Fits
"""

from ridgewalk.engine.runner import Engine, Runner, train

__all__ = ["Engine", "Runner", "train"]
