X_train, X_test, y_train, y_test = x_tr, x_te, y_tr, y_te
logistic_accuracy, network_accuracy = acc_logreg, acc_net


def network_of(weights):
    net = Network(len(weights[0]))
    first, second = net.layers[0], net.layers[2]
    first.W, first.b, second.W, second.b = (part.copy() for part in weights)
    return net


def weights_of(net):
    first, second = net.layers[0], net.layers[2]
    return first.W, first.b, second.W, second.b


def initialise(n_features, random_state=0):
    return weights_of(Network(n_features, seed=random_state))


def fit(X, y, learning_rate=0.5, max_iter=200, random_state=0):
    net = Network(X.shape[1], learning_rate, max_iter, seed=random_state).train(X, y)
    return weights_of(net), net.history


def predict_proba(weights, X):
    return network_of(weights).predict_prob(X)


def loss_and_gradients(weights, X, y):
    net = network_of(weights)
    net.backward(X, y)
    first, second = net.layers[0], net.layers[2]
    return net.loss(X, y), (first.dW, first.db, second.dW, second.db)
