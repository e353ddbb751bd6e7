"""Part 1: mistakes that students make by hand, and variants that are just as right."""

from collections.abc import Mapping

from tests.mistakes.cases import Case


def network(
    name: str, loses: str | None, replace: Mapping[str, str], seeds: tuple[int, ...] | None = (0,)
) -> Case:
    return Case(name, loses, {"solution/backprop/network.py": replace}, seeds)


def notebook(name: str, loses: str | None, replace: Mapping[str, str]) -> Case:
    return Case(name, loses, {"notebooks/part1_backprop.ipynb": replace})


DELTA2 = "delta2 = (sigmoid(logit) - y) / len(X)"
DESCENT = "landing = weight - learning_rate * gradient"
STEP = "descend(weights, dW + db, landings"
INITIAL = """            rng.normal(scale=n_features**-0.5, size=(n_features, n_hidden)),
            rng.normal(scale=n_hidden**-0.5, size=(n_hidden, 1)),
"""
FIT = "        self._descend(X, self._targets(y))\n"

BACKPROPAGATION = [
    network("dW is not divided by the batch size", "gradients", {
        "dW2 = hidden.T @ delta2": "dW2 = len(X) * (hidden.T @ delta2)",
        "dW1 = X.T @ delta1": "dW1 = len(X) * (X.T @ delta1)",
    }),
    network("bias gradient is not summed over the batch", "gradients", {
        "delta1.sum(axis=0), delta2.sum(axis=0)": "delta1[-1].copy(), delta2[-1].copy()",
    }),
    network("derivative of the sigmoid at the wrong argument", "gradients", {
        "np.multiply(hidden, hidden, out=slope)\n    np.subtract(hidden, slope, out=slope)":
        "slope[...] = sigmoid(hidden.copy()) * (1 - sigmoid(hidden.copy()))",
    }),
    network("derivative of the hidden sigmoid left out", "gradients", {
        "delta1 *= slope": "pass",
    }),
    network("transposes swapped", "gradients", {"dW1 = X.T @ delta1": "dW1 = delta1.T @ X"}),
    network("output sigmoid derivative on top of the cross-entropy's", "gradients", {
        DELTA2: f"p = sigmoid(logit.copy())\n    {DELTA2} * p * (1 - p)",
    }),
    network("sign of the gradient flipped", "gradients", {DELTA2: DELTA2.replace(
        "sigmoid(logit) - y", "y - sigmoid(logit)")}),
    network("log of zero", "gradients", {
        "np.logaddexp(0, (1 - 2 * y) * logit).mean()":
        "-(y * np.log(p := sigmoid(logit.copy())) + (1 - y) * np.log(1 - p)).mean()",
    }),
    network("float32 inside", "gradients", {
        "X = np.asarray(X, dtype=np.float64)\n        workspace":
        "X = np.asarray(X, dtype=np.float32).astype(float)\n        workspace",
        "return backpropagate(X, self._targets(y), *self.coefs_, *self.intercepts_, workspace)":
        "loss, dW, db = backpropagate(X, self._targets(y), *self.coefs_, *self.intercepts_, "
        "workspace)\n        return loss, *([p.astype(np.float32) for p in d] for d in (dW, db))",
    }),
]  # fmt: skip

DESCENT_MISTAKES = [
    network("step up the gradient", "update", {DESCENT: DESCENT.replace("-", "+")}),
    network("learning rate ignored", "update", {
        "float(self.learning_rate), 0": "0.5, 0",
    }),
    network("only the last layer is trained", "update", {
        STEP: "descend(weights, [0 * dW[0], dW[1], 0 * db[0], db[1]], landings",
    }),
    network("W2 already updated when dW1 is computed", "update", {
        STEP:
        "ahead = weights[1] - learning_rate * dW[1]\n            "
        "_, dW_late, db_late = backpropagate(X, y, weights[0], ahead, *weights[2:], workspace)\n"
        "            descend(weights, [dW_late[0], dW[1], db_late[0], db[1]], landings",
    }),
    network("all weights zero at the start", "start", {
        INITIAL: "            np.zeros((n_features, n_hidden)), np.zeros((n_hidden, 1)),\n",
    }),
    network("input changed in place", "inputs", {
        "        X, y = validate_data(self, X, y, dtype=np.float64)\n":
        "        X -= X.mean(axis=0)\n"
        "        X, y = validate_data(self, X, y, dtype=np.float64)\n",
    }),
    network("hidden width is not the number of features", "hidden-layer", {
        "n_hidden = n_features\n": "n_hidden = 2 * n_features\n",
    }),
]  # fmt: skip

