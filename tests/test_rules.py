"""Each rule for maintainers holds from every release in history to the working tree, and is seen to fail."""

import copy
import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from combinations import Answers
from defaults import answer, changed_answers, questionnaire, refused_defaults, surprising_defaults, variants
from questions import ASKED, CONFIG, HIDDEN, ROOT, choices
from releases import export, releases
from rendering import Renderer, snapshot
from rules import ALONE, PAIRED, Config, asked, configs, new_choices

Plant = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def history() -> dict[str, Config]:
    """Give the copier.yml of each release and of the working tree, the oldest first."""
    return {**configs(ROOT, releases()), "next": CONFIG}


@pytest.fixture
def _fast(renderer: Renderer) -> Iterator[None]:
    """Render with shortcuts; there is no git."""
    with renderer.fast():
        yield


def planted(plant: Plant) -> dict[str, Any]:
    """Give copier.yml with one change."""
    config = copy.deepcopy(CONFIG)
    plant(config)
    return config


def text(default: str, **more: object) -> dict[str, Any]:
    """Make a question for one line of text."""
    return {"type": "str", "help": "What is it?", "default": default, **more}


def choice(*choices: str, default: str = "") -> dict[str, Any]:
    """Make a closed question."""
    return {"type": "str", "help": "Which one?", "choices": list(choices), "default": default or choices[0]}


def rename(config: dict[str, Any], old: str, new: str, default: str) -> dict[str, Any]:
    """Rename a question in place, with another default, and give it."""
    question: dict[str, Any] = config.pop(old) | {"default": default}
    questions = list(config.items())
    config.clear()
    config.update({new: question, **dict(questions)})
    return question


@pytest.mark.parametrize("rule", ALONE)
def test_rule_holds_in_every_release(rule: str, history: Mapping[str, Config]) -> None:
    assert len(history) > 1
    assert {tag: found for tag, config in history.items() if (found := ALONE[rule](config))} == {}


@pytest.mark.parametrize("rule", PAIRED)
def test_rule_holds_from_every_release_to_the_working_tree(rule: str, history: Mapping[str, Config]) -> None:
    assert {tag: found for tag, config in history.items() if (found := PAIRED[rule](config, CONFIG))} == {}


@pytest.mark.usefixtures("_fast")
def test_every_default_is_accepted_in_every_release(history: Mapping[str, Config], tmp_path: Path) -> None:
    assert {tag: found for tag, config in history.items() if (found := refused_defaults(config, tmp_path / tag))} == {}


@pytest.mark.usefixtures("_fast")
def test_no_answer_of_a_release_changes(history: Mapping[str, Config], tmp_path: Path) -> None:
    found = {tag: changed_answers(config, CONFIG, tmp_path / tag) for tag, config in history.items() if tag != "next"}
    assert not any(found.values()), found


def test_new_questions_default_to_what_the_release_before_gave(renderer: Renderer, tmp_path: Path) -> None:
    trees = [export(commit, tmp_path / tag) for tag, commit in releases().items()]
    (tmp_path / "next").mkdir()
    trees.append(snapshot(tmp_path / "next"))
    with renderer.fast():  # without git, which writes the trees
        for old, new in itertools.pairwise(trees):
            assert surprising_defaults(old, new, tmp_path / "projects" / new.name) == []


