"""What users of MLflow do, with the client as it is. The address and the token come from the environment."""

import math
import os
import tempfile

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

client = MlflowClient()


def refused(code, call):
    try:
        call()
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return
    raise AssertionError("this must be refused")


def experiments():
    mlflow.set_experiment("credit")
    found = client.get_experiment_by_name("credit")
    assert client.get_experiment_by_name("nothing") is None
    client.set_experiment_tag(found.experiment_id, "team", "risk")
    assert client.get_experiment(found.experiment_id).tags["team"] == "risk"
    listed = client.search_experiments(filter_string="tags.team = 'risk'")
    assert [e.name for e in listed] == ["credit"]
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("credit"))
    other = client.create_experiment("other")
    client.rename_experiment(other, "another")
    client.delete_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "deleted"
    client.restore_experiment(other)
    return found.experiment_id


def runs(experiment):
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"depth": 3, "kind": "tree"})
        mlflow.log_metrics({"auc": 0.75, "bad": math.nan, "big": math.inf}, step=1)
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.set_tags({"note": "first", "stage": "dev"})
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("auc", 0.5)
    run = client.get_run(parent.info.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == "parent"
    assert run.data.params == {"depth": "3", "kind": "tree"}
    assert math.isnan(run.data.metrics["bad"]) and run.data.metrics["big"] == math.inf
    assert [m.value for m in client.get_metric_history(run.info.run_id, "loss")] == [1 / (i + 1) for i in range(5)]
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    client.log_param(run.info.run_id, "depth", 3)
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(run.info.run_id, "depth", 4))
    client.delete_tag(run.info.run_id, "note")
    assert "note" not in client.get_run(run.info.run_id).data.tags
    client.update_run(run.info.run_id, name="renamed")
    assert client.get_run(run.info.run_id).info.run_name == "renamed"
    metrics = [Metric(f"m{i % 10}", float(i), 1000 + i, i) for i in range(900)]
    client.log_batch(run.info.run_id, metrics, [Param("p", "q")], [RunTag("t", "u")])
    found = client.search_runs([experiment], "metrics.auc > 0.6 and params.kind = 'tree'", order_by=["metrics.auc DESC"])
    assert [r.info.run_id for r in found] == [run.info.run_id]
    assert len(mlflow.search_runs([experiment])) == 2
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "nothing at all"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))
    client.delete_run(child.info.run_id)
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    client.restore_run(child.info.run_id)
    for i in range(7):
        client.set_terminated(client.create_run(experiment, run_name=f"page {i}").info.run_id)
    page = client.search_runs([experiment], max_results=4)
    assert len(page) == 4 and page.token
    assert len(client.search_runs([experiment], max_results=100, page_token=page.token)) == 5
    return run.info.run_id


def artifacts(run_id):
    client.log_text(run_id, "hello", "notes/a b.txt")
    client.log_dict(run_id, {"a": 1}, "config.json")
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "deep", "er"))
        for name in ["x.bin", "deep/y.bin", "deep/er/z.bin"]:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(name.encode() * 100_000)
        client.log_artifacts(run_id, folder, "files")
    assert sorted(f.path for f in client.list_artifacts(run_id)) == ["config.json", "files", "notes"]
    assert sorted(f.path for f in client.list_artifacts(run_id, "files")) == ["files/deep", "files/x.bin"]
    with tempfile.TemporaryDirectory() as folder:
        local = client.download_artifacts(run_id, "files", folder)
        with open(os.path.join(local, "deep", "er", "z.bin"), "rb") as file:
            assert file.read() == b"deep/er/z.bin" * 100_000
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a b.txt") == "hello"


def datasets():
    import pandas

    data = mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2]}), name="table")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training")
    held = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert held[0].dataset.name == "table" and held[0].tags[0].value == "training"


class Double(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value for value in model_input["x"]]


def models():
    import pandas

    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(name="model", python_model=Double(), registered_model_name="doubler", pip_requirements=[])
    assert client.get_logged_model(logged.model_id).status.name == "READY" or str(client.get_logged_model(logged.model_id).status) == "READY"
    version = client.search_model_versions("name = 'doubler'")[0]
    assert version.version in (1, "1")
    client.set_registered_model_alias("doubler", "champion", "1")
    client.set_registered_model_tag("doubler", "team", "risk")
    client.set_model_version_tag("doubler", "1", "checked", "yes")
    client.update_model_version("doubler", "1", "doubles")
    found = client.get_model_version_by_alias("doubler", "champion")
    assert found.description == "doubles" and found.tags["checked"] == "yes"
    model = client.get_registered_model("doubler")
    assert model.tags == {"team": "risk"} and model.aliases == {"champion": "1"}
    loaded = mlflow.pyfunc.load_model("models:/doubler@champion")
    assert list(loaded.predict(pandas.DataFrame({"x": [1, 2]}))) == [2, 4]
    client.delete_registered_model_alias("doubler", "champion")
    client.create_registered_model("empty", {"a": "b"}, "nothing yet")
    assert [m.name for m in client.search_registered_models("name LIKE 'em%'")] == ["empty"]
    client.rename_registered_model("empty", "void")
    client.delete_registered_model_tag("void", "a")
    client.delete_registered_model("void")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("void"))
    client.delete_model_version("doubler", "1")
    assert not client.search_model_versions("name = 'doubler'")


experiment = experiments()
run = runs(experiment)
artifacts(run)
datasets()
models()
print("all steps passed")
