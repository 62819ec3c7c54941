"""Transformer encoder with norms before, after or around its branches; attention and norms see real steps alone."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from normbench.errors import SettingError, divisors_text
from normbench.models._attention import sinusoids
from normbench.models._encoder_block import NO_NORM, EncoderBlock, Position
from normbench.models.base import (
    Linear,
    ModelSpec,
    Network,
    Shape,
    build_norm,
    pad,
    sequence_features,
    strip_mask,
    vector_size,
    zeroed_padding,
)
from normbench.norms.base import NormSpec
from normbench.parts import MAX_DEPTH, MAX_SIZE, OneOf
from normbench.stacking import RealRows, Stacked, applied


class StackedTransformer(Stacked):
    """Encoders as one: (S, N, T, F + 1) -> (S, N, num_outputs)."""

    def forward(self, x: Tensor) -> Tensor:
        """Pass each member's sequences through its blocks; the average is over real steps."""
        features, mask = zeroed_padding(x)
        real = RealRows(mask)
        embedding, *blocks, output = self.children()
        steps = embedding(features.flatten(1, 2)).unflatten(1, mask.shape[1:])
        steps = (steps + sinusoids(*steps.shape[2:]).to(steps)).flatten(1, 2)
        for block in blocks:
            steps = block(steps, real)
        if hasattr(output, "norm"):
            steps = applied(output.get_submodule("norm"), steps, real)
        of_steps = (mask.to(steps) / mask.sum(2, keepdim=True)).unsqueeze(2)  # (S, N, 1, T)
        outputs: Tensor = output((of_steps @ steps.unflatten(1, mask.shape[1:])).squeeze(2))
        return outputs


class Transformer(Network):
    """Embed each step, add its position, pass through blocks, average over the real steps, one dense layer.

    Positions are sines, so sequences may be longer than those trained on. With ``pre`` and ``peri``, a last norm
    precedes the average; it is called ``output.norm``. The paper of ``peri`` allows a norm of the embeddings as well:
    there is none here, nor in Gemma 2.

    Shape:
        input: (N, T, F + 1); the last feature is 1 at real steps, which come first, and 0 at padding.
        output: (N, num_outputs).

    References:
        Vaswani et al., Attention Is All You Need, 2017 (post-norm). https://arxiv.org/abs/1706.03762
        Xiong et al., On Layer Normalization in the Transformer Architecture, 2020 (pre-norm, and what each does to
        the gradient). https://arxiv.org/abs/2002.04745
        Kim et al., Peri-LN: Revisiting Normalization Layer in the Transformer Architecture, 2025 (norms before and
        after each branch). https://arxiv.org/abs/2502.02732
    """

    stacked_form = StackedTransformer

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs)."""
        features, mask = strip_mask(x)
        embedding, *blocks, output = self.children()
        steps = embedding(features[mask])
        position = sinusoids(mask.shape[1], steps.shape[1]).to(steps)
        steps = steps + position.expand(*mask.shape, -1)[mask]
        for block in blocks:
            steps = block(steps, mask)
        if hasattr(output, "norm"):
            steps = output.get_submodule("norm")(steps)
        outputs: Tensor = output(pad(steps, mask).sum(1) / mask.sum(1, keepdim=True))
        return outputs

    def rows_per_sample(self, x: Tensor) -> Tensor:
        """Return the number of real steps of each sample, (N,)."""
        return strip_mask(x)[1].sum(1)


class TransformerSpec(ModelSpec):
    """Encoder on padded sequences; norms before, after or around each branch (pre, post, peri); mean over steps."""

    takes_sequences: ClassVar[bool] = True
    name: Literal["transformer"] = "transformer"
    norm_position: Position = "pre"
    """Where norms stand: before each branch (pre), after the addition (post), or before and after a branch (peri)."""
    qk_norm: Annotated[NormSpec, OneOf("normbench.norms")] = Field(NO_NORM, examples=["layer_norm", "rms_norm"])
    """The norm of each head's queries and keys, over the head's features; heads share weight and bias."""
    num_layers: int = Field(2, ge=1, le=MAX_DEPTH // 10)
    """Encoder layers; >= 1."""
    width: int = Field(32, ge=1, le=MAX_SIZE)
    """Features per step; >= 1, a multiple of num_heads."""
    num_heads: int = Field(2, ge=1, le=MAX_SIZE)
    """Heads of attention; >= 1, must divide width."""

    @model_validator(mode="after")
    def _heads_of_one_size(self) -> Self:
        if self.width % self.num_heads:
            rule = f"must divide the width {self.width}"
            raise SettingError("num_heads", rule, self.num_heads, f"Use one of {divisors_text(self.width)}.")
        return self

    @model_validator(mode="after")
    def _no_norm_of_ones_own(self) -> Self:
        if self.qk_norm.takes_own:
            raise SettingError("qk_norm", "must be one of normbench's norms", self.qk_norm.name, "Use layer_norm.")
        return self

    @property
    def num_weight_layers(self) -> int:
        """The embedding, the output, and those of attention and of the dense branch in each layer."""
        return 2 + 4 * self.num_layers

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs sequences with a mask and puts out classes or values."""
        in_features = sequence_features(input_shape, self.name)
        model, output = Transformer(), Linear(self.width, vector_size(output_shape, self.name))
        model.add_module("embedding", Linear(in_features, self.width).followed_by(activation=False))
        for i in range(1, self.num_layers + 1):
            block = EncoderBlock(
                self.width, self.num_heads, norm, self.norm_position, dropout, f"block{i}", self.qk_norm
            )
            model.add_module(f"block{i}", block)
        if self.norm_position != "post":
            output.carrying(build_norm(norm, (self.width,), "output", per_step=True))
        model.add_module("output", output)
        return model
