"""Jobs spread over processes and machines: chains of runs, named by their content, to the bits of one thread.

    job  ->  chains  ->  messages (plain text, arrays by name)  ->  workers  ->  rows of finished runs  ->  Fits

A chain is some runs of one training set from one start. It is a pure function of its message and of the arrays that the
message names: doubled, retried or resumed it changes nothing. Who carries the messages is no concern of who sends them:

    folder       a folder that machines share      dask_client   a cluster of Dask
    processes    joblib's other backends           ray_cluster   a cluster of Ray
"""
