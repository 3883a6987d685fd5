"""All that is rendered below ``policies``, as files: written, or compared with what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from thunderguard.catalogue import Catalogue, Rule
from thunderguard.errors import PolicyError, UsageError
from thunderguard.facts.resources import OWN_GROUP
from thunderguard.facts.waivers import Waiver
from thunderguard.model import JsonObject
from thunderguard.render import pages, policies
from thunderguard.render.bodies import Body, load_body, load_facts
from thunderguard.render.together import together
from thunderguard.render.webhook import PATH, webhook
from thunderguard.yamltext import WholeDumper

#: The name of the Estate in examples/thunderline.
DEFAULT_ESTATE = "thunderline"


def rendered(
    folder: Path, catalogue: Catalogue, *, estate: str = DEFAULT_ESTATE, waivers: Sequence[Waiver] = ()
) -> dict[str, str]:
    """Give the text of each file that is rendered, by its path below ``folder``, from the bodies that stand there.

    ``estate`` is the name of the Estate that the policies ask for, ``waivers`` are those of it in force. Raises
    PolicyError when a body and the catalogue do not fit together.
    """
    facts = load_facts(folder)
    files: dict[str, str] = {}
    kyverno = [_kyverno_role()]
    judged: list[tuple[Rule, Body]] = []
    for name in catalogue.object_rules:
        rule = catalogue.rules[name]
        body = load_body(folder, name, facts)
        _check_keys(rule, body.found)
        judged.append((rule, body))
        wrapped = {
            "kyverno": [policies.kyverno(rule, body, facts, estate)],
            "native": list(policies.native(rule, body, facts, estate, waivers)),
        }
        for way, documents in wrapped.items():
            files[f"{name}/{way}.yaml"] = _yaml(documents, "body.cel.yaml, ../facts.cel.yaml and the catalogue")
        kyverno += wrapped["kyverno"]
        files[f"{name}/README.md"] = pages.rule_page(rule)
    installed = {
        "kyverno": kyverno,
        "native": together(judged, facts, estate, waivers),
        "opa": [webhook([body for _, body in judged], facts)],
    }
    for way, documents in installed.items():
        name = "webhook.yaml" if way == "opa" else "policies.yaml"
        files[f"{way}/{name}"] = _yaml(documents, "the bodies of all rules and the catalogue")
        files[f"{way}/kustomization.yaml"] = _yaml([_kustomization([name])])
        overlay = {**_kustomization([f"../../{way}"]), "patches": [_AUDIT_ONLY[way]]}
        files[f"audit-only/{way}/kustomization.yaml"] = _yaml([overlay])
    files["README.md"] = pages.index_page(catalogue.rules.values())
    return files


def differences(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Give the paths below ``folder`` that are not what ``files`` says, sorted."""
    for name, text in sorted(files.items()):
        path = folder / name
        try:
            if path.read_text(encoding="utf-8") == text:
                continue
        except (OSError, UnicodeDecodeError):
            pass
        yield name


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write what differs below ``folder`` and give its paths. Raises UsageError when that is not possible."""
    changed = list(differences(folder, files))
    for name in changed:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return changed


def _check_keys(rule: Rule, found: Mapping[str, str]) -> None:
    if odd := set(rule.violations) ^ set(found):
        raise PolicyError(
            f"{rule.id}/body.cel.yaml and the catalogue differ about {', '.join(sorted(odd))}",
            hint="each violation of the catalogue has an entry in the body, and the other way round",
        )


def _kustomization(resources: list[str]) -> JsonObject:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}


def _replaced(kind: str, values: Mapping[str, Any]) -> JsonObject:
    patch = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    return {"target": {"kind": kind}, "patch": yaml.safe_dump(patch, sort_keys=False)}


_ADVICE = PATH.replace("/webhook", "/advice")
_AUDIT_ONLY: Mapping[str, JsonObject] = {
    "kyverno": _replaced("ValidatingPolicy", {"/spec/validationActions": ["Audit"]}),
    "native": _replaced("ValidatingAdmissionPolicyBinding", {"/spec/validationActions": ["Audit"]}),
    # What would be denied is a warning, and without an answer everything goes on.
    "opa": _replaced(
        "ValidatingWebhookConfiguration",
        {
            "/webhooks/0/clientConfig/service/path": _ADVICE,
            "/webhooks/0/failurePolicy": "Ignore",
            "/webhooks/1/clientConfig/service/path": _ADVICE,
        },
    ),
}


def _kyverno_role() -> JsonObject:
    """Give the role that lets Kyverno read Estates: without it, its policies deny everything."""
    labels = {
        f"rbac.kyverno.io/aggregate-to-{part}-controller": "true" for part in ("admission", "background", "reports")
    }
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "thunderguard:kyverno:estates", "labels": labels},
        "rules": [{"apiGroups": [OWN_GROUP], "resources": ["estates"], "verbs": ["get", "list", "watch"]}],
    }


class _Dumper(WholeDumper):
    """Writes long texts folded, so that a rendered policy can be read and compared line by line."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else ">" if len(value) > 90 else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _yaml(documents: list[JsonObject], sources: str = "") -> str:
    head = f"# Rendered by `thunderguard render`{f' from {sources}' if sources else ''}. Do not edit.\n"
    text = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116)
    return head + str(text)
