"""The pool of shadow models: who learns what, what each forgets; what is made, and made once."""

import json
from pathlib import Path

import numpy as np
import pytest
from run_results import entries, lasting
from tiny_commands import CLIP, TINY
from tiny_run import unlearn

from unlearn_cli import attacking, measuring
from unlearn_cli.config.composing import composed
from unlearn_cli.config.variants import determining
from unlearn_cli.experiment import read
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Shadows, learned
from unlearn_cli.storage.store import Store

ATTACKED = ("train.epochs=1", "eval.attacks=[ulira]", "shadows.count=2")
FT = ("method=ft", "method.epochs=1")
GA = ("method=ga", "method.epochs=1", "train.epochs=1")
RED = ("forget.column=colour", "forget.values=[red]")


@pytest.fixture
def pool(tmp_path, compute):
    """pool(*overrides): that of a run, of which nothing is made."""

    def of(*overrides):
        task = CLIP if "task=clip" in overrides else TINY
        told = [*task, "eval.attacks=[ulira]", "shadows.count=8", f"paths.outputs={tmp_path}", *overrides]
        experiment = read(*composed(told))
        return Shadows(Origins.of(experiment, compute, Store(tmp_path / "store")))

    return of


@pytest.mark.parametrize(("count", "fraction", "each"), [(8, 0.5, 4), (5, 0.5, 2), (16, 0.3, 5)])
def test_so_many_shadows_learn_each_row(count, fraction, each):
    found = learned(count, 1000, fraction, 0)
    assert found.shape == (count, 1000)
    assert set(found.sum(axis=0)) == {each}
    assert found.mean(axis=1) == pytest.approx(np.full(count, each / count), abs=0.06)
    assert not np.array_equal(found, learned(count, 1000, fraction, 1))


def test_a_shadows_model_has_nothing_to_do_with_what_is_forgotten_or_with_the_runs_seed(pool):
    def models(*overrides):
        run = pool(*overrides).plain(3)
        return run.facts(run.splits.train)

    assert models() == models("forget=class") == models("seed=7") == models("data.val_fraction=0.2")
    assert models() != models("shadows.seed=1")
    one, other = (pool().plain(number) for number in (0, 1))
    assert one.experiment.seeds.train != other.experiment.seeds.train
    assert one.experiment.seeds.method == one.experiment.seeds.train


def test_a_shadow_forgets_what_it_has_of_the_forget_set_and_of_the_rows_asked_about(pool):
    one = pool("forget.fraction=0.2")
    whole = one.origins.forget_set
    for number in range(8):
        run = one.forgetting(number)
        rows = run.splits.train
        asked = np.concatenate([whole.rows, one.queried.forgotten_unseen])
        assert np.array_equal(run.forget_set.rows, np.intersect1d(asked, rows))
        assert not run.forget_set.classes
        assert np.isin(one.queried.retained_unseen, np.union1d(run.sets.retain, run.splits.test)).all()


def test_of_a_class_it_forgets_all_that_it_has(pool):
    one = pool("forget=class", "forget.classes=[3]")
    labels = one.origins.data.labels
    for number in range(8):
        sets = one.forgetting(number).sets
        assert sets.classes == (3,)
        assert set(labels[sets.forget]) == {3}
        assert 3 not in labels[np.concatenate([sets.retain, sets.test])]


def test_of_a_domains_shots_it_sees_its_own_and_withholds_the_rest(pool):
    one = pool("task=clip", "forget.domains=[sketch]", "forget.shots=2")
    whole, domain = one.origins.forget_set, one.origins.data.columns["domain"]
    for number in range(8):
        run = one.forgetting(number)
        sets = run.sets
        shots = np.union1d(whole.rows, one.queried.forgotten_unseen)
        assert np.array_equal(sets.forget, np.intersect1d(shots, run.splits.train))
        assert "sketch" not in domain[np.concatenate([sets.unforgotten, sets.retain, sets.test])]
        assert set(sets.retain) <= set(whole.visible_rows)


def test_keys_of_attacks_that_are_not_made_make_no_other_run(tmp_path):
    def identity(*overrides):
        return determining(read(*composed([f"paths.outputs={tmp_path}", *overrides])).config)

    plain = identity()
    assert "shadows" not in plain
    assert not {"attacks", "ulira", "rmia", "iam"} & plain["eval"].keys()
    assert identity("shadows.count=8", "eval.ulira.mode=offline") == plain
    assert identity("task=text_to_image", "shadows.count=8") == identity("task=text_to_image")
    asked = identity("eval.attacks=[rmia,ulira]", "eval.iam.steps=5")
    assert asked == identity("eval.attacks=[ulira,rmia]") != plain
    assert asked["shadows"]["count"] == 64
    assert "iam" not in asked["eval"]


def test_attacks_on_validation_rows_are_others(pool):
    ordinary, judged = (pool(*more).origins for more in ((), ("judged_on=validation",)))
    assert ordinary.key(Original()) == judged.key(Original())
    for entry in (attacking.entry, lambda origins, key: measuring.entries(origins, key, 0)[-1]):
        assert entry(ordinary, "key") != entry(judged, "key")


