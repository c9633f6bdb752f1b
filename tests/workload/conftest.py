import pytest

from clustersim.workload import ModelSpec


@pytest.fixture(scope="session")
def make_gpt():
    def make(layers=24, hidden=2048, heads=16, vocab=51200, *, tied=True):
        return ModelSpec(
            name="gpt",
            kind="dense",
            layers=layers,
            hidden=hidden,
            heads=heads,
            kv_heads=heads,
            head_dim=hidden // heads,
            vocab=vocab,
            gated_ffn=False,
            tied_embeddings=tied,
            ffn=4 * hidden,
            attention="mha",
        )

    return make