ALONE_PLANTED: dict[str, tuple[str, Plant, str]] = {
    "task": ("trust", lambda c: c.update(_tasks=["echo"]), "_tasks needs --trust"),
    "no task, but listed": ("trust", lambda c: c.update(_tasks=[]), "_tasks needs --trust"),
    "migration": ("trust", lambda c: c.update(_migrations=[]), "_migrations needs"),
    "extension": ("trust", lambda c: c.update(_jinja_extensions=[]), "_jinja_extensions needs"),
    "multiselect": ("kinds", lambda c: c["license"].update(multiselect=True), "license is multiselect"),
    "secret": ("kinds", lambda c: c["user_email"].update(secret=True), "user_email is secret"),
    "secret list": ("kinds", lambda c: c.update(_secret_questions=["user_email"]), "are not stored"),
    "computed choices": ("plain_choices", lambda c: c["license"].update(choices="{{ x }}"), "license computes"),
    "nested choices": (
        "plain_choices",
        lambda c: c["docs"].update(choices=[["s", "sphinx"]]),
        "docs computes or nests",
    ),
    "no default": ("own_defaults", lambda c: c["docs"].pop("default"), "docs has no default"),
    "no such choice": (
        "own_defaults",
        lambda c: c["docs"].update(default="mkdocs"),
        "'mkdocs', is none of its choices",
    ),
    "loose": ("anchors", lambda c: c["_exclude"].append("README.md"), "_exclude: 'README.md' is not anchored"),
    "loose negation": ("anchors", lambda c: c["_skip_if_exists"].append("!*.md"), "_skip_if_exists: '!\\*.md' is not"),
    "loose option": (
        "anchors",
        lambda c: c["_exclude"].append("{{ '' if docs == 'sphinx' else 'docs' }}"),
        "else 'docs' }}\" is not anchored",
    ),
    "loose block": (
        "anchors",
        lambda c: c["_exclude"].append("{% if docs == 'none' %}docs{% endif %}"),
        'endif %}" is not anchored',
    ),
    "computed": ("anchors", lambda c: c["_exclude"].append("{{ docs }}"), "'{{ docs }}' is not anchored"),
    "slash": ("anchors", lambda c: c["_exclude"].append("{{ '/docs/' if docs == 'none' else '' }}"), "ends in a slash"),
    "template": (
        "literal_skips",
        lambda c: c["_skip_if_exists"].append("/src/{{ package_name }}/io.py"),
        "is a template",
    ),
}

PAIRED_PLANTED: dict[str, tuple[str, Plant, str]] = {
    "choice": ("lost_choices", lambda c: c["license"]["choices"].remove("MIT"), "license has lost 'MIT'"),
    "closed": ("lost_choices", lambda c: c["user_name"].update(choices=["Ada"]), "user_name takes other answers"),
    "type": ("lost_choices", lambda c: c["min_python"].update(type="float"), "min_python takes other answers"),
    "choice of a renamed question": (
        "lost_choices",
        lambda c: rename(c, "license", "licence", "{{ license | default('MIT') }}")["choices"].pop(),
        "licence has lost 'Proprietary'",
    ),
    "question": ("lost_questions", lambda c: c.pop("docs"), "docs is gone"),
    "renamed": ("lost_questions", lambda c: rename(c, "docs", "pages", "sphinx"), "docs is gone, and no new question"),
    "hidden": ("lost_questions", lambda c: c["docs"].update(when=False), "docs is hidden now"),
}

CHANGED: dict[str, tuple[Plant, str]] = {
    "choice": (lambda c: c["license"]["choices"].remove("Apache-2.0"), "license: 'Apache-2.0' became 'MIT'"),
    "renamed": (
        lambda c: rename(c, "license", "licence", "{{ 'MIT' if license else '' }}"),
        "license: 'Proprietary' became 'MIT'",
    ),
    "condition": (lambda c: c["docs"].update(when="{{ hosting != 'none' }}"), "docs: 'sphinx' became None"),
    "validator": (
        lambda c: c["user_name"].update(validator="{{ 'too long' if user_name | length > 3 else '' }}"),
        "user_name: 'Ada Lovelace' became ''",
    ),
}

ALLOWED: dict[str, Plant] = {
    "nothing": lambda _: None,
    "new choice": lambda c: c["license"]["choices"].append("MPL-2.0"),
    "new question": lambda c: c.update(citation=choice("yes", "no")),
    "new default": lambda c: c["license"].update(default="Apache-2.0"),
    "renamed, carried": lambda c: rename(c, "license", "licence", "{{ license | default('MIT') }}"),
    "renamed, read back": lambda c: rename(
        c, "docs", "pages", "{{ _external_data.previous.docs | default('sphinx') }}"
    ),
}