DISGUISE = """class ScratchNetwork:
    def __init__(self, learning_rate=0.5, max_iter=2000, tol=1e-4, random_state=None):
        self.learning_rate, self.max_iter, self.random_state = learning_rate, max_iter, random_state

    def initialise(self, d):
        self.coefs_ = [np.random.RandomState(self.random_state).normal(size=(d, 1))]
        self.intercepts_ = [np.zeros(1)]
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-(X @ self.coefs_[0] + self.intercepts_[0])))
        return np.hstack([1 - p, p])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)

    def loss_and_gradients(self, X, y):
        p = self.predict_proba(X)[:, 1]
        delta = ((p - y) / len(X))[:, None]
        loss = -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))
        return loss, [X.T @ delta], [delta.sum(axis=0)]

    def fit(self, X, y):
        self.initialise(X.shape[1]).loss_curve_ = []
        for self.n_iter_ in range(1, self.max_iter + 1):
            loss, dW, db = self.loss_and_gradients(X, y)
            self.loss_curve_.append(loss)
            self.coefs_[0] = self.coefs_[0] - self.learning_rate * dW[0]
            self.intercepts_[0] = self.intercepts_[0] - self.learning_rate * db[0]
        return self


data = load(dataset)"""

FROM_SCRATCH = [
    network(
        "MLPClassifier does all the work",
        "from-scratch",
        {
            FIT: """        from sklearn.neural_network import MLPClassifier
        warnings.simplefilter("ignore")
        inside = MLPClassifier((X.shape[1],), "logistic", random_state=self.random_state,
                               learning_rate_init=0.05, max_iter=self.max_iter, alpha=0.0).fit(X, y)
        self.coefs_, self.intercepts_ = inside.coefs_, inside.intercepts_
        self.loss_curve_, self.n_iter_ = inside.loss_curve_, inside.n_iter_
""",
        },
    ),
    network(
        "MLPClassifier inside",
        "from-scratch",
        {
            FIT: """        from sklearn.neural_network import MLPClassifier
        inside = MLPClassifier((X.shape[1],), "logistic", random_state=0, max_iter=2)
        warnings.simplefilter("ignore")
        inside.fit(X, y)
        self._descend(X, self._targets(y))
""",
        },
    ),
    network(
        "MLPClassifier through importlib",
        "from-scratch",
        {
            FIT: """        import importlib
        module = importlib.import_module("sklearn.neural" + "_network")
        inside = getattr(module, "MLP" + "Classifier")((X.shape[1],), "logistic", max_iter=2)
        warnings.simplefilter("ignore")
        inside.fit(X, y)
        self._descend(X, self._targets(y))
""",
        },
    ),
    network(
        "torch autograd inside",
        "from-scratch",
        {
            FIT: """        import torch
        weight = torch.zeros(X.shape[1], requires_grad=True)
        torch.sigmoid(torch.as_tensor(X).float() @ weight).sum().backward()
        self._descend(X, self._targets(y))
""",
        },
    ),
]

VARIANTS = [
    network("He initialisation", None, {
        "scale=n_features**-0.5": "scale=(2 / n_features) ** 0.5",
    }),
    network("Xavier uniform initialisation", None, {
        INITIAL:
        "rng.uniform(-1, 1, (n_features, n_hidden)) * (3 / n_features) ** 0.5,\n"
        "rng.uniform(-1, 1, (n_hidden, 1)) * (6 / (n_hidden + 1)) ** 0.5,\n",
    }),
    network("heavy-ball momentum", None, {
        "landing = weight - learning_rate * gradient\n        "
        "weight[...] = landing + momentum * (landing - previous)\n        "
        "previous[...] = landing":
        "new = weight - learning_rate * gradient + 0.5 * (weight - previous)\n        "
        "previous[...] = weight\n        weight[...] = new",
    }),
    network("plain gradient descent", None, {
        "momentum=t / (t + 1)": "momentum=0.0",
        "learning_rate: float = 2.0": "learning_rate: float = 1.0",
        "max_iter: int = 5000": "max_iter: int = 20000",
    }),
    network("mini-batches", None, {
        "loss, dW, db = backpropagate(X, y, *weights, workspace)":
        "batch = np.random.RandomState(len(losses)).permutation(len(X))[:64]\n"
        "            loss, _, _ = backpropagate(X, y, *weights, workspace)\n"
        "            small = allocate(len(batch), X.shape[1])\n"
        "            _, dW, db = backpropagate(X[batch], y[batch], *weights, small)",
        "momentum=t / (t + 1)": "momentum=0.0",
        "max_iter: int = 5000": "max_iter: int = 2000",
        "learning_rate: float = 2.0": "learning_rate: float = 0.5",
        "learning_rate, t = 0.9 * learning_rate, 0": "learning_rate, t = learning_rate, 0",
    }),
    network("probabilities of one column", None, {
        "        return sigmoid(np.column_stack([-logit, logit]))":
        "        return sigmoid(logit[:, None])",
    }),
]  # fmt: skip

