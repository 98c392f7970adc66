"""The engines: ``train(job) -> Fits`` by compiled C++ kernels, or by the readable NumPy reference.

runner = Runner(engine, n_jobs, progress, checkpoints)        runner.train(job) -> Fits
"""

from ridgewalk.engine.runner import Engine, Runner, train

__all__ = ["Engine", "Runner", "train"]
