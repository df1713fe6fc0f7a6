"""Parts that the networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gonio.skeleton import COCO

NOT_SEEN = -1e4
"""Added to the logits of what must not be seen; finite, so that a row without company stays so."""


def parameter_count(*networks: nn.Module) -> int:
    """Number of trained values of some networks."""
    return sum(values.numel() for network in networks for values in network.parameters())


def small_random(*shape: int) -> nn.Parameter:
    """Trained values that begin near 0.

    Without memory (device `meta`, which compares shapes alone) they stay as they are: random
    numbers and products there make PyTorch import its compiler, which takes seconds.
    """
    values = torch.empty(*shape)
    return nn.Parameter(values if values.is_meta else nn.init.normal_(values, std=0.02))


def mlp(d_in: int, d_hidden: int, d_out: int, *, zero: bool = False) -> nn.Sequential:
    """Two linear layers with a GELU between; with `zero` the output begins as 0."""
    last = nn.Linear(d_hidden, d_out)
    if zero:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(d_in, d_hidden), nn.GELU(), last)


class Block(nn.Module):
    """Pre-norm transformer block over the last axis but one.

    Args:
        d: features.
        heads: of the attention; divides d.
        hidden: size of the feed-forward layer.
        dropout: share of the values that are dropped in training.
    """

    def __init__(self, d: int, heads: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(d)
        self.query_key_value = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        self.norm_feedforward = nn.LayerNorm(d)
        self.feedforward = mlp(d, hidden, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Let the tokens look at each other.

        Args:
            x: (..., N, d).
            bias: (M, heads, N, N) added to the logits, M being the product of the first axes; or
                None.
        """
        qkv = self.query_key_value(self.norm_attention(x)).flatten(0, -3)  # (M, N, 3d)
        qkv = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (3, M, heads, N, -)
        query, key, value = qkv.unbind(0)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        y = y.transpose(1, 2).flatten(2).view(x.shape)  # (..., N, d)
        x = x + self.dropout(self.out(y))
        changed: Tensor = x + self.dropout(self.feedforward(self.norm_feedforward(x)))
        return changed


class CrossBlock(nn.Module):
    """Tokens of one stream look at those of another (pre-norm, no feed-forward layer).

    Args:
        d: features.
        heads: of the attention; divides d.
        dropout: share of the values that are dropped in training.
    """

    def __init__(self, d: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_other = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query, self.key_value = nn.Linear(d, d), nn.Linear(d, 2 * d)
        self.out = nn.Linear(d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Let the tokens x (B, N, d) look at `other` (B, M, d)."""
        query = self.query(self.norm(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        both = self.key_value(self.norm_other(other)).unflatten(-1, (2, self.heads, -1))
        key, value = both.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, M, -)
        y = functional.scaled_dot_product_attention(query, key, value)
        changed: Tensor = x + self.dropout(self.out(y.transpose(1, 2).flatten(2)))
        return changed


def time_bias(steps: Tensor, clip: Tensor, heads: int) -> Tensor:
    """Bias of an attention over time: linear in the distance, steeper from head to head.

    The slopes halve the weight within 1 step at the steepest head and hardly anywhere at the
    flattest (attention with linear biases, Press et al. 2022, arXiv 2108.12409).

    Args:
        steps: (B, T) time in steps.
        clip: (B, T) clip of each frame; frames of other clips are not seen.
        heads: of the attention.

    Returns:
        (B, heads, T, T).
    """
    distance = (steps[:, :, None] - steps[:, None, :]).abs()  # (B, T, T)
    slopes = 2.0 ** -torch.arange(heads, device=steps.device, dtype=steps.dtype)  # (heads,)
    other = clip[:, :, None] != clip[:, None, :]
    bias = -slopes[:, None, None] * distance[:, None]
    return bias.masked_fill(other[:, None], NOT_SEEN)


class OverTime(nn.Module):
    """Attention over time: a frame becomes one token, and near frames look at each other most.

    Args:
        tokens: a frame.
        d: features a token.
        d_time: features a frame.
        heads: of the attention; divides d_time.
        layers: blocks.
        hidden: size of the feed-forward layers.
        dropout: in the blocks.
        step_s: time between frames that attend to each other, seconds.
    """

    def __init__(
        self,
        tokens: int,
        d: int,
        *,
        d_time: int,
        heads: int,
        layers: int,
        hidden: int,
        dropout: float,
        step_s: float,
    ) -> None:
        super().__init__()
        self.heads, self.step_s = heads, step_s
        self.into = nn.Linear(tokens * d, d_time)
        self.context = nn.Linear(d, d_time)
        self.blocks = nn.ModuleList(Block(d_time, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(d_time)
        self.out = nn.Linear(d_time, tokens * d)

    def frames(self, x: Tensor, context: Tensor, time: Tensor, clip: Tensor) -> Tensor:
        """(B, T, d_time) what every frame knows of its clip.

        Args:
            x: (B, T, tokens, d).
            context: (B, T, d) what else is known of a frame.
            time: (B, T) seconds.
            clip: (B, T) as in `time_bias`.
        """
        bias = time_bias(time / self.step_s, clip, self.heads)  # (B, heads, T, T)
        y = self.into(x.flatten(2)) + self.context(context)  # (B, T, d_time)
        for block in self.blocks:
            y = block(y, bias)
        known: Tensor = self.norm(y)
        return known

    def told(self, x: Tensor, frames: Tensor) -> Tensor:
        """(B, T, tokens, d) tokens with what their frame knows of its clip."""
        told: Tensor = x + self.out(frames).unflatten(2, x.shape[2:])
        return told


def from_mid_hip(pose: Tensor) -> Tensor:
    """(..., 17, 3) a pose with the midpoint of its hips at the origin."""
    return pose - pose[..., [COCO["left_hip"], COCO["right_hip"]], :].mean(dim=-2, keepdim=True)
