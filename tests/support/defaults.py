"""Rules about answers and defaults that are seen by rendering: what an old project's answers become."""

import copy
import itertools
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import copier
import yaml
from combinations import Answers
from jinja2 import TemplateError
from rendering import contents
from rules import Config, asked, carriers, values

__all__ = ["answer", "changed_answers", "questionnaire", "refused_defaults", "surprising_defaults", "variants"]

REFUSED = (ValueError, TemplateError, copier.errors.CopierError)
LEFT_OUT = ("_subdirectory", "_exclude", "_skip_if_exists", "_message_after_copy")


def refused_defaults(config: Config, folder: Path) -> list[str]:
    """List the choices with which a default does not pass its own validator."""
    template = questionnaire(config, folder / "questions")
    found = []
    for number, data in enumerate(variants(config)):
        try:
            answer(template, folder / str(number), data)
        except REFUSED as error:
            found.append(f"{data}: {error}")
    return found


def changed_answers(old: Config, new: Config, folder: Path) -> list[str]:
    """List the answers that a project loses; one of a renamed question is looked for under its new name."""
    before, after = questionnaire(old, folder / "old"), questionnaire(new, folder / "new")
    texts = {key: question["placeholder"] for key, question in asked(old).items() if "placeholder" in question}
    found = []
    for number, data in enumerate([{}, *({**texts, **data} for data in variants(old))]):
        given, kept = (answer(template, folder / str(number), data) for template, data in ((before, data), (after, {})))
        for key, value in given.items():
            names = [key] if key in asked(new) else carriers(old, new, key)
            found += [f"{key}: {value!r} became {kept.get(name)!r}" for name in names if kept.get(name) != value]
    return sorted(set(found))


def surprising_defaults(old: Path, new: Path, folder: Path) -> list[str]:
    """List the new questions with an answer that comes nearer to what the last release gave than the default does.

    What else the release changed is in the renders of all answers, so it does not count.
    """
    before, after = (yaml.safe_load((path / "copier.yml").read_text(encoding="utf-8")) for path in (old, new))
    return [
        f"{key}: {other!r} is nearer to the last release than the default, with {data}"
        for key in sorted(asked(after).keys() - asked(before).keys())
        for number, data in enumerate(variants(before))
        for other in _nearer(key, data, (old, new), folder / f"{key}-{number}")
    ]


def _nearer(key: str, data: Answers, templates: tuple[Path, Path], folder: Path) -> Iterator[Any]:
    """Give the answers to a new question that come nearer to the old render than its default."""
    old, new = templates
    projects = (folder / str(number) / "project" for number in itertools.count())  # the name of the last is an answer
    before, after = next(projects), next(projects)
    if key not in answer(new, after, data):
        return
    answer(old, before, data)
    question = yaml.safe_load((new / "copier.yml").read_text(encoding="utf-8"))[key]
    for other in values(question) or ["", question.get("placeholder", "")]:
        project = next(projects)
        if _accepted(new, project, {**data, key: other}) and _distance(before, project) < _distance(before, after):
            yield other


def questionnaire(config: Config, folder: Path) -> Path:
    """Write a template that asks the questions of a copier.yml and keeps the answers, no more."""
    folder.mkdir(parents=True)
    kept = copy.deepcopy({key: value for key, value in config.items() if key not in LEFT_OUT})
    (folder / "copier.yml").write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers | to_nice_yaml }}", encoding="utf-8"
    )
    return folder


def answer(template: Path, project: Path, data: Mapping[str, Any]) -> Answers:
    """Render with defaults, over what is there, and give the answers that the project keeps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # copier has no earlier answers to read
        copier.run_copy(str(template), project, data=dict(data), defaults=True, overwrite=True, quiet=True)
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {key: value for key, value in kept.items() if key[0] != "_"}


def variants(config: Config) -> list[Answers]:
    """Give no data, then each choice that is no default, alone: the defaults of the others are taken beside it."""
    closed = [(key, value) for key, question in asked(config).items() for value in values(question)]
    return [{}, *({key: value} for key, value in closed if config[key].get("default") != value)]


def _accepted(template: Path, project: Path, data: Mapping[str, Any]) -> bool:
    try:
        answer(template, project, data)
    except REFUSED:
        return False
    return True


def _distance(project: Path, other: Path) -> int:
    """Count the lines that only one of two renders has."""
    sides = [contents(folder) for folder in (project, other)]
    lines = [
        Counter((path, line) for path, data in side.items() if path != ".copier-answers.yml" for line in _lines(data))
        for side in sides
    ]
    return sum(((lines[0] - lines[1]) + (lines[1] - lines[0])).values())


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines() or [b""]
