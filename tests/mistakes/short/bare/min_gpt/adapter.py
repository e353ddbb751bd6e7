train_inputs, train_targets, test_inputs, test_targets = train_x, train_y, val_x, val_y
model, reversal_accuracy = gpt, val_acc
TokenEmbedding = nn.Embedding
generate = generate_output
FeedForward, EncoderLayer = MLP, Block  # of fixed width: as they are in the model


def MultiHeadAttention(d_model, n_heads):
    return CausalSelfAttention(GPTConfig(n_embd=d_model, n_head=n_heads, block_size=64))


class PositionalEncoding(nn.Module):
    def __init__(self, max_length, d_model):
        super().__init__()
        self.wpe = nn.Embedding(max_length, d_model)

    def forward(self, x):
        return x + self.wpe(torch.arange(x.size(1)))


def train(inputs, targets, *, seed):
    return train_model(inputs, targets, seed=seed)
