"""The network of ACT, in plain torch. Module names make the keys of LeRobot's `model.safetensors` (there below `model.`)."""

from collections.abc import Mapping, Sequence

import torch
from attrs import frozen
from torch import Tensor, nn

from hilt.processors import ACTION, Feature
from hilt.processors.features import STATE
from hilt_policy_act.config import ACTConfig
from hilt_policy_act.embedding import image_positions, sequence_positions
from hilt_policy_act.resnet import WIDTH, ResNet18

ENVIRONMENT = "observation.environment_state"
PADDING = "action_is_pad"

Batch = Mapping[str, Tensor]


@frozen(eq=False)
class Output:
    """actions: (b, chunk, A), normalised. mean, log_variance: (b, latent) of the variational encoder, None without it."""

    actions: Tensor
    mean: Tensor | None = None
    log_variance: Tensor | None = None


class FeedForward(nn.Module):
    """What encoder and decoder layers share; a base class because the keys have no level for it."""

    def __init__(self, config: ACTConfig) -> None:
        super().__init__()
        self.linear1 = nn.Linear(config.dim_model, config.dim_feedforward)
        self.linear2 = nn.Linear(config.dim_feedforward, config.dim_model)
        self.dropout = nn.Dropout(config.dropout)
        self.activation = nn.functional.gelu if config.feedforward_activation == "gelu" else nn.functional.relu
        self.pre_norm = config.pre_norm

    def expand(self, x: Tensor) -> Tensor:
        outer: Tensor = self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))
        return outer


def attention(config: ACTConfig) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(config.dim_model, config.n_heads, dropout=config.dropout, batch_first=True)


class EncoderLayer(FeedForward):
    def __init__(self, config: ACTConfig) -> None:
        super().__init__(config)
        self.self_attn = attention(config)
        self.norm1 = nn.LayerNorm(config.dim_model)
        self.norm2 = nn.LayerNorm(config.dim_model)

    def forward(self, x: Tensor, positions: Tensor, padding: Tensor | None) -> Tensor:
        """x: (b, n, D). positions: broadcasts to it. padding: (b, n) bool, True where nobody may look."""
        if self.pre_norm:
            x = x + self._attend(self.norm1(x), positions, padding)
            return x + self.expand(self.norm2(x))
        x = self.norm1(x + self._attend(x, positions, padding))
        normalized: Tensor = self.norm2(x + self.expand(x))
        return normalized

    def _attend(self, x: Tensor, positions: Tensor, padding: Tensor | None) -> Tensor:
        where = x + positions
        seen: Tensor = self.self_attn(where, where, x, key_padding_mask=padding, need_weights=False)[0]
        dropped: Tensor = self.dropout(seen)
        return dropped


class Encoder(nn.Module):
    def __init__(self, config: ACTConfig, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(layers))
        self.norm = nn.LayerNorm(config.dim_model) if config.pre_norm else nn.Identity()

    def forward(self, x: Tensor, positions: Tensor, padding: Tensor | None = None) -> Tensor:
        for layer in self.layers:
            x = layer(x, positions, padding)
        normalized: Tensor = self.norm(x)
        return normalized


class DecoderLayer(FeedForward):
    def __init__(self, config: ACTConfig) -> None:
        super().__init__(config)
        self.self_attn = attention(config)
        self.multihead_attn = attention(config)
        self.norm1 = nn.LayerNorm(config.dim_model)
        self.norm2 = nn.LayerNorm(config.dim_model)
        self.norm3 = nn.LayerNorm(config.dim_model)

    def forward(self, x: Tensor, queries: Tensor, memory: Tensor, positions: Tensor) -> Tensor:
        """x: (b, chunk, D). queries: its positions. memory: (b, n, D) from the encoder. positions: those of the memory."""
        if self.pre_norm:
            x = x + self._attend_self(self.norm1(x), queries)
            x = x + self._attend_memory(self.norm2(x), queries, memory, positions)
            return x + self.expand(self.norm3(x))
        x = self.norm1(x + self._attend_self(x, queries))
        x = self.norm2(x + self._attend_memory(x, queries, memory, positions))
        normalized: Tensor = self.norm3(x + self.expand(x))
        return normalized

    def _attend_self(self, x: Tensor, queries: Tensor) -> Tensor:
        where = x + queries
        seen: Tensor = self.self_attn(where, where, x, need_weights=False)[0]
        dropped: Tensor = self.dropout(seen)
        return dropped

    def _attend_memory(self, x: Tensor, queries: Tensor, memory: Tensor, positions: Tensor) -> Tensor:
        seen: Tensor = self.multihead_attn(x + queries, memory + positions, memory, need_weights=False)[0]
        dropped: Tensor = self.dropout(seen)
        return dropped


class Decoder(nn.Module):
    def __init__(self, config: ACTConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.n_decoder_layers))
        self.norm = nn.LayerNorm(config.dim_model)

    def forward(self, x: Tensor, queries: Tensor, memory: Tensor, positions: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, queries, memory, positions)
        normalized: Tensor = self.norm(x)
        return normalized


