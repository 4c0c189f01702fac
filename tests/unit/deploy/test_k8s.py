"""The manifests, as `kubectl apply -k` would send them. No cluster has taken them here."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy.images.__main__ import released_version
from deploy.images.gateway import HTTP_PORT, HTTPS_PORT
from deploy.images.gateway import Settings as GatewaySettings
from deploy.images.tools import make_secrets
from deploy.k8s import topology as written
from deploy.local.layout import ROOT, SERVICES
from deploy.local.mongo import roles_of
from shared import topology
from shared.cli import build_parser
from shared.health import Health
from tests.unit.deploy.dockerfiles import stages
from tests.unit.deploy.modules import service_of

K8S = ROOT / "deploy" / "k8s"
CUSTOM = yaml.safe_load(Path(__file__).with_name("custom_kinds.yaml").read_text())
BEFORE = [f"{service}/before" for service in SERVICES]
FOLDERS = [*SERVICES, *BEFORE, "gateway", "mongo", "rabbitmq", "namespace"]
OVERLAYS = ["overlays/small", "overlays/large"]
KUBERNETES = "1.37.0"
# Labels of pods that operators make, and of what a cluster has.
MADE_BY_OTHERS = [{"app": "mongo-svc"}, {"app.kubernetes.io/name": "rabbitmq"}, {"k8s-app": "kube-dns"}]

Object = dict[str, Any]


@cache
def rendered(folder: str) -> list[Object]:
    """What kubectl would apply."""
    kubectl = str(Path(sys.prefix) / "bin" / "kubectl")
    done = subprocess.run([kubectl, "kustomize", str(K8S / folder)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def of_kind(folder: str, *kinds: str) -> list[Object]:
    return [each for each in rendered(folder) if each["kind"] in kinds]


def identity(each: Object) -> tuple[str, str, str]:
    return each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]


def template(each: Object) -> Object:
    """The pod template of a workload."""
    spec: Object = each["spec"]
    found: Object = (spec["jobTemplate"]["spec"] if each["kind"] == "CronJob" else spec)["template"]
    return found


def workloads(folder: str) -> list[Object]:
    return of_kind(folder, "Deployment", "Job", "CronJob")


def pods() -> Iterator[tuple[str, Object, Object]]:
    for folder in FOLDERS:
        for each in workloads(folder):
            yield folder, each, template(each)


ALL_PODS = list(pods())
NAMES = [f"{folder}:{each['metadata']['name']}" for folder, each, _ in ALL_PODS]
OURS = [(folder, each, pod) for folder, each, pod in ALL_PODS if folder != "gateway"]


def is_screening(each: Object) -> bool:
    return bool(each["metadata"]["name"] == "orders-screening")


def labels_of_all_pods() -> list[dict[str, str]]:
    return [pod["metadata"]["labels"] for _, _, pod in ALL_PODS] + MADE_BY_OTHERS


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """A label selector, as Kubernetes reads it."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


def settings_env(folder: str, pod: Object) -> dict[str, str]:
    """The environment of the first container: the image's, and that of its ConfigMap."""
    container = pod["spec"]["containers"][0]
    [source] = container["envFrom"]
    [config] = [
        each for each in of_kind(folder, "ConfigMap") if each["metadata"]["name"] == source["configMapRef"]["name"]
    ]
    assert "env" not in container
    data: dict[str, str] = config["data"]
    return data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make_secrets.make_all(folder, make_secrets.Addresses("mongodb://db", "amqps://mq", "smtp://relay:25"))
    return folder


