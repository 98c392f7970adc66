"""Train jobs on several processes or machines, with results bitwise equal to those of one thread.

    job  ->  chains  ->  messages (plain text, arrays by name)  ->  workers  ->  rows of finished runs  ->  Fits

A chain is a set of runs with one training set and one initialization. Its result is a pure function of its message and
of the arrays that the message names, so it can be repeated or resumed safely. Several transports carry the messages:

    folder       a folder that machines share      dask_client   a cluster of Dask
    processes    joblib's other backends           ray_cluster   a cluster of Ray
"""