class ACTNetwork(nn.Module):
    """Normalised inputs, batched, by feature name; a chunk of normalised actions out.

    The encoder sees one token each for the latent, the state and the environment state, and one for each pixel of the
    feature map of each camera, in the order of `inputs`.
    """

    vae_encoder_pos_enc: Tensor

    def __init__(self, config: ACTConfig, inputs: Mapping[str, Feature], outputs: Mapping[str, Feature]) -> None:
        super().__init__()
        self.config = config
        self.cameras = tuple(name for name, feature in inputs.items() if feature.type == "VISUAL")
        self.state = inputs.get(STATE)
        self.environment = inputs.get(ENVIRONMENT)
        actions = outputs[ACTION].shape[0]
        width = config.dim_model
        if config.use_vae:
            self._build_vae(actions)
        if self.cameras:
            self.backbone = ResNet18()
            self.encoder_img_feat_input_proj = nn.Conv2d(WIDTH, width, 1)
        self.encoder = Encoder(config, config.n_encoder_layers)
        self.decoder = Decoder(config)
        self.encoder_latent_input_proj = nn.Linear(config.latent_dim, width)
        if self.state:
            self.encoder_robot_state_input_proj = nn.Linear(self.state.shape[0], width)
        if self.environment:
            self.encoder_env_state_input_proj = nn.Linear(self.environment.shape[0], width)
        vectors = 1 + sum(feature is not None for feature in (self.state, self.environment))
        self.encoder_1d_feature_pos_embed = nn.Embedding(vectors, width)
        self.decoder_pos_embed = nn.Embedding(config.chunk_size, width)
        self.action_head = nn.Linear(width, actions)
        for parameter in (*self.encoder.parameters(), *self.decoder.parameters()):
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def _build_vae(self, actions: int) -> None:
        width = self.config.dim_model
        self.vae_encoder = Encoder(self.config, self.config.n_vae_encoder_layers)
        self.vae_encoder_cls_embed = nn.Embedding(1, width)
        if self.state:
            self.vae_encoder_robot_state_input_proj = nn.Linear(self.state.shape[0], width)
        self.vae_encoder_action_input_proj = nn.Linear(actions, width)
        self.vae_encoder_latent_output_proj = nn.Linear(width, 2 * self.config.latent_dim)
        length = 1 + (self.state is not None) + self.config.chunk_size
        self.register_buffer("vae_encoder_pos_enc", sequence_positions(length, width)[None])

    def forward(self, batch: Batch) -> Output:
        """batch: `observation.*`, and for training `action` (b, chunk, A) and `action_is_pad` (b, chunk) bool.

        Without `action` the latent is zero.
        """
        size, device = self._size(batch)
        if self.config.use_vae and ACTION in batch:
            mean, log_variance = self.encode_actions(batch)
            latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            return Output(self._decode(batch, latent), mean, log_variance)
        return Output(self._decode(batch, torch.zeros(size, self.config.latent_dim, device=device)))

    def encode_actions(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latent, each (b, latent)."""
        actions = self.vae_encoder_action_input_proj(batch[ACTION])
        tokens = [self.vae_encoder_cls_embed.weight.expand(len(actions), 1, -1)]
        if self.state:
            tokens.append(self.vae_encoder_robot_state_input_proj(batch[STATE])[:, None])
        padding = nn.functional.pad(batch[PADDING], (len(tokens), 0), value=False)
        encoded = self.vae_encoder(torch.cat([*tokens, actions], dim=1), self.vae_encoder_pos_enc, padding)
        mean, log_variance = self.vae_encoder_latent_output_proj(encoded[:, 0]).chunk(2, dim=-1)
        return mean, log_variance

    def _decode(self, batch: Batch, latent: Tensor) -> Tensor:
        tokens = [self.encoder_latent_input_proj(latent)[:, None]]
        if self.state:
            tokens.append(self.encoder_robot_state_input_proj(batch[STATE])[:, None])
        if self.environment:
            tokens.append(self.encoder_env_state_input_proj(batch[ENVIRONMENT])[:, None])
        positions = [self.encoder_1d_feature_pos_embed.weight]
        for seen in self._see([batch[camera] for camera in self.cameras]):
            pixels = self.encoder_img_feat_input_proj(seen)
            positions.append(image_positions(pixels.shape[2], pixels.shape[3], pixels.shape[1], pixels.device))
            tokens.append(pixels.flatten(2).transpose(1, 2))
        where = torch.cat(positions)[None]
        memory = self.encoder(torch.cat(tokens, dim=1), where)
        queries = self.decoder_pos_embed.weight[None]
        decoded = self.decoder(memory.new_zeros(len(memory), *queries.shape[1:]), queries, memory, where)
        actions: Tensor = self.action_head(decoded)
        return actions

    def _see(self, images: Sequence[Tensor]) -> Sequence[Tensor]:
        """The feature map of each camera. Cameras of one size go through the image network together, which is faster."""
        if len({image.shape for image in images}) == 1:
            together: Tensor = self.backbone(torch.cat(list(images)))
            return together.chunk(len(images))
        return [self.backbone(image) for image in images]

    def _size(self, batch: Batch) -> tuple[int, torch.device]:
        first = next(value for key, value in batch.items() if key.startswith("observation."))
        return len(first), first.device
