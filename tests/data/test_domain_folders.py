"""Small folders like Office-Home's and DomainNet's, and a table like PACS'."""

from collections import Counter
from pathlib import Path

import datasets
import numpy as np
import pytest
import yaml
from PIL import Image

from unlearn_cli.config.settings import build
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CONF = Path(__file__).parents[2] / "conf"
CLASSES = ("Alarm_Clock", "Bed")


@pytest.fixture
def load(tmp_path):
    """load(name, folder, **changes): the data by their YAML, 8 pixels a side."""

    def of(name, folder, **changes):
        values = yaml.safe_load((CONF / "data" / f"{name}.yaml").read_text())
        values.pop("defaults")
        small = {"path": str(folder), "size": 8, "workers": 0}
        return build(values | small | changes, "data").load(
            None, Store(tmp_path / "store"), Compute("cpu", "fp32", False, False)
        )

    return of


def colour(*numbers: int) -> tuple[int, int, int]:
    """Another one for each image: what is where can be told from the pixels."""
    return tuple(20 + 30 * number for number in numbers)


def folder_of(place: Path, domains, count, split="", classes=CLASSES) -> Path:
    """place/DOMAIN/SPLIT/CLASS/NUMBER.png, each image of one colour(domain, class, number)."""
    for d, domain in enumerate(domains):
        for c, name in enumerate(classes):
            folder = place / domain / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (10, 9), colour(d, c, number)).save(folder / f"{number}.png")
    return place


def pairs(data, rows) -> Counter:
    return Counter(zip(data.columns["domain"][rows], data.columns["label"][rows], strict=True))


def test_domains_and_classes_are_folders(load, tmp_path):
    place = folder_of(tmp_path / "office", ["Art", "Clipart", "Product", "Real World"], 5)
    (place / "Art" / "Bed" / "Thumbs.db").write_text("no image")
    (place / "Art" / "Bed" / "._0.png").write_text("no image")
    data = load("office_home", place, test_split=None)
    assert data.classes == ["Alarm_Clock", "Bed"]
    assert len(data) == 40
    assert pairs(data, data.test_rows) == {
        (domain, name): 1 for domain in ("art", "clipart", "product", "real_world") for name in CLASSES
    }
    shown = {
        tuple(data.image(row)[0, 0].tolist()) for row in np.flatnonzero(data.columns["domain"] == "product")
    }
    assert shown == {colour(2, c, number) for c in range(2) for number in range(5)}


def test_other_shares_and_domains_are_other_data(load, tmp_path):
    place = folder_of(tmp_path / "office", ["Art", "Clipart", "Product", "Real World"], 5)
    all_four = load("office_home", place, test_split=None)
    two = load("office_home", place, test_split=None, domains=["art", "real_world"])
    assert set(two.columns["domain"]) == {"art", "real_world"}
    assert (len(all_four), len(two)) == (40, 20)


def test_dassl_parts_train_from_val(load, tmp_path):
    domains = ["art", "clipart", "product", "real_world"]
    folder_of(tmp_path / "office", domains, 3, "train")
    data = load("office_home", folder_of(tmp_path / "office", domains, 2, "val"))
    assert (len(data.train_rows), len(data.test_rows)) == (24, 16)
    assert set(pairs(data, data.test_rows).values()) == {2}


def listing(place: Path, name: str, lines: list[str]) -> None:
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text("\n".join(lines) + "\n\n")


@pytest.fixture
def domainnet(tmp_path):
    """Of three images of each class and domain the first two are listed: one to train on, one to test."""
    place = folder_of(tmp_path / "net", ["clipart", "painting", "real", "sketch"], 3)
    for domain in ("clipart", "painting", "real", "sketch"):
        for number, split in enumerate(("train", "test")):
            lines = [f"{domain}/{name}/{number}.png {c}" for c, name in enumerate(CLASSES)]
            listing(place, f"splits_mini/{domain}_{split}.txt", lines)
    return place


def test_a_split_may_stand_in_files(load, domainnet):
    data = load("mini_domainnet", domainnet)
    assert (len(data.train_rows), len(data.test_rows)) == (8, 8)
    assert set(pairs(data, data.train_rows).values()) == {1}
    assert {data.image(row)[0, 0, 2] for row in data.train_rows} == {colour(0)[0]}
    assert {data.image(row)[0, 0, 2] for row in data.test_rows} == {colour(1)[0]}


def test_streamed_folders_are_the_same(load, domainnet):
    resident, streamed = (load("mini_domainnet", domainnet, resident=kept) for kept in (True, False))
    assert all(np.array_equal(resident.image(row), streamed.image(row)) for row in range(16))


def test_a_missing_file_is_named_or_left_out(load, domainnet, caplog):
    (domainnet / "real" / "Bed" / "0.png").unlink()
    with pytest.raises(InputError, match=r"real/Bed/0\.png cannot be read \(No such file or directory\)"):
        load("mini_domainnet", domainnet)
    data = load("mini_domainnet", domainnet, skip_unreadable=True)
    assert (len(data.train_rows), len(data.test_rows)) == (7, 8)
    assert caplog.messages[-1].endswith("left out: " + str(domainnet / "real" / "Bed" / "0.png"))