@pytest.mark.parametrize("name", ALONE_PLANTED)
def test_rule_finds_what_is_planted(name: str) -> None:
    rule, plant, complaint = ALONE_PLANTED[name]
    assert re.search(complaint, "\n".join(ALONE[rule](planted(plant))))
    assert ALONE[rule](CONFIG) == []


@pytest.mark.parametrize("name", PAIRED_PLANTED)
def test_rule_finds_what_the_next_release_breaks(name: str) -> None:
    rule, plant, complaint = PAIRED_PLANTED[name]
    assert re.search(complaint, "\n".join(PAIRED[rule](CONFIG, planted(plant))))


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, *_ in ALONE_PLANTED.values()} == ALONE.keys()
    assert {rule for rule, *_ in PAIRED_PLANTED.values()} == PAIRED.keys()


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("name", CHANGED)
def test_answer_that_changes_is_found(name: str, tmp_path: Path) -> None:
    plant, complaint = CHANGED[name]
    assert complaint in changed_answers(CONFIG, planted(plant), tmp_path)


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("name", ALLOWED)
def test_next_release_may_do_this(name: str, tmp_path: Path) -> None:
    new = planted(ALLOWED[name])
    assert [complaint for rule in ALONE.values() for complaint in rule(new)] == []
    assert [complaint for rule in PAIRED.values() for complaint in rule(CONFIG, new)] == []
    assert changed_answers(CONFIG, new, tmp_path) == []


@pytest.mark.usefixtures("_fast")
def test_refused_default_is_found(tmp_path: Path) -> None:
    refusing = planted(lambda c: c.update(site=text("nowhere", validator="{{ 'no URL' if '.' not in site else '' }}")))
    [first, *_] = refused_defaults(refusing, tmp_path / "always")
    assert "no URL" in first
    sometimes = planted(lambda c: c["docs"].update(default="{{ 'mkdocs' if hosting == 'gitlab' else 'sphinx' }}"))
    [only] = refused_defaults(sometimes, tmp_path / "sometimes")
    assert re.match(r"{'hosting': 'gitlab'}: .*Invalid choice", only)


def release(folder: Path, *files: tuple[str, str], **questions: dict[str, Any]) -> Path:
    """Write a small template."""
    questionnaire(questions, folder)
    for name, body in files:
        (folder / f"{name}.jinja").write_text(body, encoding="utf-8")
    return folder


CI = "{{ 'checks' if ci == 'yes' else '' }}\n"
HOST = choice("github", "gitlab")
SURPRISING: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "what was there": ("checks\n", choice("yes", "no"), []),
    "what was not there": ("\n", choice("no", "yes"), []),
    "takes away": ("checks\n", choice("no", "yes"), ["'yes'", "'yes'"]),
    "brings": ("\n", choice("yes", "no"), ["'no'", "'no'"]),
    "of one host": ("\n", choice("yes", "no", default="{{ 'yes' if host == 'gitlab' else 'no' }}"), ["'no'"]),
    "asked of one host": ("\n", choice("yes", "no") | {"when": "{{ host == 'github' }}"}, ["'no'"]),
}


@pytest.mark.usefixtures("_fast")
@pytest.mark.parametrize("name", SURPRISING)
def test_new_question_that_gives_something_else_is_found(name: str, tmp_path: Path) -> None:
    """A line that the release changes for everybody makes no difference."""
    before, question, nearer = SURPRISING[name]
    old = release(tmp_path / "old", ("ci", before), ("all", "1\n2\n"), host=HOST)
    new = release(tmp_path / "new", ("ci", CI), ("all", "1\n3\n"), ("more", "4\n"), host=HOST, ci=question)
    found = surprising_defaults(old, new, tmp_path / "projects")
    assert [re.match(r"ci: ('\w+') is nearer", complaint)[1] for complaint in found] == nearer  # type: ignore[index]


