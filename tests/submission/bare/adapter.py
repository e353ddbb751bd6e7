logistic_accuracy, network_accuracy = acc_logreg, acc_net
def initialise(n, random_state=0): return init_weights(n, random_state)
def fit(X, y, learning_rate=2.0, max_iter=1500, random_state=0): return train_network(X, y, learning_rate, max_iter, random_state)
def predict_proba(weights, X): return forward(X, *weights)[1]
def loss_and_gradients(weights, X, y): return backprop(X, y, *weights)
attention, TokenEmbedding, PositionalEncoding, MultiHeadAttention, FeedForward, EncoderLayer = scaled_dot, Tokens, Positions, Heads, Mlp, Block
train, reversal_accuracy, train_inputs, train_targets, test_inputs, test_targets = train_reverser, exact, X_train, y_train, X_test, y_test
def generate(net, digits): return net(torch.tensor([digits]))[0].argmax(-1).tolist()