@pytest.fixture(scope="module")
def given(made: Path) -> dict[tuple[str, str], set[str]]:
    """Keys of every Secret and ConfigMap that is there: made by us, by cert-manager, or by who runs it."""
    items = make_secrets.kubernetes_list(made)["items"]
    there = {(each["kind"], each["metadata"]["name"]): set(each.get("stringData", each.get("data"))) for each in items}
    for folder in FOLDERS:
        for each in of_kind(folder, "Certificate"):
            there["Secret", each["spec"]["secretName"]] = {"ca.crt", "tls.crt", "tls.key"}
        for each in of_kind(folder, "ConfigMap"):
            there["ConfigMap", each["metadata"]["name"]] = set(each["data"])
    there["Secret", "gateway-tls"] = {"tls.crt", "tls.key"}
    return there


@pytest.mark.parametrize("folder", [*FOLDERS, *OVERLAYS])
def test_every_object_keeps_the_schema_of_its_kind(folder: str) -> None:
    for each in rendered(folder):
        kind = f"{each['apiVersion']}/{each['kind']}"
        if kind in CUSTOM["kinds"]:
            assert each.keys() == {"apiVersion", "kind", "metadata", "spec"}
            schema = {"definitions": CUSTOM["definitions"], "type": "object", **CUSTOM["kinds"][kind]}
            jsonschema.validate(each["spec"], schema)
        else:
            assert "." not in each["apiVersion"] or each["apiVersion"].endswith((".k8s.io/v1", "k8s.io/v2")), kind
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_an_unknown_field_is_a_fault() -> None:
    [job] = of_kind("orders/before", "Job")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job | {"spec": job["spec"] | {"backofLimit": 1}}, KUBERNETES, strict=True)


def test_one_folder_touches_nothing_of_another() -> None:
    owner: dict[tuple[str, str, str], str] = {}
    for folder in FOLDERS:
        for each in rendered(folder):
            assert owner.setdefault(identity(each), folder) == folder, identity(each)


@pytest.mark.parametrize("service", SERVICES)
def test_all_of_a_service_carries_its_name(service: str) -> None:
    for folder in (service, f"{service}/before"):
        for each in rendered(folder):
            assert each["metadata"]["namespace"] == "padlock"
            assert each["metadata"]["name"].startswith(f"{service}-")
            assert each["metadata"]["labels"]["app.kubernetes.io/name"] == service


@pytest.mark.parametrize(("folder", "each", "pod"), ALL_PODS, ids=NAMES)
def test_pods_keep_the_restricted_security_standard(folder: str, each: Object, pod: Object) -> None:
    spec = pod["spec"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
        }  # fmt: skip
        assert "memory" in container["resources"]["limits"]
    allowed = {"configMap", "emptyDir", "secret"}
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= allowed
    [account] = of_kind(folder, "ServiceAccount")
    assert spec["serviceAccountName"] == account["metadata"]["name"]


def test_the_namespace_enforces_that_standard_and_denies_all_traffic_by_default() -> None:
    [namespace] = of_kind("namespace", "Namespace")
    [deny] = of_kind("namespace", "NetworkPolicy")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("folder", "each", "pod"), ALL_PODS, ids=NAMES)
def test_images_are_of_the_release_and_of_the_service(folder: str, each: Object, pod: Object) -> None:
    owner = folder.partition("/")[0]

    assert {container["image"] for container in pod["spec"]["containers"]} == {
        f"padlock-{owner}:{released_version(owner)}"
    }


