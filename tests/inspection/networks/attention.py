"""Attention: one layer, encoders, a translator, a small GPT, a vision transformer, latents that ask."""

import torch
from inspection.networks.row import Healthy, ids, normal, several
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that its users give it


class SelfAttention(nn.Module):
    """Attention beside a skip, then a norm, then a mean over positions."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, x):
        mixed, _ = self.attention(x, x, x)
        return self.fc(self.norm(x + mixed).mean(1))


class MeanPooled(nn.Module):
    """Two pre-norm layers of encoder over words; padding is masked, and left out of the mean."""

    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Embedding(50, 16), nn.Parameter(0.02 * torch.randn(1, 12, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16), enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens, padding):
        x = self.encoder(self.embed(tokens) + self.place, src_key_padding_mask=padding)
        kept = (~padding).unsqueeze(-1).to(x)
        return self.head((x * kept).sum(1) / kept.sum(1))


class Translator(nn.Module):
    """torch's whole transformer, with a causal mask over the target."""

    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(30, 16), nn.Embedding(30, 16)
        self.transformer = nn.Transformer(16, 2, 1, 2, 32, 0.0, batch_first=True)
        self.vocabulary = nn.Linear(16, 30)

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        steps = self.transformer(self.source(source), self.target(target), tgt_mask=mask, tgt_is_causal=True)
        return self.vocabulary(steps)


class CausalAttention(nn.Module):
    """One projection for queries, keys and values; every position sees those before it."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.c_attn(x).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(mixed.transpose(1, 2).reshape(n, length, width))


class Block(nn.Module):
    """Pre-norm attention and a dense part, each added to the stream."""

    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(width), CausalAttention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Words and learned positions, three blocks, and the embedding's weight again as the last layer."""

    def __init__(self, words=40, width=32, length=16):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.h = nn.ModuleList(Block(width, 4) for _ in range(3))
        self.ln_f = nn.LayerNorm(width)
        self.apply(_start_small)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


def _start_small(module):
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


class ViT(nn.Module):
    """Patches, a class token and places that are parameters of the network itself; the token alone is classified."""

    def __init__(self, width=16):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, width))
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        layers = [nn.TransformerEncoderLayer(width, 2, 32, 0.0, "gelu", 1e-6, True, True) for _ in range(2)]
        self.blocks, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(width, 1e-6), nn.Linear(width, 5)

    def forward(self, images):
        patches = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class Latents(nn.Module):
    """A few learned vectors ask, the input answers; keys and values of another width than the queries."""

    def __init__(self):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(4, 16))
        self.cross = nn.MultiheadAttention(16, 2, kdim=6, vdim=6, batch_first=True)
        self.norm, self.out = nn.LayerNorm(16), nn.Linear(64, 3)

    def forward(self, x):
        asked = self.latents.expand(len(x), -1, -1)
        found = asked + self.cross(asked, x, x, need_weights=False)[0]
        return self.out(self.norm(found).flatten(1))


def padding(count, length):
    """Return a function that draws which ends of the sequences are padding; at least two words stay."""

    def draw(seed):
        kept = torch.randint(2, length + 1, (count, 1), generator=torch.Generator().manual_seed(seed))
        return torch.arange(length) >= kept

    return draw


HEALTHY = {
    "self-attention beside a skip": Healthy(
        SelfAttention, normal(8, 10, 16), "out_proj is never called, its weight is used by the attention"
    ),
    "encoder, pre-norm, mean over words": Healthy(
        MeanPooled, several(ids(50, 8, 12), padding(8, 12)), "masked positions get no gradient from the mean"
    ),
    "encoder and decoder": Healthy(
        Translator, several(ids(30, 8, 7), ids(30, 8, 6)), "the first word of the target sees only itself"
    ),
    "gpt, tied head": Healthy(
        GPT, ids(40, 8, 12), "std 0.02 is small for the widths, but each branch starts at a norm beside a skip"
    ),
    "vision transformer": Healthy(
        ViT, normal(8, 3, 16, 16), "of the last norm's output only the class token gets a gradient"
    ),
    "latents that ask": Healthy(
        Latents, normal(8, 9, 6), "the queries are the same for every sample, the answers are not"
    ),
}