def test_classes_get_their_first_name_and_namesakes_their_folders(load, tmp_path):
    wnids = ("n01", "n02", "n03")
    place = folder_of(tmp_path / "imagenet", ["real", "sketch"], 5, classes=wnids)
    listing(
        place, "LOC_synset_mapping.txt", ["n01 crane", "n02 tench, Tinca tinca", "n03 crane", "n04 unused"]
    )
    data = load("imagenet_sketch", place)
    assert data.classes == ["crane (n01)", "crane (n03)", "tench"]
    assert data.image(np.flatnonzero(data.columns["label"] == "tench")[0])[0, 0, 1] == colour(1)[0]
    assert load("imagenet_sketch", place, names=None).classes == list(wnids)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"path": "nowhere"}, r"^data\.path: no folder 'nowhere'; give one that holds clipart, painting"),
        ({"domains": ["clipart", "scetch"]}, r"^data\.splits: '.*scetch_train.txt' cannot be read \(No such"),
        (
            {"splits": None, "test_split": None, "domains": ["clipart", "scetch"]},
            r"^data\.domains: no folder 'scetch' in '.*net'; did you mean 'sketch'\?",
        ),
        ({"splits": None}, r"^data\.train_split, data\.test_split: no folder 'train' in '.*clipart'; where"),
        ({"splits": "{domain}.txt"}, r"^data\.splits: .*not both of {domain} and {split}"),
        ({"names": "names.txt"}, r"^data\.names: '.*names.txt' cannot be read \(No such file"),
        ({"domains": ["real"]}, r"^data\.domains: .* at least 2 items"),
    ],
)
def test_what_will_not_do(load, domainnet, changes, told):
    with pytest.raises(InputError, match=told) as error:
        load("mini_domainnet", domainnet, **changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("line", ["real/Bed/0.png", "0.png 1", "real/Bed/0.png Bed", "\u0000"])
def test_a_list_that_is_none(load, domainnet, line):
    listing(domainnet, "splits_mini/real_train.txt", [line])
    with pytest.raises(
        InputError, match=r"^data\.splits: '.*' in '.*real_train.txt' is not like 'DOMAIN/CLASS"
    ):
        load("mini_domainnet", domainnet)


def test_a_class_without_a_name(load, domainnet):
    listing(domainnet, "names.txt", ["Bed bed", "Alarm_Klock clock"])
    with pytest.raises(
        InputError, match=r"no name of the folder 'Alarm_Clock'; did you mean 'Alarm_Klock'\?"
    ):
        load("mini_domainnet", domainnet, names="names.txt")


def test_a_split_where_none_is_expected(load, tmp_path):
    place = folder_of(tmp_path / "office", ["art", "clipart", "product", "real_world"], 1, "train")
    with pytest.raises(
        InputError, match=r"^data\.path: no images in '.*art/CLASS'; where there are folders of"
    ):
        load("office_home", place, test_split=None)


@pytest.fixture
def pacs(tmp_path):
    """A parquet file like PACS': 10 images of each of two classes in each of three domains."""
    columns = {
        "image": [
            Image.new("RGB", (8, 8), colour(d, c, 0)) for d in range(3) for c in range(2) for _ in range(10)
        ],
        "domain": [name for name in ("cartoon", "photo", "sketch") for _ in range(20)],
        "label": [c for _ in range(3) for c in range(2) for _ in range(10)],
    }
    features = {
        "image": datasets.Image(),
        "domain": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["dog", "house"]),
    }
    (tmp_path / "pacs").mkdir()
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    table.to_parquet(tmp_path / "pacs" / "train-00000-of-00001.parquet")
    return tmp_path / "pacs"


def test_pacs_may_be_folders(load, tmp_path):
    names = ["art_painting", "cartoon", "photo", "sketch"]
    data = load("pacs", folder_of(tmp_path / "kfold", names, 5))
    assert data.classes == ["Alarm_Clock", "Bed"]
    assert pairs(data, data.test_rows) == {(domain, name): 1 for domain in names for name in CLASSES}
    two = load("pacs", tmp_path / "kfold", domains=["photo", "sketch"])
    assert len(two) == 20
    assert set(two.columns["file"]) <= set(data.columns["file"])


def test_a_picture_in_the_way_of_domains_is_named(load, tmp_path):
    place = folder_of(tmp_path / "kfold", ["art_painting", "cartoon", "photo", "sketch"], 3)
    Image.new("RGB", (8, 8)).save(place / "photo" / "stray.png")
    with pytest.raises(
        InputError, match=r"^data\.path: 'stray\.png' in '.*photo' has no folder of a class above"
    ):
        load("pacs", place)


def test_of_a_table_each_class_in_each_domain_is_held_out_alike(load, pacs):
    data = load("pacs", pacs, domains=["photo", "sketch"])
    assert data.classes == ["dog", "house"]
    expected = {(d, c): 2 for d in ("photo", "sketch") for c in ("dog", "house")}
    assert pairs(data, data.test_rows) == expected
    assert (len(data.train_rows), len(data.test_rows)) == (32, 8)
    assert load("pacs", pacs, domains=["cartoon", "photo", "sketch"]).test_rows.shape == (12,)


def test_a_domain_that_is_not_in_the_table(load, pacs):
    with pytest.raises(InputError, match=r"^data\.domains: no domain 'fotos'; did you mean 'photo'\?"):
        load("pacs", pacs, domains=["fotos", "sketch"])


def test_a_table_without_domains(load, pacs):
    table = datasets.Dataset.from_parquet(str(next(pacs.iterdir()))).remove_columns("domain")
    table.to_parquet(next(pacs.iterdir()))
    with pytest.raises(InputError, match=r"^data: no column 'domain'; there is image, label"):
        load("pacs", pacs)