@pytest.mark.parametrize(("folder", "each", "pod"), OURS)
def test_settings_are_those_that_the_service_knows_and_needs(
    folder: str, each: Object, pod: Object, made: Path
) -> None:
    service = folder.partition("/")[0]
    environ = settings_env(folder, pod)
    files = {f"/run/addresses/{path.name}": str(path) for path in (made / "services" / service).iterdir()}

    image = stages("Dockerfile", SERVICE=service)[-1].environ()
    settings = service_of(service).settings.from_env(image | {k: files.get(v, v) for k, v in environ.items()})

    mounts = {mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    keys = {path.removeprefix(f"{settings.key_dir}/") for path in mounts if path.startswith(f"{settings.key_dir}/")}
    # What is kept of cards is opened by nobody who lasts, nor do the screening commands open events.
    assert keys == ({"fields", "index", "card"} if is_screening(each) else set(make_secrets.PURPOSES[service]))
    assert {f"{settings.seal_keys_dir}/{reader}" for reader in SERVICES} <= mounts
    assert (f"{settings.seal_keys_dir}/card" in mounts) == (service == "orders")
    assert not settings.key_dir_is_private
    assert "/tmp" in mounts
    assert "/run/ca" in mounts


@pytest.mark.parametrize(("folder", "each", "pod"), OURS)
def test_commands_are_those_that_the_service_has(folder: str, each: Object, pod: Object) -> None:
    container = pod["spec"]["containers"][0]

    assert "command" not in container  # the image's entry point
    build_parser(service_of(folder.partition("/")[0])).parse_args(container["args"])


@pytest.mark.parametrize(("folder", "each", "pod"), ALL_PODS, ids=NAMES)
def test_every_secret_and_configmap_that_is_named_is_made(
    folder: str, each: Object, pod: Object, given: dict[tuple[str, str], set[str]]
) -> None:
    mounted = {mount["name"] for container in pod["spec"]["containers"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}

    for volume in pod["spec"]["volumes"]:
        for kind, source, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if found := volume.get(source):
                assert {item["key"] for item in found.get("items", [])} <= given[kind, found[name]]


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_for_what_the_service_answers(service: str) -> None:
    routes = {route.path for route in Health(ready=lambda: None).routes()}  # type: ignore[arg-type, return-value]
    port = int(stages("Dockerfile", SERVICE=service)[-1].environ()["PADLOCK_HTTP_PORT"])

    for each in of_kind(service, "Deployment"):
        container = template(each)["spec"]["containers"][0]
        asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {name: get["path"] for name, get in asked.items()} == {
            "startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"
        }  # fmt: skip
        assert {get["path"] for get in asked.values()} <= routes
        assert container["ports"] == [{"name": "http", "containerPort": port}]
        assert {get["port"] for get in asked.values()} == {"http"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_time_to_stop(service: str) -> None:
    grace_s = service_of(service).settings.model_fields["shutdown_grace_s"].default

    for each in of_kind(service, "Deployment"):
        spec = template(each)["spec"]
        wait_s = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] > wait_s + grace_s


def selected(folder: str, selector: Object) -> list[str]:
    return [each["metadata"]["name"] for at, each, pod in ALL_PODS
            if matches(selector, pod["metadata"]["labels"]) and at.partition("/")[0] == folder]  # fmt: skip


@pytest.mark.parametrize("folder", [*SERVICES, "gateway"])
def test_services_and_budgets_select_their_own_pods_only(folder: str) -> None:
    for each in of_kind(folder, "Service", "PodDisruptionBudget"):
        raw = each["spec"]["selector"]
        selector = raw if each["kind"] == "PodDisruptionBudget" else {"matchLabels": raw}
        hit = [labels for labels in labels_of_all_pods() if matches(selector, labels)]
        assert selected(folder, selector) == [each["metadata"]["name"]]
        assert len(hit) == 1


def test_the_gateway_sends_to_services_that_are_there() -> None:
    [deployment] = of_kind("gateway", "Deployment")
    pod = template(deployment)
    settings = GatewaySettings.from_env(settings_env("gateway", pod))

    for service in SERVICES:
        [target] = of_kind(service, "Service")
        [port] = target["spec"]["ports"]
        assert settings.upstreams[service] == f"{target['metadata']['name']}:{port['port']}"
    ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
    assert ports == {"http": HTTP_PORT, "https": HTTPS_PORT}
    [secret] = [volume["secret"] for volume in pod["spec"]["volumes"] if volume["name"] == "tls"]
    assert {item["path"] for item in secret["items"]} == {"server.pem", "server.key"}


def test_keys_of_auth_are_asked_for_where_auth_publishes_them() -> None:
    [auth] = of_kind("auth", "Service")
    port = auth["spec"]["ports"][0]["port"]

    for service in ("orders", "warranty"):
        for each in workloads(service):
            url = settings_env(service, template(each))["PADLOCK_JWKS_URL"]
            assert url == f"http://{auth['metadata']['name']}:{port}/.well-known/jwks.json"


def test_mailer_gets_the_keys_of_auth_from_its_own_pod(given: dict[tuple[str, str], set[str]]) -> None:
    [serve] = [each for each in of_kind("mailer", "Deployment") if each["metadata"]["name"] == "mailer-serve"]
    _, keys = template(serve)["spec"]["containers"]

    _, _, module, port, *options = keys["command"]
    assert (module, options) == ("http.server", ["--bind", "127.0.0.1", "--directory", "/run/jwks"])
    assert settings_env("mailer", template(serve))["PADLOCK_JWKS_URL"] == f"http://127.0.0.1:{port}/jwks.json"
    assert given["ConfigMap", "identity-keys"] == {"jwks.json"}


def test_the_route_is_tls_passed_through_to_the_gateway_and_a_redirect() -> None:
    [gateway] = of_kind("gateway", "Gateway")
    [http] = of_kind("gateway", "HTTPRoute")
    [tls] = of_kind("gateway", "TLSRoute")
    [target] = of_kind("gateway", "Service")

    listeners = {each["name"]: each for each in gateway["spec"]["listeners"]}
    assert (listeners["https"]["protocol"], listeners["https"]["tls"]) == ("TLS", {"mode": "Passthrough"})
    assert http["spec"]["rules"] == [
        {
            "matches": [{"method": "GET"}, {"method": "HEAD"}],
            "filters": [
                {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 443, "statusCode": 301}}
            ],
        }
    ]
    [backend] = tls["spec"]["rules"][0]["backendRefs"]
    assert backend == {"name": target["metadata"]["name"], "port": 443}
    for route in (http, tls):
        [parent] = route["spec"]["parentRefs"]
        assert parent["name"] == gateway["metadata"]["name"]
        assert parent["sectionName"] in listeners


@pytest.mark.parametrize("folder", [*SERVICES, "gateway", "mongo", "rabbitmq"])
def test_every_selector_of_a_network_policy_hits_a_pod(folder: str) -> None:
    policies = of_kind(folder, "NetworkPolicy")

    assert policies
    for policy in policies:
        spec = policy["spec"]
        assert any(matches(spec["podSelector"], labels) for labels in labels_of_all_pods()), policy["metadata"]["name"]
        if folder in (*SERVICES, "gateway"):
            hit = [labels for labels in labels_of_all_pods() if matches(spec["podSelector"], labels)]
            assert {labels["app.kubernetes.io/name"] for labels in hit} == {folder}
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            for peer in rule.get("from", rule.get("to")):
                if "podSelector" in peer:
                    assert any(matches(peer["podSelector"], labels) for labels in labels_of_all_pods()), peer


def egress(labels: dict[str, str]) -> set[tuple[str, int]]:
    """Whom a pod may reach by all policies of all folders: (who, port)."""
    allowed = set()
    for policy in (each for folder in FOLDERS for each in of_kind(folder, "NetworkPolicy")):
        if matches(policy["spec"]["podSelector"], labels):
            for rule in policy["spec"].get("egress", []):
                for peer in rule["to"]:
                    allowed |= {(who(peer), port["port"]) for port in rule["ports"]}
    return allowed


def who(peer: Object) -> str:
    if "ipBlock" in peer:
        return "relay"
    named = [each["values"] for each in peer["podSelector"]["matchExpressions"]]
    return "/".join(",".join(values) for values in named)


@pytest.mark.parametrize(("folder", "each", "pod"), OURS)
def test_whom_a_process_may_reach(folder: str, each: Object, pod: Object) -> None:
    service = folder.partition("/")[0]
    component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
    expected = {("kube-dns", 53), ("mongo-svc", 27017), ("rabbitmq", 5671)}
    if service == "mailer" and component in ("work", "send"):
        expected |= {("relay", 587)}
    if service in ("orders", "warranty") and component == "serve":
        expected |= {("auth/serve", 8080)}

    assert egress(pod["metadata"]["labels"]) == expected


@pytest.mark.parametrize("service", SERVICES)
def test_work_grows_with_every_queue_that_it_reads(service: str, given: dict[tuple[str, str], set[str]]) -> None:
    [scaled] = of_kind(service, "ScaledObject")
    [login] = of_kind(service, "TriggerAuthentication")

    queues = [trigger["metadata"]["queueName"] for trigger in scaled["spec"]["triggers"]]
    assert sorted(queues) == sorted(stream.queue for stream in topology.streams_of(service))
    assert {each["authenticationRef"]["name"] for each in scaled["spec"]["triggers"]} == {login["metadata"]["name"]}
    assert scaled["spec"]["minReplicaCount"] >= 1
    for reference in login["spec"]["secretTargetRef"]:
        assert reference["key"] in given["Secret", reference["name"]]


@pytest.mark.parametrize("folder", [*SERVICES, "gateway"])
def test_what_scales_is_there_and_has_no_fixed_number(folder: str) -> None:
    deployments = {each["metadata"]["name"]: each for each in of_kind(folder, "Deployment")}
    scaled = [
        each["spec"]["scaleTargetRef"]["name"] for each in of_kind(folder, "HorizontalPodAutoscaler", "ScaledObject")
    ]

    assert sorted(scaled) == sorted(deployments)
    assert all("replicas" not in each["spec"] for each in deployments.values())


def test_newsletters_are_sent_by_the_clock_of_the_shop() -> None:
    [cron] = of_kind("mailer", "CronJob")
    settings = service_of("mailer").settings.model_fields

    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == (
        settings["send_cron"].default, settings["time_zone"].default
    )  # fmt: skip


def test_the_brokers_objects_are_up_to_date() -> None:
    assert written.FILE.read_text() == written.render(), "run python -m deploy.k8s.topology"


def test_the_brokers_objects_say_what_the_definitions_say() -> None:
    made = of_kind("rabbitmq", "Exchange", "Queue", "Binding", "Permission", "TopicPermission", "User")

    def named(kind: str) -> dict[str, Object]:
        rows = [each["spec"] for each in made if each["kind"] == kind]
        return {row.get("name") or row["userReference"]["name"]: row for row in rows}

    assert {name: row["arguments"] | {"x-queue-type": row["type"]} for name, row in named("Queue").items()} == {
        row["name"]: row["arguments"] for row in topology.queues()
    }
    assert {name: (row["type"], row.get("arguments", {})) for name, row in named("Exchange").items()} == {
        row["name"]: (row["type"], row["arguments"]) for row in topology.exchanges()
    }
    bindings = [each["spec"] for each in made if each["kind"] == "Binding"]
    assert sorted((row["source"], row["destination"], row["routingKey"]) for row in bindings) == sorted(
        (row["source"], row["destination"], row["routing_key"]) for row in topology.bindings()
    )
    assert {name: row["permissions"] for name, row in named("Permission").items()} == {
        service: topology.permissions(service) for service in SERVICES
    }


def test_a_user_of_the_broker_comes_from_the_secret_that_is_made(given: dict[tuple[str, str], set[str]]) -> None:
    for each in of_kind("rabbitmq", "User"):
        assert {"username", "password"} <= given["Secret", each["spec"]["importCredentialsSecret"]["name"]]


def test_a_user_of_the_database_has_the_roles_of_the_local_stack(given: dict[tuple[str, str], set[str]]) -> None:
    [database] = of_kind("mongo", "MongoDBCommunity")
    users = {user["name"]: user for user in database["spec"]["users"]}

    assert users.keys() == set(SERVICES)
    for service, user in users.items():
        assert [{"role": role["name"], "db": role["db"]} for role in user["roles"]] == roles_of(service)
        assert user["passwordSecretRef"]["key"] in given["Secret", user["passwordSecretRef"]["name"]]


def test_database_and_broker_offer_encryption_of_256_bits_only() -> None:
    [database] = of_kind("mongo", "MongoDBCommunity")
    [broker] = of_kind("rabbitmq", "RabbitmqCluster")

    parameters = database["spec"]["additionalMongodConfig"]["setParameter"]
    suites = [*parameters["opensslCipherConfig"].split(":"), *parameters["opensslCipherSuiteConfig"].split(":")]
    options = dict(re.findall(r"^(\S+) = (\S+)$", broker["spec"]["rabbitmq"]["additionalConfig"], flags=re.MULTILINE))
    suites += [value for name, value in options.items() if ".ciphers." in name]
    assert suites
    assert all(re.search("AES_?256|CHACHA20", suite) for suite in suites)
    assert database["spec"]["security"]["tls"]["enabled"] is True
    assert broker["spec"]["tls"]["disableNonTLSListeners"] is True
    assert {value for name, value in options.items() if ".versions." in name} == {"tlsv1.3"}


def test_both_are_three_on_three_nodes() -> None:
    [database] = of_kind("mongo", "MongoDBCommunity")
    [broker] = of_kind("rabbitmq", "RabbitmqCluster")

    assert (database["spec"]["members"], broker["spec"]["replicas"]) == (3, 3)
    spread = [database["spec"]["statefulSet"]["spec"]["template"]["spec"]["affinity"], broker["spec"]["affinity"]]
    for each in spread:
        [rule] = each["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert rule["topologyKey"] == "kubernetes.io/hostname"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_has_everything_once(overlay: str) -> None:
    def kinds(objects: list[Object]) -> list[tuple[str, str]]:
        strip = re.compile(r"-settings-[a-z0-9]{10}$")  # a ConfigMap's name ends with a hash of what it says
        return sorted((each["kind"], strip.sub("-settings", each["metadata"]["name"])) for each in objects)

    parts = [each for folder in FOLDERS if not folder.endswith("/before") for each in rendered(folder)]

    assert kinds(rendered(overlay)) == kinds(parts)


@pytest.mark.parametrize(("overlay", "least", "most", "members", "nodes"), [
    ("overlays/small", 1, 3, 1, 1),
    ("overlays/large", 4, 40, 5, 5),
])  # fmt: skip
def test_an_overlay_has_its_size(overlay: str, least: int, most: int, members: int, nodes: int) -> None:
    assert {(each["spec"]["minReplicas"], each["spec"]["maxReplicas"])
            for each in of_kind(overlay, "HorizontalPodAutoscaler")} == {(least, most)}  # fmt: skip
    assert {(each["spec"]["minReplicaCount"], each["spec"]["maxReplicaCount"])
            for each in of_kind(overlay, "ScaledObject")} == {(least, most)}  # fmt: skip
    assert [each["spec"]["members"] for each in of_kind(overlay, "MongoDBCommunity")] == [members]
    assert [each["spec"]["replicas"] for each in of_kind(overlay, "RabbitmqCluster")] == [nodes]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_names_one_address_everywhere(overlay: str) -> None:
    values = [
        value for each in of_kind(overlay, "ConfigMap") for name, value in each["data"].items() if "PUBLIC_URL" in name
    ]
    [route] = of_kind(overlay, "TLSRoute")

    assert len(values) == len(SERVICES) + 1
    assert set(values) == {f"https://{name}" for name in route["spec"]["hostnames"]}


def test_the_screening_commands_run_only_when_somebody_starts_them() -> None:
    [job] = of_kind("orders", "CronJob")

    assert is_screening(job)
    assert job["spec"]["suspend"] is True
