"""Recurrent networks: classified by last states or by all steps, packed, translating, stepped by hand."""

import torch
from inspection.networks.row import Healthy, ids, normal, several
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class LastHidden(nn.Module):
    """An LSTM of which only the last hidden state is read; its output at every step is thrown away."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.LSTM(6, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        _, (h, _) = self.rnn(x)
        return self.fc(h[-1])


class BothDirections(nn.Module):
    """Words, a GRU in both directions, and the last state of each."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 12, padding_idx=0)
        self.gru = nn.GRU(12, 16, bidirectional=True, batch_first=True)
        self.classify = nn.Linear(32, 4)

    def forward(self, tokens):
        _, h = self.gru(self.embed(tokens))
        return self.classify(torch.cat([h[-2], h[-1]], dim=1))


class Packed(nn.Module):
    """Two layers of LSTM over sequences of several lengths, in any order."""

    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(5, 12, num_layers=2, batch_first=True), nn.Linear(12, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.fc(h[-1])


class PackedTags(nn.Module):
    """A tag for every step of packed sequences: padded again, then a dense layer on each step."""

    def __init__(self):
        super().__init__()
        self.gru, self.tag = nn.GRU(5, 8, bidirectional=True, batch_first=True), nn.Linear(16, 4)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        steps, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        return self.tag(steps)


class Seq2Seq(nn.Module):
    """An encoder of which only the state goes on, hidden and cell, into the decoder."""

    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(30, 10), nn.Embedding(30, 10)
        self.encoder = nn.LSTM(10, 16, batch_first=True)
        self.decoder = nn.LSTM(10, 16, batch_first=True)
        self.vocabulary = nn.Linear(16, 30)

    def forward(self, source, target):
        _, state = self.encoder(self.source(source))
        steps, _ = self.decoder(self.target(target), state)
        return self.vocabulary(steps)


class StepsFirst(nn.Module):
    """A plain tanh RNN, steps before samples, read by its mean over steps."""

    def __init__(self):
        super().__init__()
        self.rnn, self.norm, self.fc = nn.RNN(7, 20), nn.LayerNorm(20), nn.Linear(20, 2)

    def forward(self, x):
        steps, _ = self.rnn(x)
        return self.fc(self.norm(steps.mean(0)))


class ByHand(nn.Module):
    """A cell called once per step, its state normalized and fed back; every step is put out."""

    def __init__(self):
        super().__init__()
        self.cell, self.norm, self.readout = nn.GRUCell(4, 16), nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, x):
        state, steps = x.new_zeros(len(x), 16), []
        for step in x.unbind(1):
            state = self.norm(self.cell(step, state))
            steps.append(self.readout(state))
        return torch.stack(steps, 1)


def lengths(longest: int, count: int):
    """Return a function that draws a length for each sample; one has the longest."""

    def draw(seed: int) -> Tensor:
        found = torch.randint(3, longest + 1, (count,), generator=torch.Generator().manual_seed(seed))
        found[count // 2] = longest
        return found

    return draw


HEALTHY = {
    "lstm, last hidden state": Healthy(
        LastHidden, normal(8, 10, 6), "the output is not read, but the state that is read is its last step"
    ),
    "bidirectional gru, both last states": Healthy(
        BothDirections, ids(40, 12, 9), "the state backward is the output's first step"
    ),
    "two layers of lstm, packed": Healthy(
        Packed, several(normal(8, 11, 5), lengths(11, 8)), "the output is a PackedSequence, and is not read"
    ),
    "tags of packed sequences": Healthy(
        PackedTags, several(normal(8, 9, 5), lengths(9, 8)), "the padded steps are zeros, and get no gradient"
    ),
    "translation, the encoder's state alone": Healthy(
        Seq2Seq, several(ids(30, 8, 7), ids(30, 8, 6)), "the gradient comes back to the encoder through its state"
    ),
    "plain rnn, steps first": Healthy(StepsFirst, normal(10, 8, 7), "the samples are in the second dimension"),
    "a cell called at every step": Healthy(ByHand, normal(8, 6, 4), "three layers, each called six times"),
}
