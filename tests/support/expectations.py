"""What METADATA must say, worked out from the answers alone."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from interpreters import VERSIONS
from wheels import Wheel

__all__ = ["authors", "check_metadata"]


def check_metadata(wheel: Wheel, answers: Mapping[str, Any], files: Mapping[str, bytes], *, version: str) -> None:
    """Compare a wheel's metadata with the answers, and its README and licence with the rendered files."""
    metadata, package = wheel.metadata, answers["package_name"]
    distribution = package.replace("_", "-")
    assert wheel.path.name == f"{package}-{version}-py3-none-any.whl"
    assert metadata["Name"].replace("_", "-") == distribution
    assert metadata["Version"] == version
    assert metadata["Requires-Python"] == f">={answers['min_python']}"
    assert (metadata["Summary"] or "") == answers["description"]
    assert authors(wheel) == expected_authors(answers)
    expression = {"Proprietary": "LicenseRef-Proprietary"}.get(answers["license"], answers["license"])
    assert metadata["License-Expression"] == expression
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert wheel.files[f"{wheel.dist_info}/licenses/LICENSE"] == files["LICENSE"]
    assert metadata["Description-Content-Type"].partition(";")[0] == "text/markdown"
    text = wheel.files[f"{wheel.dist_info}/METADATA"].decode().split("\n\n", 1)[1]
    assert text.rstrip("\n") == files["README.md"].decode().rstrip("\n")
    assert wheel.scripts == {distribution: f"{package}.cli:main"}
    check_classifiers(metadata.get_all("Classifier", []), answers)
    owner = answers.get("github_user") or answers.get("gitlab_user")
    home = f"https://{answers['hosting']}.com/{owner}/{distribution}"
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert urls.get("Homepage") == (home if owner else None)


def check_classifiers(classifiers: list[str], answers: Mapping[str, Any]) -> None:
    """Compare the Pythons and the stop for uploads; a licence classifier beside an expression is refused by PyPI."""
    versions = [version for version in VERSIONS if version >= answers["min_python"]]
    python = "Programming Language :: Python :: 3."
    assert [name for name in classifiers if name.startswith(python)] == [
        f"{python}{version[2:]}" for version in versions
    ]
    assert ("Private :: Do Not Upload" in classifiers) == (answers["publish"] == "nowhere")
    assert not [name for name in classifiers if name.startswith("License ::")]


def authors(wheel: Wheel) -> tuple[str, str]:
    """Read the author's name and address, in whichever of the two fields a backend puts them."""
    name, address = parseaddr(wheel.metadata["Author-email"] or "")
    return wheel.metadata["Author"] or name, address


def expected_authors(answers: Mapping[str, Any]) -> tuple[str, str]:
    """Give the name and address that METADATA must hold, with what three backends make of them.

    For an address without a name, poetry-core writes it as the name and pdm-backend writes "Unknown". uv-build puts a
    name with signs unquoted before the address, where it cannot be parsed back; then the name has to be right in
    `Author`, and the address in pyproject.toml.
    """
    name, address = answers["user_name"], answers["user_email"]
    if answers["build_backend"] == "poetry-core" and not name:
        return address, ""
    if answers["build_backend"] == "pdm-backend" and address and not name:
        return "Unknown", address
    if answers["build_backend"] == "uv-build" and name and address:
        return name, parseaddr(f"{name} <{address}>")[1]
    return name, address
