"""Without a network: nothing is tried again and again, and what is in a cache is used."""

import time
from types import SimpleNamespace

import datasets
import pytest
from huggingface_hub import constants

from unlearn_cli.data.source import Source
from unlearn_cli.errors import InputError
from unlearn_cli.models.hub_files import fetched_file
from unlearn_cli.storage.hub import hub_or_cache


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """The libraries are to ask a hub at which nobody is, and may not wait."""
    for library in (constants, datasets.config):
        monkeypatch.setattr(library, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waits to try again"))


def test_within_the_block_it_is_as_offline(no_network, caplog):
    caplog.set_level("INFO", logger="unlearn")
    with hub_or_cache():
        assert constants.is_offline_mode()
        assert datasets.config.HF_HUB_OFFLINE
    assert not constants.is_offline_mode()
    assert not datasets.config.HF_HUB_OFFLINE
    assert caplog.messages == ["hub: no answer from http://127.0.0.1:9; only what was fetched before is used"]


def test_a_hub_that_answers_is_used(no_network, monkeypatch):
    session = SimpleNamespace(head=lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.utils.get_session", lambda: session)
    with hub_or_cache():
        assert not constants.is_offline_mode()


@pytest.mark.parametrize("path", ["TYPO", "some/set"])
def test_data(no_network, path):
    with pytest.raises(InputError, match=rf"cannot be reached for '{path}' and there is no such folder here"):
        Source.find("mine", path, None, None).read("train", None, None)


def test_a_model(no_network):
    with pytest.raises(InputError, match=r"^model\.path: the hub cannot be reached for 'some/model' and it"):
        fetched_file("some/model", "config.json", None, "model", "give a folder")
