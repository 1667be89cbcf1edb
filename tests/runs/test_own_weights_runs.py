"""Models of one's own forget ten rows in one command, and the code that trained them judges what is back."""

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from own_training import accuracy, digit_folders, train
from torchvision.transforms import Compose, Grayscale, Normalize, Resize, ToTensor
from transformers import AutoImageProcessor, AutoModelForImageClassification, ViTConfig, ViTImageProcessor

from unlearn_cli.api.export import exported
from unlearn_cli.api.loading import load as load_run

CLASSES = [str(number) for number in range(10)]
SHORT = ("data=images", "method=ft", "method.epochs=1", "method.lr=1e-3", "progress=false", "data.workers=0")
FORGOTTEN = [f"{row:04}.png" for row in range(10)]
HALF = Compose([ToTensor(), Normalize([0.5] * 3, [0.5] * 3)])


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = digit_folders(tmp_path_factory.mktemp("digits"), train=150, test=60)
    (folder.parent / "rows.txt").write_text("\n".join(FORGOTTEN))
    return folder


@pytest.fixture
def forget(run, images):
    """forget("model=...", ...): the result of ten rows forgotten."""
    given = (f"data.path={images}", "forget=indices", f"forget.file={images.parent / 'rows.txt'}")
    return lambda *arguments: run(*SHORT, *given, *arguments)


def check(result, net, images, load, learnt=150) -> None:
    """What comes back is what the table is of, to the last digit."""
    found = result["metrics"]
    assert found["TA"] == accuracy(net, images / "test", load)
    assert found["UA"] == 100 - accuracy(net, images / "train", load, FORGOTTEN)
    assert result["forget"]["count"] == 10
    assert result["own_model"]["trained_on"]["count"] == learnt
    assert result["original_cost"] == {}  # not measured here


@pytest.mark.parametrize("oracle", ["oracle=false", "oracle=true"])
@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", pytest.param("resnet18", marks=pytest.mark.thorough)])
def test_a_torchvision_network_of_plain_pytorch(forget, images, tmp_path, name, oracle):
    torch.manual_seed(0)
    net = torchvision.models.get_model(name, num_classes=10)
    train(net, images, HALF)
    torch.save({"epoch": 2, "state_dict": net.state_dict()}, tmp_path / "mine.pt")
    own = ("model=torchvision", f"model.name={name}", f"model.weights={tmp_path / 'mine.pt'}")
    result = forget(*own, "model.input.mean=[0.5]", "model.input.std=[0.5]", oracle, "train.epochs=1")
    assert result["original"]["TA"] == accuracy(net, images / "test", HALF)
    back = torch.load(Path(result["folder"]) / "unlearned.pt", weights_only=True)
    assert back["epoch"] == 2
    assert all(
        torch.equal(back["state_dict"][k], v) for k, v in load_run(result["folder"]).net.state_dict().items()
    )
    net.load_state_dict(back["state_dict"])
    check(result, net, images, HALF)
    assert (result["avg_gap"] is None) == (oracle == "oracle=false")


def test_a_folder_of_transformers(forget, images, tmp_path):
    torch.manual_seed(0)
    labels = dict(enumerate(CLASSES))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    net = AutoModelForImageClassification.from_config(
        ViTConfig(image_size=12, patch_size=4, id2label=labels, **shape)
    )
    folder = tmp_path / "vit"
    ViTImageProcessor(size={"height": 12, "width": 12}).save_pretrained(folder)
    processor = AutoImageProcessor.from_pretrained(folder)

    def load(image):
        return processor(images=image, return_tensors="pt")["pixel_values"][0]

    class Logits(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(pixel_values=x).logits

    train(Logits(net), images, load)
    net.save_pretrained(folder)
    result = forget("model=transformers", f"model.weights={folder}", "train.epochs=1")
    own = Path(result["folder"])
    folder.rename(tmp_path / "elsewhere")  # a run's folder is enough
    for place in (own / "unlearned", exported(own, "transformers", tmp_path / "exported")):
        back = AutoModelForImageClassification.from_pretrained(place)
        assert back.config.id2label == labels
        assert AutoImageProcessor.from_pretrained(place).to_dict() == processor.to_dict()
        check(result, Logits(back), images, load)


def test_a_timm_checkpoint_of_ones_own_class_count(forget, images, tmp_path):
    torch.manual_seed(0)
    net = timm.create_model("test_resnet", num_classes=10, in_chans=1)
    load = Compose([Grayscale(), Resize(16), ToTensor(), Normalize([0.5], [0.25])])
    train(net, images, load)
    torch.save(net.state_dict(), tmp_path / "mine.pth")
    (tmp_path / "learnt.csv").write_text("file\n" + "\n".join(f"{row:04}.png" for row in range(120)))
    result = forget(
        f"model.trained_on={tmp_path / 'learnt.csv'}",
        *("model=timm", "model.name=test_resnet", f"model.weights={tmp_path / 'mine.pth'}"),
        *("model.input.mean=[0.5]", "model.input.std=[0.25]", "model.input.resize=16", "model.stem=imagenet"),
    )
    net.load_state_dict(torch.load(Path(result["folder"]) / "unlearned.pth", weights_only=True))
    check(result, net, images, load, learnt=120)
    (tmp_path / "mine.pth").unlink()
    again = load_run(result["folder"]).net
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in net.state_dict().items())
    unseen = [f"{row:04}.png" for row in range(120, 150)]
    assert result["metrics"]["VA"] == accuracy(net, images / "train", load, unseen)
