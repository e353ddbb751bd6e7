train_inputs, train_targets = X_train.tolist(), Y_train.tolist()
test_inputs, test_targets = X_val.tolist(), Y_val.tolist()
TokenEmbedding, FeedForward, reversal_accuracy = Embedding, MLP, test_accuracy


class PositionalEncoding(LearnedPositions):
    def forward(self, x):
        return super().forward(x.transpose(0, 1)).transpose(0, 1)


class MultiHeadAttention(MultiHeadSelfAttention):
    def forward(self, x, mask=None):
        return super().forward(x.transpose(0, 1), mask).transpose(0, 1)


class EncoderLayer(TransformerBlock):
    def forward(self, x, mask=None):
        return super().forward(x.transpose(0, 1), mask).transpose(0, 1)


class BatchFirst(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, tokens):
        return self.net(tokens.T).transpose(0, 1)


model = BatchFirst(net)


def train(inputs, targets, *, seed):
    return BatchFirst(train_model(torch.tensor(inputs), torch.tensor(targets), seed=seed))


def generate(model, sequence):
    return predict(model.net, torch.tensor([sequence]))[0].tolist()
