"""Wrong input, through the real command: one line, the right exit code, no traceback."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from only_run import GA


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # names
        ("mehtod=ga", "mehtod: no such key or group; did you mean 'method'?"),
        ("experimant=salun/cifar10_class", "did you mean 'experiment'?"),
        ("method=saluun", "method: no option 'saluun'; did you mean 'salun'?"),
        ("experiment=salun/cifar10_clas", "did you mean 'salun/cifar10_class'?"),
        ("method=null", "method: no option 'null'; did you mean 'null_space'?"),
        ("data=3", "data: no option '3'; there are: celeba,"),
        ("~tracking", "tracking: '~tracking' chooses nothing; tracking=NAME chooses an option"),
        ("~forget", "forget: '~forget' chooses nothing; forget=NAME chooses an option"),
        ("~method=ga", "method: '~method=ga' chooses nothing; method=NAME chooses an option"),
        (
            "experiment=adu/office_home_parts experiment@_global_=adu/office_home_parts",
            "experiment@_global_: an option's defaults come back to itself",
        ),
        ("method={}", "method: 'method={}' chooses nothing; method=NAME chooses an option"),
        ("data=[]", "data: 'data=[]' chooses nothing; data=NAME chooses an option"),
        ("+method=ga", "method: '+method=ga' adds nothing, for a run has one; set method=ga"),
        ("++data=digits", "data: '++data=digits' adds nothing, for a run has one; set data=digits"),
        ("oracle={}", "oracle: 'oracle={}' changes nothing; give what it is to hold"),
        ("eval.mia={}", "eval.mia: 'eval.mia={}' changes nothing; give what it is to hold"),
        ("paths.outputs=", "paths.outputs: input should name a file or folder (a full stop: this one)"),
        ("tuned=", "tuned: input should name a file or folder"),
        ("model.weights=", "model.weights: input should name a file or folder"),
        ("+seed=1", "seed: it is there already; without +: seed=…"),
        ("~seed=5", "seed: it is 0; ~seed takes it away whatever it is"),
        ("~seed", "seed: a run cannot do without; set seed=…"),
        ("+lower@forget.lower=ft", "lower@forget.lower: no such place here; set by lower@forget.lower=…"),
        ("paths.outputs=null", "paths.outputs: Incompatible value 'None'"),
        ("--package=x", "--package: has no effect here; it goes with --cfg job"),
        ("~method", "method: '~method' chooses nothing; method=NAME"),
        ("optim@method=sgdd", "optim: no option 'sgdd'; did you mean 'sgd'?"),
        ("optim=sgd", "optim: set by optim@method=…, optim@train=…; unlearn optim --help"),
        ("lower=ft", "lower: set by lower@forget.lower=…; unlearn lower --help"),
        ("attack=cce", "attack: set by eval.attacked=[…], values in eval.attacks; unlearn attack --help"),
        ("sampler=ddim", "sampler: set by sampler@eval.sampler=…, sampler@method.sampler=…; unlearn sampler"),
        ("oracle.count=101", "oracle.count: input should be less than or equal to 100, got 101"),
        ("oracle.count=0", "oracle.count: input should be greater than or equal to 1, got 0"),
        ("oracle=false oracle.count=2", "oracle.count: 2 oracles, and the run is compared with none"),
        ("method.seed=-1", "method.seed: input should be greater than or equal to 0, got -1"),
        ("oracle.count=1O", "oracle.count: input should be a valid integer"),
        ("oracle.count=[inf]", "oracle.count: input should be a valid integer"),
        ("~oracle.count", "oracle.count: missing; set oracle.count=…"),
        (
            "model=timm model.name=resnet18 model.pretrained=no.pt",
            "model.pretrained: checkpoint no.pt: no such file",
        ),
        ("oracle=maybe", "oracle: input should be true or false, or 'auto'"),
        ("method.lrr=1", "method.lrr: no such key or group; did you mean 'method.lr'?"),
        ("+method.lrr=1", "method.lrr: no such key; did you mean 'lr'?"),
        ("+train.epoch=1", "train.epoch: no such key; did you mean 'epochs'?"),
        ("+eval.mia.featurs=1", "eval.mia.featurs: no such key; did you mean 'features'?"),
        ("method=scrub method.gama=1", "method.gama: no such key or group; did you mean 'method.gamma'?"),
        ("forget.classes=[3]", "forget.classes: no such key here; it belongs to forget=class"),
        ("model=resnet18 model.options.a=1", "model.options.a: not there yet; +model.options.a=… adds it"),
        ("+forgt.fraction=1", "forgt.fraction: no such key; did you mean 'forget'?"),
        ("++foo.bar.baz=1", "foo.bar.baz: no such key; there are: channels_last,"),
        ("~foo", "foo: no such key or group; there are: channels_last,"),
        ("~method.lrr", "method.lrr: no such key or group; did you mean 'method.lr'?"),
        ("recipe=foo", "recipe: no option 'foo'; it follows from task, data and method; a paper's"),
        ("hydra.foo=1", "hydra.foo: no such key or group; there are: channels_last,"),
        ("paths=here", "paths: holds further keys"),
        # what cannot be read
        ("method=[", "cannot read 'method=['"),
        ("lr", "cannot read 'lr': key=value is right"),
        ("forget.concept=[a", "cannot read 'forget.concept=[a': is a bracket or a quote not closed?"),
        ("forget.concept='tis", "As a text: 'forget.concept=\"'\"'\"'tis\"'"),
        ("seed=${nothing}", "Interpolation key 'nothing' not found"),
        # types
        ("method.lr=abc", "method.lr: input should be a valid number"),
        ("method.lr=null", "method.lr: input should be a valid number"),
        ("progress=1", "progress: input should be true or false, got 1"),
        (
            "forget.fraction=50%",
            "forget.fraction: input should be a valid number, got '50%'; as a number 0.5",
        ),
        (
            "forget.fraction=1/2",
            "forget.fraction: input should be a valid number, got '1/2'; as a number 0.5",
        ),
        (
            "train.milestones.below=1",
            "train.milestones.below: train.milestones is a list; give it as a whole",
        ),
        ("eval.mia.features=[]", "eval.mia.features: "),
        ("data.mean=[]", "data.mean: "),
        ("seed=1.5", "seed: input should be a valid integer"),
        ("forget=class forget.classes=3", "forget.classes: input should be a valid list"),
        ("precision=fp64", "precision: input should be 'auto', 'fp32', 'bf16' or 'fp16'"),
        ("method._target_=nosuch.Thing", "method._target_: cannot import 'nosuch.Thing'"),
        ("method._target_=os.system", "method._target_: 'os.system' is not a subclass of"),
        ("train.milestones={}", "train.milestones: 'train.milestones={}' changes nothing; give what it"),
        ("metod.lr.x=1", "metod.lr.x: no such key or group; did you mean"),
        ("method.lr=true", "method.lr: input should be a number, got true"),
        ("seed=1e30", "seed: input should be a whole number up to 9223372036854775807"),
        # ranges
        ("mask.fraction=3", "mask.fraction: input should be less than or equal to 1, got 3"),
        ("method.lr=-1", "method.lr: input should be greater than 0, got -1"),
        ("method.epochs=0", "method.epochs: input should be greater than 0, got 0"),
        ("seed=-1", "seed: input should be greater than or equal to 0, got -1"),
        ("data.std=[0]", "data.std.0: input should be greater than or equal to 0.001"),
        ("data.mean=[0.5,0.5,0.5]", "data.mean: 3 values for images of 1 channel(s)"),
        ("model.depth=9", "model.depth: value error, the depth is 6n + 2"),
        ("method=eu_k method.k=100", "method.k: 100 is too many"),
        # what leaves nothing
        ("forget.fraction=0", "forget.fraction: input should be greater than 0, got 0"),
        ("forget.fraction=1.0", "forget.fraction: input should be less than 1, got 1.0"),
        (
            "forget.fraction=0.999",
            "forget: fraction=0.999, seed=0 chooses all",
        ),
        ("forget.fraction=0.001", "forget: fraction=0.001, seed=0 chooses none of"),
        ("forget.fraction=null forget.count=2000", "forget.count: 2000 of"),
        ("forget.count=5", "forget.fraction, forget.count: both given"),
        ("forget=class forget.classes=[0,1,2,3,4,5,6,7,8,9]", "chooses all"),
        ("data.subset=0.0001", "data.subset: 0.0001 of"),
        # what does not exist
        ("forget=class forget.classes=[cat]", "forget.classes: no class 'cat'; there is 0, 1, 2"),
        ("forget=class forget.classes=[13]", "forget.classes: no class '13'"),
        (
            "forget=group forget.column=hue forget.values=[1]",
            "forget.column: no column 'hue'; there is label",
        ),
        ("forget=indices forget.file=rows.txt", "forget.file: no such file 'rows.txt'"),
        (
            "data=images model=resnet20 data.path=./nowhere",
            "data.path: no such folder './nowhere'; give a folder of",
        ),
        (
            "data=images model=resnet20",
            "data.path: not set; give a folder of parquet files or images, or a hub name",
        ),
        ("paths.data=nowhere", "paths.data: path does not point to a directory"),
        ("method=checkpoint method.path=model.pt", "checkpoint model.pt: no such file"),
        (
            "model=timm model.name=resnet_18",
            "model.name: timm has no model 'resnet_18'; did you mean 'resnet18'?",
        ),
        ("--config-dir=nowhere", "--config-dir: no such folder 'nowhere'"),
        # what was not given
        ("method=checkpoint", "method.path: missing; set method.path=…"),
        ("forget=indices", "forget.file, forget.rows: neither given; give one, as in forget.file=rows.txt"),
        ("forget=request", "forget.file: missing; set forget.file=…"),
        ("forget=request forget.file=request.json", "forget.file: 'request.json': no such file; give a JSON"),
        ("forget=where", "forget.query: missing; set forget.query=…"),
        # what does not fit
        ("model=vgg16_bn", "data.size: vgg16_bn cannot take images of 8x8 pixels"),
        ("precision=fp16", "precision: 'fp16' needs a GPU"),
        (
            "task=generation model=resnet18",
            "model: 'resnet18' does not fit task=generation; those that do: diffusers, patched_unet, unet",
        ),
        ("task=generation eval=classification", "eval: 'classification' does not fit task=generation; those"),
        (
            "model=unet",
            "model: 'unet' does not fit task=classification; those that do: airbench, judge,",
        ),
        ("eval=generation", "eval: 'generation' does not fit task=classification; those that do: class"),
        ("task=generation method=iu", "method: 'iu' does not fit task=generation (it needs "),
        ("method=esd", "method: 'esd' does not fit task=classification (it needs underway)"),
        ("mask=saliency mask.guidance=2", "mask.guidance: task=classification has no guided loss; set"),
    ],
    ids=lambda value: value if "=" in value else "",
)
def test_one_line_names_what_is_wrong(refused, wrong, said):
    assert said in refused(*wrong.split())


def test_cuda_asked_for_and_absent(refused, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device here; use device=cpu" in refused("device=cuda")


def test_no_network_and_no_local_copy(refused):
    said = refused("data=images", "data.path=nobody/nothing", "model=resnet20")
    assert "the hub cannot be reached for 'nobody/nothing'" in said
    assert "data.path=" in said
    assert "UNLEARN_DATA" in said


def test_unreadable_data(refused):
    Path("train.parquet").write_text("no parquet")
    said = refused("data=images", "data.path=./train.parquet", "model=resnet20")
    assert "data.path: 'train.parquet' cannot be read" in said


def test_data_without_the_named_column(refused):
    pq.write_table(pa.table({"picture": ["a"], "label": [0]}), "train.parquet")
    said = refused("data=images", "data.path=./train.parquet", "model=resnet20")
    assert said == "data.image_column: no column 'image'; there is picture, label"


def test_outputs_below_a_file(refused):
    Path("file").write_text("")
    said = refused("paths.outputs=file/outputs")
    assert said.startswith("paths.outputs: cannot write to 'file/outputs'")


@pytest.mark.parametrize("sweep", [(), ("-m",)])
def test_outputs_is_a_file(refused, sweep):
    Path("file").write_text("")
    assert refused(*sweep, "paths.outputs=file").startswith("paths.outputs: cannot write to 'file")


def test_store_below_a_file(tiny):
    Path("file").write_text("")
    end = tiny(*GA, "paths.store=file/store")
    assert end.code == 2
    assert end.error.startswith("paths.store: cannot write to 'file/store")