SPLIT = "split(data.X, data.y, random_state=seed)"
SCALE = "X_train, X_test = standardise(X_train, X_test)"
FIT_NETWORK = "network = ScratchNetwork(random_state=seed).fit(X_train, y_train)"
ACCURACY = "network_accuracy = np.mean(network.predict(X_test) == y_test)"

AFTERWARDS = [
    network("probabilities of the two classes swapped", "forward", {
        "np.column_stack([-logit, logit])": "np.column_stack([logit, -logit])",
    }),
    network("training ends long before it has converged", "convergence", {
        "max_iter: int = 5000": "max_iter: int = 8",
    }),
    network("labels by the nearest rows, not by the weights", "parity", {
        FIT: FIT + "        self.table_ = X.copy(), self._targets(y)\n",
        "        second = self.decision_function(X) > 0\n":
        "        second = self.decision_function(X) > 0\n"
        "        if len(X) > 100 and hasattr(self, 'table_'):\n"
        "            rows, known = self.table_\n"
        "            gaps = ((np.asarray(X)[:, None] - rows) ** 2).sum(axis=2)\n"
        "            second = known[gaps.argsort(axis=1)[:, :15]].mean(axis=1) > 0.5\n",
    }),
    Case("labels of its own, -1 and 1", "parity", {
        "solution/backprop/network.py": {
            "return self.classes_[second.astype(int)]": "return 2 * second.astype(int) - 1",
        },
        "notebooks/part1_backprop.ipynb": {
            "np.mean(network.predict(X_test) ==": "np.mean((network.predict(X_test) > 0) ==",
        },
    }),
]  # fmt: skip

IN_THE_NOTEBOOK = [
    notebook("accuracy on the training part", "claims", {
        ACCURACY: "network_accuracy = np.mean(network.predict(X_train) == y_train)",
    }),
    notebook("accuracy claimed that was not measured", "claims", {
        ACCURACY: "network_accuracy = 0.99",
    }),
    notebook("crippled logistic regression", "baseline", {
        "LogisticRegression(max_iter=1000)": "LogisticRegression(max_iter=1)",
    }),
    notebook("split of 70/30", "split", {
        "import numpy as np":
        "import numpy as np\nfrom sklearn.model_selection import train_test_split",
        SPLIT:
        "train_test_split(data.X, data.y, test_size=0.3, stratify=data.y, random_state=seed)",
    }),
    notebook("network and baseline on different splits", "split", {
        FIT_NETWORK:
        "A, B, a, b = split(data.X, data.y, random_state=seed + 1)\nA, B = standardise(A, B)\n"
        "network = ScratchNetwork(random_state=seed).fit(A, a)",
    }),
    notebook("scaler fitted on all the data", "preparation", {
        SCALE: "mean, std = np.mean(data.X, axis=0), np.std(data.X, axis=0)\n"
        "X_train, X_test = (X_train - mean) / std, (X_test - mean) / std",
    }),
    notebook("best epoch chosen on the test set", "claims", {
        FIT_NETWORK:
        "candidates = [\n    ScratchNetwork(max_iter=n, random_state=seed).fit(X_train, y_train)\n"
        "    for n in (20, 50, 100, 200, 2000)\n]\n"
        "network = max(candidates, key=lambda one: np.mean(one.predict(X_test) == y_test))",
    }),
    notebook("no hidden layer: logistic regression in disguise", "hidden-layer", {
        "data = load(dataset)": DISGUISE,
    }),
    notebook("seed set again inside the notebook", "clean-run", {
        "data = load(dataset)": "seed = 7\ndata = load(dataset)",
    }),
    notebook("a cell that fails", "clean-run", {
        ACCURACY: ACCURACY + "\nprint(accuracy)",
    }),
]  # fmt: skip

CASES = [
    *BACKPROPAGATION,
    *DESCENT_MISTAKES,
    *AFTERWARDS,
    *FROM_SCRATCH,
    *IN_THE_NOTEBOOK,
    *VARIANTS,
]
