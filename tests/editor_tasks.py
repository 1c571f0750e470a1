"""Tasks with images and predictions of a test's own, in a real Label Studio."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, JsonValue, TypeAdapter

from real_label_studio import LabelStudio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Item: TypeAlias = dict[str, JsonValue]
"""An item of a prediction's result, or of what the editor would submit."""


class _Upload(BaseModel):
    file_upload_ids: list[int]


class _File(BaseModel):
    file: str


class _Id(BaseModel):
    id: int


class _Result(BaseModel):
    task: int
    result: list[Item]


class Tasks(LabelStudio):
    """Tasks with several images each, and predictions that no backend made."""

    @cached_property
    def _album(self) -> int:
        """A project for photos alone: one that needs two images a task refuses single uploads."""
        return self.create_project('<View><Image name="image" value="$image"/></View>')

    def upload_files(self, photos: Mapping[str, bytes]) -> dict[str, str]:
        """Upload photos that make no task by themselves; return the address of each."""
        files = [(name, (name, photo, "image/jpeg")) for name, photo in photos.items()]
        path = f"/api/projects/{self._album}/import"
        answer = self._client.post(path, files=files, params={"commit_to_project": "false"})
        ids = _Upload.model_validate_json(answer.raise_for_status().content).file_upload_ids
        stored = [_File.model_validate_json(self._get(f"/api/import/file-upload/{i}")) for i in ids]
        return {name: f"/data/{file.file}" for name, file in zip(photos, stored, strict=True)}

    def create_task(self, project: int, data: Mapping[str, JsonValue]) -> int:
        body = {"project": project, "data": dict(data)}
        return _Id.model_validate_json(self._post("/api/tasks/", body)).id

    def create_prediction(self, task: int, result: Sequence[Item]) -> int:
        body = {"task": task, "result": list(result), "model_version": "test"}
        return _Id.model_validate_json(self._post("/api/predictions/", body)).id

    def store(
        self,
        label_config: str,
        photos: Mapping[str, bytes],
        data: Mapping[str, str | list[str]],
        result: Sequence[Item],
    ) -> tuple[int, int]:
        """Store a prediction in a project of its own.

        Args:
            label_config: the project's labelling config.
            photos: the photos of the task, by name.
            data: the task's data, with names of photos in place of addresses.
            result: the prediction.

        Returns:
            The project and the task.
        """
        project = self.create_project(label_config)
        task = self.create_task(project, with_addresses(data, self.upload_files(photos)))
        self.create_prediction(task, result)
        return project, task

    def results(self, project: int) -> dict[int, list[Item]]:
        """Return what is stored as the prediction of each task, which has one."""
        stored = TypeAdapter(list[_Result]).validate_json(
            self._get("/api/predictions/", project=project)
        )
        assert len({one.task for one in stored}) == len(stored)
        return {one.task: one.result for one in stored}

    def ensure_view(self, project: int) -> None:
        """Give the project a tab in the Data Manager, unless it has one.

        Without one the page makes it, loads the task twice for that, and of the two answers the
        one without predictions may win.
        """
        views = TypeAdapter(list[_Id])
        if not views.validate_json(self._get("/api/dm/views", project=project)):
            self._post("/api/dm/views", {"project": project, "data": {"title": "All"}})


def with_addresses(
    data: Mapping[str, str | list[str]], addresses: Mapping[str, str]
) -> dict[str, JsonValue]:
    """Return the data of a task with addresses in place of the names of photos."""
    return {
        key: addresses[names] if isinstance(names, str) else [addresses[one] for one in names]
        for key, names in data.items()
    }
