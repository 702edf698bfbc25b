"""SASRec and GRU4Rec in plain PyTorch, as the baseline of `bench.gpu`: fit, validate, say how fast it was.

`bench.gpu` starts this file in a process of its own; it imports nothing of Nightshift. All sequences lie on the card
from the start, attention and GRU are PyTorch's fused kernels, and items are tied between input and output. The loss is
cross-entropy over all items (`softmax`), or over negatives that a batch shares, drawn evenly (`sampled_softmax`).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

TOP = 10
_PEOPLE_A_BATCH = 1_024


class Recommender(nn.Module):
    """Item codes (batch, step), 0 on the right, to states (batch, step, dimensions)."""

    def __init__(self, model: str, items: int, sizes: dict) -> None:
        super().__init__()
        width, blocks, dropout = sizes["dimensions"], sizes["blocks"], sizes["dropout"]
        self.items = nn.Embedding(items + 1, width, padding_idx=0)
        nn.init.normal_(self.items.weight, std=0.02)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)
        if model == "gru4rec":
            self.body, self.positions = nn.GRU(width, width, blocks, batch_first=True), None
            return
        self.positions = nn.Embedding(sizes["max_length"], width)
        nn.init.normal_(self.positions.weight, std=0.02)
        block = nn.TransformerEncoderLayer(width, 1, width, dropout, "gelu", batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(block, blocks, enable_nested_tensor=False)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        steps = self.items(codes)
        if self.positions is None:
            return self.norm(self.dropout(self.body(self.dropout(steps))[0]))
        steps = self.dropout(steps + self.positions.weight[: codes.shape[1]])
        causal = nn.Transformer.generate_square_subsequent_mask(codes.shape[1], device=codes.device)
        return self.norm(self.body(steps, mask=causal, is_causal=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="npz: rows, histories, targets, items")
    parser.add_argument("--model", choices=("sasrec", "gru4rec"), required=True)
    parser.add_argument("--sizes", type=json.loads, required=True, help="JSON: dimensions, blocks, dropout, loss ...")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(json.dumps(fit(**vars(chosen))))


def fit(data: Path, model: str, sizes: dict, precision: str, seed: int) -> dict:
    """Train, and return events a second of the fastest epoch but the first, and NDCG@10 after the last."""
    torch.manual_seed(seed)
    torch.backends.cuda.matmul.allow_tf32 = True  # as JAX does by default
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(data) as arrays:
        rows = torch.tensor(arrays["rows"], dtype=torch.long, device=device)
        histories = torch.tensor(arrays["histories"], dtype=torch.long, device=device)
        targets = torch.tensor(arrays["targets"], dtype=torch.long, device=device)
        items = int(arrays["items"])
    recommender = Recommender(model, items, sizes).to(device)
    optimizer = torch.optim.Adam(recommender.parameters(), lr=sizes["learning_rate"], fused=device == "cuda")
    half = torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")
    seconds, started = [], time.perf_counter()
    for _ in range(sizes["epochs"]):
        epoch_started = time.perf_counter()
        recommender.train()
        for some in torch.randperm(len(rows), device=device).split(sizes["batch_size"]):
            with half:
                loss = _loss(recommender, rows[some], items, sizes)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - epoch_started)
    events = int((rows > 0).sum())
    return {
        "model": model,
        "events_a_second": round(events / min(seconds[1:] or seconds)),
        "first_epoch_seconds": round(seconds[0], 1),
        "fit_seconds": round(time.perf_counter() - started, 1),
        "validation_ndcg_at_10": round(_ndcg(recommender, histories, targets, half), 6),
        "torch": torch.__version__,
    }


def _loss(recommender: Recommender, rows: torch.Tensor, items: int, sizes: dict) -> torch.Tensor:
    """Mean over the steps that have a next item; the rows are cut to the longest of them."""
    rows = rows[:, : int((rows > 0).sum(1).max())]
    states, following = recommender(rows[:, :-1]), rows[:, 1:]
    states, following = states[following > 0], following[following > 0]  # (events, dimensions), (events,)
    vectors = recommender.items.weight
    if sizes["loss"] == "softmax":
        return functional.cross_entropy((states @ vectors[1:].T).float(), following - 1)
    drawn = torch.randint(1, items + 1, (sizes["negatives"],), device=rows.device)
    negatives = (states @ vectors[drawn].T).float().masked_fill(following[:, None] == drawn, -1e9)
    positive = (states * vectors[following]).sum(-1, keepdim=True).float()
    return functional.cross_entropy(torch.cat([positive, negatives], 1), torch.zeros_like(following))


@torch.no_grad()
def _ndcg(recommender: Recommender, histories: torch.Tensor, targets: torch.Tensor, half: torch.autocast) -> float:
    """NDCG@10 of one target a history among all items but those of the history; ties count against the model."""
    recommender.eval()
    total = 0.0
    for codes, wanted in zip(histories.split(_PEOPLE_A_BATCH), targets.split(_PEOPLE_A_BATCH), strict=True):
        with half:
            states = recommender(codes)
        last = ((codes > 0).sum(1) - 1).clamp(min=0)
        scores = (
            states[torch.arange(len(codes), device=codes.device), last].float() @ recommender.items.weight.T.float()
        )
        scores = scores.scatter(1, codes, -torch.inf)
        scores[:, 0] = -torch.inf
        ranks = (scores >= scores.gather(1, wanted[:, None])).sum(1).float()
        found = (ranks <= TOP) & (wanted > 0)
        total += float((found / torch.log2(ranks + 1)).sum())
    return total / len(targets)


if __name__ == "__main__":
    main()
