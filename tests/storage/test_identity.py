"""What a run's numbers belong to, told from its configuration."""

from pathlib import Path

import pytest

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.variants import determining
from unlearn_cli.errors import InputError
from unlearn_cli.storage.identity import by_content, identity_of
from unlearn_cli.storage.identity_file import (
    Kept,
    changed_since,
    check_is_of,
    is_another_runs,
    read_identity,
    write_identity,
)

OWN = {"_target_": "unlearn_cli.methods.ft.FineTune", "lr": 0.1}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def config(**groups):
    return {"seed": 0, "paths": {"data": None, "outputs": "outputs"}, "method": OWN, **groups}


def data(path, name="mine"):
    return {"name": name, "path": path, "config": None, "train_split": "train", "caption": "a cat/a dog"}


def test_keys_that_are_off_and_were_not_there_once_are_no_part_of_it():
    """Of recipes, be they a method's, an original's or a lower level's, and of augmentation."""
    off = {"lookahead": None, "label_smoothing": 0.0, "nesterov": False, "bias_lr_factor": 1.0}
    once = config(train={"lr": 0.1}, forget={"lower": {"lr": 0.1}}, data=data("a/b"))
    now = config(train={"lr": 0.1} | off, forget={"lower": {"lr": 0.1} | off}, data=data("a/b"))
    now["data"]["augment"], once["data"]["augment"] = {"flip": True, "crop_fill": "zeros"}, {"flip": True}
    assert identity_of(now).key == identity_of(once).key
    for key, value in (("lookahead", 0.95), ("label_smoothing", 0.1), ("nesterov", True)):
        on = now | {"train": now["train"] | {key: value}}
        assert identity_of(on).key != identity_of(once).key


def test_what_names_nothing_is_known_by_its_configuration_alone():
    Path("train").mkdir()  # a split's name, and no place
    Path("mine").mkdir()
    plain = config(data=data("owner/name"), model={"trained_on": "train"})
    assert identity_of(plain).key == key_of(determining(plain))
    assert not identity_of(plain).files


@pytest.mark.parametrize(
    ("groups", "key"),
    [
        (lambda place: {"data": data(place)}, "data.path"),
        (lambda place: {"forget": {"file": place}}, "forget.file"),
        (lambda place: {"method": {"path": place}}, "method.path"),
        (lambda place: {"model": {"delta": place}}, "model.delta"),
        (lambda place: {"model": {"name": place}}, "model.name"),
        (lambda place: {"data": {"prompts": place}}, "data.prompts"),
        (lambda place: {"eval": {"judge": {"path": place}}}, "eval.judge.path"),
        (lambda place: {"eval": {"inception": place}}, "eval.inception"),
        (lambda place: {"metric": {"mine": {"words": [place]}}}, "metric.mine.words.0"),
        (lambda place: {"eval": {"clip": {"model": f"local-dir:{place}"}}}, "eval.clip.model"),
    ],
)
def test_files_stand_by_their_content_wherever_they_lie(groups, key):
    named = {}
    for place, content in (("one.txt", "1"), ("sub/two.txt", "1"), ("three.txt", "3")):
        Path(place).parent.mkdir(exist_ok=True)
        Path(place).write_text(content)
        named[place] = identity_of(config(**groups(place)))
        assert named[place].files == {key: place}
    keys = [identity.key for identity in named.values()]
    assert keys[0] == keys[1] != keys[2]


def test_a_local_copy_of_data_counts_before_the_path():
    Path("copies/mine").mkdir(parents=True)
    Path("copies/mine/1.png").write_text("1")
    paths = {"paths": {"data": "copies", "outputs": "outputs"}}
    found = identity_of(config(data=data("owner/name")) | paths)
    assert found.files == {"data.path": "copies/mine"}
    assert found.key == identity_of(config(data=data("copies/mine"))).key


def test_a_list_of_learnt_rows_is_a_file_whatever_its_name():
    Path("learnt").write_text("1")
    before = identity_of(config(model={"trained_on": "learnt"})).key
    Path("learnt").write_text("2")
    assert identity_of(config(model={"trained_on": "learnt"})).key != before


@pytest.mark.parametrize("value", ["a" * 5000, "a\0b", "/", "~nobody/x.txt", "", "http://x/y.txt"])
def test_odd_values_name_nothing(value):
    assert not identity_of(config(method={"path": value, "other": value})).files


def test_facts_by_content():
    Path("w.pt").write_text("1")
    found = by_content({"class": "Mine", "pretrained": "w.pt", "depth": 2, "flag": True})
    assert found == {"class": "Mine", "depth": 2, "flag": True, "pretrained": found["pretrained"]}
    Path("w.pt").write_text("2")
    assert by_content({"pretrained": "w.pt"})["pretrained"] != found["pretrained"]


def kept(choice="ft", /, **groups) -> Kept:
    return Kept(identity_of(config(**groups)), {"method": choice})


def test_a_folder_says_whose_it_is():
    one, folder = kept(), Path("run")
    folder.mkdir()
    write_identity(folder, one)
    found = read_identity(folder)
    assert found
    assert (found.identity.key, found.choices) == (one.identity.key, one.choices)
    check_is_of(folder, one)
    with pytest.raises(InputError, match=r"holds another run .method=ft, not salun"):
        check_is_of(folder, kept("salun", method=OWN | {"k": 1}))
    with pytest.raises(InputError, match=r"holds another run .method.lr=0.1, not 0.2"):
        check_is_of(folder, kept(method=OWN | {"lr": 0.2}))
    assert is_another_runs(folder)
    assert not is_another_runs(folder.rename(f"ft-s0-{one.identity.key[:8]}"))


def test_what_differs_is_named():
    Path("rows.txt").write_text("1")
    before = kept(forget={"file": "rows.txt"})
    folder = Path("runs") / f"ft-s0-{before.identity.key[:8]}"
    folder.mkdir(parents=True)
    write_identity(folder, before)
    Path("rows.txt").write_text("1 2")
    now = kept(forget={"file": "rows.txt"}).identity
    said = changed_since(Path("runs") / f"ft-s0-{now.key[:8]}", now)
    assert said == (
        f"forget.file: the content of 'rows.txt' is not what it was for {folder}; "
        "the run is made anew beside it"
    )
    Path("others.txt").write_text("3")
    others = kept(forget={"file": "others.txt"}).identity
    assert changed_since(Path("runs/ft-s0-0"), others) is None, "that is another file"
    Path("rows.txt").unlink()
    assert changed_since(Path("runs/ft-s0-0"), others), "it may be the same one, renamed"
    Path("rows.txt").write_text("1 2")
    other = kept(forget={"file": "rows.txt"}, method=OWN | {"lr": 1.0}).identity
    assert changed_since(Path("runs/ft-s0-0"), other) is None, "another run, of which none was made"