@pytest.mark.usefixtures("_fast")
def test_new_text_that_is_rendered_unasked_is_found(tmp_path: Path) -> None:
    body = "{% if site %}{{ site }}{% endif %}\n"
    old = release(tmp_path / "old", ("page", "\n"), host=HOST)
    for name, default, nearer in (("filled", "example.org", 2), ("empty", "", 0)):
        new = release(tmp_path / name, ("page", body), host=HOST, site=text(default, placeholder="example.com"))
        assert len(surprising_defaults(old, new, tmp_path / "projects" / name)) == nearer


@pytest.mark.usefixtures("_fast")
def test_renamed_question_surprises_nobody_who_is_asked_the_same(tmp_path: Path) -> None:
    old = release(tmp_path / "old", ("ci", CI), ci=choice("yes", "no"))
    for default, nearer in (("{{ ci | default('yes') }}", 0), ("{{ ci | default('no') }}", 1)):
        renamed = choice("yes", "no", default=default)
        new = release(tmp_path / f"new-{nearer}", ("ci", CI.replace("ci ==", "checks ==")), checks=renamed)
        assert len(surprising_defaults(old, new, tmp_path / "projects" / str(nearer))) == nearer


@pytest.mark.usefixtures("_fast")
def test_question_that_takes_a_file_from_this_template_is_found(template: Path, tmp_path: Path) -> None:
    old, new = (Path(shutil.copytree(template, tmp_path / name)) for name in ("old", "new"))
    config = yaml.safe_load((new / "copier.yml").read_text(encoding="utf-8"))
    closed = [key for key, question in asked(config).items() if "choices" in question]
    for key in closed:  # one choice each: the renders are whole
        config[key]["choices"] = [config[key]["default"]]
    config["guide"] = choice("no", "yes")
    config["_exclude"].append("{{ '/CONTRIBUTING.md' if guide == 'no' else '' }}")
    (new / "copier.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    del config["guide"], config["_exclude"][-1]
    (old / "copier.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    [complaint] = surprising_defaults(old, new, tmp_path / "projects")
    assert complaint == "guide: 'yes' is nearer to the last release than the default, with {}"


def test_new_choices_are_named() -> None:
    new = planted(lambda c: (c["license"]["choices"].append("MPL-2.0"), c.update(ci=choice("yes", "no"))))
    assert new_choices(CONFIG, new) == {"license": ["MPL-2.0"]}
    assert new_choices(new, CONFIG) == {}


def named_data(page: str) -> set[str]:
    """Name the questions that commands answer by data."""
    return set(re.findall(r"(?:--data|-d)[= ]['\"]?([a-z_]+)=", page))


def test_no_command_answers_a_hidden_question() -> None:
    pages = [ROOT / "README.md", ROOT / "noxfile.py"]
    for folder in ("docs", "template", ".github"):
        pages += [path for path in (ROOT / folder).rglob("*") if path.suffix in {".md", ".py", ".yml", ".sh", ".jinja"}]
    named = {key for page in pages for key in named_data(page.read_text(encoding="utf-8"))}
    assert named
    assert named <= ASKED.keys()
    assert named_data("copier copy --data repository_url=x -d 'docs=none'") == {"repository_url", "docs"}


@pytest.mark.parametrize("answers", [{}, {"hosting": "gitlab"}, {"build_backend": "uv-build"}])
def test_project_keeps_what_was_asked_and_nothing_hidden(answers: Answers, renderer: Renderer, tmp_path: Path) -> None:
    renderer.copy(tmp_path / "project", answers)
    kept = yaml.safe_load((tmp_path / "project" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert not kept.keys() & HIDDEN.keys()
    compared = kept.pop("answered")
    assert compared == {key: kept[key] for key in compared}
    assert {key for key in kept if key[0] != "_"} == answer(
        questionnaire(CONFIG, tmp_path / "q"), tmp_path / "a", answers
    ).keys()


@pytest.mark.usefixtures("_fast")
def test_variants_hold_every_choice(tmp_path: Path) -> None:
    template = questionnaire(CONFIG, tmp_path / "questions")
    kept = [answer(template, tmp_path / str(number), data) for number, data in enumerate(variants(CONFIG))]
    for key in filter(choices, ASKED):
        assert {answers[key] for answers in kept if key in answers} == set(choices(key))
