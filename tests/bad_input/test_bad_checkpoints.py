"""method=checkpoint of what does not fit, or would run code."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from only_run import FT, measured, the_run


class TestCheckpoints:
    @pytest.fixture
    def finished(self, tiny, tmp_path):
        """The folder of a finished run, out of the way."""
        assert tiny(*FT).code == 0
        shutil.move(the_run(), tmp_path / "finished")
        shutil.rmtree("outputs")
        return tmp_path / "finished"

    def test_the_same_is_taken(self, tiny, finished):
        assert tiny("method=checkpoint", f"method.path={finished}").code == 0
        before = json.loads((finished / "metrics.json").read_text())["metrics"]
        assert measured() == before

    def test_another_architecture(self, refused, finished):
        said = refused("method=checkpoint", f"method.path={finished}", "model.width=4")
        assert "another architecture" in said
        assert "give the model= that it was trained as" in said

    def test_other_splits(self, refused, finished):
        for other, name in (
            ("data.split_seed=1", "split"),
            ("data.subset=0.3", "split"),
            ("forget.seed=1", "forget"),
        ):
            said = refused("method=checkpoint", f"method.path={finished}", other)
            assert "made from other facts" in said
            assert f"{name} is " in said

    def test_a_pickle_that_runs_code(self, refused, tmp_path):
        proof = tmp_path / "executed"
        torch.save({"weight": Evil(proof)}, tmp_path / "evil.pt")
        said = refused("method=checkpoint", f"method.path={tmp_path / 'evil.pt'}")
        assert "would run code when read" in said
        assert not proof.exists()
        torch.load(tmp_path / "evil.pt", weights_only=False)
        assert proof.exists(), "the pickle is harmless, so this test proves nothing"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)
