"""Read the L2 penalty of LassoNet off its network: it adds to the loss and carries no gradient.

pip install torch lassonet
python examples/check_lassonet.py
"""

from __future__ import annotations

import torch
from lassonet import LassoNetRegressor
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from ridgewalk.check import check_torch

X, y = load_diabetes(return_X_y=True)
X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def fitted(gamma: float) -> LassoNetRegressor:
    """Fit without early stopping, so that gamma can act through its gradient alone."""
    model = LassoNetRegressor(
        hidden_dims=(8,),
        gamma=gamma,
        lambda_seq=[1.0, 2.0],
        n_iters=(200, 50),
        patience=None,
        random_state=0,
        torch_seed=0,
        verbose=0,
    )
    return model.fit(X, y)


if __name__ == "__main__":
    free, heavy = fitted(0.0), fitted(1e6)
    print(check_torch(free.model, lambda network: network.l2_regularization()))
    pairs = zip(free.model.parameters(), heavy.model.parameters(), strict=True)
    print(f"The same weights with gamma = 0 and 1,000,000: {all(torch.equal(a, b) for a, b in pairs)}")