def test_what_follows_from_the_outputs_of_an_evaluation_of_ones_own_belongs_to_its_source(pool, monkeypatch):
    monkeypatch.setattr(Origins, "plugins", lambda self, *groups: {"plugins": [*groups]})
    found = measuring.entries(pool("eval.hidden=[cka]").origins, "key", 0)
    assert [kind for kind, _ in found] == ["metrics", "inspection", "attacks"]
    assert all("eval" in facts["plugins"] for _, facts in found)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("eval.attacks=[ulria]", "eval.attacks: no attack 'ulria'; did you mean 'ulira'?"),
        ("eval.attacks=[ulira] shadows.count=1", "shadows.count: input should be greater than or equal to 2"),
        (
            "eval.attacks=[ulira] eval.ulira.variance=estimated shadows.count=3",
            "shadows.count: of 3 shadows 2 learn a row and 1 do not, the attack ulira needs 2 and 2",
        ),
        ("eval.attacks=[rmia] eval.rmia.gamma=0", "eval.rmia.gamma: input should be greater than 0, got 0"),
        ("eval.attacks=[ulira] shadows.fraction=1", "shadows.fraction: input should be less than 1, got 1"),
        (
            "eval.attacks=[ulira] method=checkpoint method.path=m.pt",
            "eval.attacks: method=checkpoint does not",
        ),
        ("task=clip model=clip eval.attacks=[ulira] oracle=false", "eval.attacks: model=clip is ready-made"),
    ],
)
def test_what_cannot_be_attacked_is_refused(refused, command, message):
    assert refused(*command.split()).startswith(message)


def test_the_pool_is_made_once_and_a_second_method_unlearns_it(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(attacking, "roc_curves", lambda panels, file, *told: drawn.append(file.name))
    outputs = f"paths.outputs={tmp_path}"
    (first,) = unlearn(outputs, *FT, *ATTACKED)
    store = tmp_path / "store"
    assert len(entries(store, "model")) == 2 + 2  # original and oracle, the pool
    assert len(entries(store, "margins")) == 2 + 2  # as trained, as unlearned
    assert len(entries(store, "attacks")) == 2  # on original and oracle
    metrics = {"ULiRA_AUC", "ULiRA_balanced", "ULiRA_AUC_retain", "ULiRA_balanced_retain"}
    for model in ("metrics", "original", "oracle"):
        assert metrics <= first[model].keys()
    folder = Path(first["folder"])
    record = json.loads((folder / "attacks.json").read_text())
    assert record["models"].keys() == {"ft", "original", "oracle"}
    told = record["models"]["ft"]["ulira"]["forget"]["AUC"]
    assert told["value"] == first["metrics"]["ULiRA_AUC"]
    assert told["low"] <= told["value"] <= told["high"]
    assert record["null"]["ulira"]["forget"]["AUC"]["value"] is not None
    assert record["shadows"] == {"count": 2, "fraction": 0.5, "seed": 0}
    rows = (folder / "attacks.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(sum(parts.values()) for parts in record["rows"].values())
    assert drawn == ["roc_forget.png", "roc_retain.png"]

    (second,) = unlearn(outputs, "method=ft", "method.epochs=2", *ATTACKED)
    assert len(entries(store, "model")) == 4
    assert len(entries(store, "margins")) == 4 + 2
    assert second["original"] == first["original"]

    (reference,) = unlearn(outputs, "method=original", *ATTACKED)
    assert len(entries(store, "margins")) == 6
    assert reference["metrics"]["ULiRA_AUC"] == first["original"]["ULiRA_AUC"]
    assert json.loads((Path(reference["folder"]) / "attacks.json").read_text())["null"] is None
    (plain,) = unlearn(outputs, *FT, "train.epochs=1")
    assert not metrics & plain["metrics"].keys()
    assert plain["metrics"].items() <= lasting(first)["metrics"].items()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "overrides",
    [
        ("task=clip", "forget.domains=[sketch]", "method=ga", "method.epochs=1"),
        ("forget=class", "forget.classes=[3]", *GA),
        ("data=shapes", "data.images=2", "data.label=shape", "forget=group", *RED, *GA),
        ("forget=worst_case", "forget.iterations=2", "forget.lower.epochs=1", *GA),
    ],
    ids=["domain", "class", "group", "worst case"],
)
def test_other_forget_sets_are_attacked_to_the_end(tmp_path, overrides):
    command = (f"paths.outputs={tmp_path}", *overrides, "eval.attacks=[ulira]", "shadows.count=4")
    (result,) = unlearn(*command)
    assert len(entries(tmp_path / "store", "margins")) == 4 + 4
    record = json.loads((Path(result["folder"]) / "attacks.json").read_text())
    assert record["models"].keys() == {"ga", "original", "oracle"}
    for attacked in (*record["models"].values(), record["null"]):
        for game in ("forget", "retain"):
            auc = attacked["ulira"][game]["AUC"]
            assert 0 <= auc["low"] <= auc["value"] <= auc["high"] <= 100
    assert min(min(parts.values()) for parts in record["rows"].values()) > 0
    assert unlearn(*command)[0]["metrics"] == result["metrics"]
