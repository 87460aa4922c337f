#!/usr/bin/env python3
"""Three machines, as docs/admin.md walks: network namespaces with a bridge between them, each with
its own installed tree, data folder, names and certificates of a private authority.

What an admin would type is typed here, in that order. Needs root for the namespaces; where they are
not permitted the test is skipped and says so.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

from crossfloor_testing import DEADLINE, main, wait_for

BUILD = os.environ.get("BUILD", "build")
MAKE_MESH = os.environ.get("MAKE_MESH", "build/tests/system/make_mesh")
EXAMPLES = pathlib.Path("docs/examples").resolve()
SKIPPED = 77
SITES = ["helsinki", "warsaw", "london"]
SERVICE_USER = 65534  # nobody: as good as the unit's user, and there on every system
TOKEN = "operator-ada-" + "t" * 32


def run(*words, check=True, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          timeout=120, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def why_not_permitted():
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip") or not shutil.which("openssl"):
        return "ip (iproute2) or openssl is missing"
    probe = f"xf{os.getpid()}p"
    made = run("ip", "netns", "add", probe, check=False)
    if made.returncode != 0:
        return "network namespaces are not permitted here: " + made.stderr.strip()
    linked = run("ip", "link", "add", probe + "b", "type", "bridge", check=False)
    run("ip", "link", "del", probe + "b", check=False)
    run("ip", "netns", "del", probe, check=False)
    return "" if linked.returncode == 0 else "no bridges here: " + linked.stderr.strip()


class PrivateAuthority:
    """The company's own TLS authority, which no system knows."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "ca.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", folder / "ca.key", "-out", self.file, "-days", "30", "-subj",
            "/CN=Private Authority")

    def issue(self, name, address, certificate, key):
        names = self.folder / "names"
        names.write_text(f"subjectAltName=DNS:{name},IP:{address}\n")
        request = self.folder / "request.pem"
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
            self.folder / "ca.key", "-CAcreateserial", "-days", "30", "-extfile", names, "-out",
            certificate)


class Machine:
    def __init__(self, world, name, address):
        self.world = world
        self.name = name
        self.host = f"{name}.example.com"
        self.address = address
        self.space = f"xf{os.getpid()}{name[0]}"
        self.root = world.folder / name
        self.data = self.root / "var/lib/crossfloor"
        self.config = self.root / "etc/crossfloor/site.toml"
        self.log = world.folder / f"{name}.log"
        self.process = None

    def __call__(self, *words, check=True, **options):
        """Runs a command on this machine, as root, like an admin."""
        return run("ip", "netns", "exec", self.space, *words, check=check, **options)

    def program(self, name):
        [found] = self.world.installed.glob(f"usr/**/{name}")
        return found

    def crossfloor(self, *words, check=True, **options):
        return self(self.program("bin/crossfloor"), *words, "--data", self.data, check=check,
                    **options)

    def remote(self, *words, node, check=True):
        """The same from this machine, over HTTPS to another's node."""
        return self(self.program("bin/crossfloor"), *words, "--node",
                    f"https://{node.host}:7480", "--token-file", self.world.token, "--authorities",
                    self.world.authority.file, check=check)

    def metric(self, name, **labels):
        text = self("curl", "-s", "--cacert", self.world.authority.file,
                    f"https://{self.host}:7480/metrics").stdout
        total = 0.0
        for line in text.splitlines():
            match = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if match and match.group(1) == name:
                has = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
                if all(has.get(key) == value for key, value in labels.items()):
                    total += float(match.group(3))
        return total

    def start(self, config=None):
        """As systemd would: as the service's user, told of readiness through NOTIFY_SOCKET."""
        notify = str(self.world.folder / f"{self.name}.notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(notify)
        os.chmod(notify, 0o777)
        told.settimeout(DEADLINE)
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.space, "setpriv", f"--reuid={SERVICE_USER}",
                 f"--regid={SERVICE_USER}", "--clear-groups", "--no-new-privs",
                 self.program("sbin/crossfloord"), "--config", config or self.config],
                stdout=subprocess.PIPE, stderr=log, text=True, umask=0o077,
                env={**os.environ, "NOTIFY_SOCKET": notify})
        try:
            assert told.recv(256).decode().split("\n")[0] == "READY=1"
        except TimeoutError as late:
            raise AssertionError(f"{self.name} is not ready:\n{self.log.read_text()}") from late
        finally:
            told.close()

    def plug_in(self, plugged):
        run("ip", "link", "set", self.space + "o", "up" if plugged else "down")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class World(contextlib.AbstractContextManager):
    """Namespaces, a bridge, and what is installed on every machine."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crossfloor-walk-"))
        self.folder.chmod(0o755)
        self.installed = self.folder / "installed"
        self.bridge = f"xf{os.getpid()}"
        self.authority = PrivateAuthority(self.folder)
        self.token = self.folder / "token"
        self.token.write_text(TOKEN + "\n")
        self.token.chmod(0o600)
        self.machines = {}
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "link", "set", self.bridge, "up")
        for number, name in enumerate([*SITES, "oslo", "mallory"], start=1):
            self._set_up(Machine(self, name, f"10.177.0.{number}"))

    def _set_up(self, machine):
        self.machines[machine.name] = machine
        outside, space = machine.space + "o", machine.space
        run("ip", "netns", "add", space)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "set", outside, "master", self.bridge, "up")
        machine("ip", "link", "set", "lo", "up")
        machine("ip", "address", "add", f"{machine.address}/24", "dev", "eth0")
        machine("ip", "link", "set", "eth0", "up")
        # What `ip netns exec` shows as /etc/hosts there.
        own = pathlib.Path("/etc/netns") / space
        own.mkdir(parents=True)
        names = "".join(f"10.177.0.{i} {name}.example.com\n"
                        for i, name in enumerate([*SITES, "oslo", "mallory"], start=1))
        (own / "hosts").write_text("127.0.0.1 localhost\n" + names)

    def __getitem__(self, name):
        return self.machines[name]

    def __exit__(self, kind, value, trace):
        for machine in self.machines.values():
            machine.stop()
            run("ip", "netns", "del", machine.space, check=False)
            shutil.rmtree(pathlib.Path("/etc/netns") / machine.space, ignore_errors=True)
        run("ip", "link", "del", self.bridge, check=False)
        if kind is not None:
            for machine in self.machines.values():
                if machine.log.exists():
                    tail = machine.log.read_text().splitlines()[-25:]
                    print(f"--- {machine.name}\n" + "\n".join(tail), file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- the walk, in the order of docs/admin.md ----------------------------------------------------


def install(world):
    run("cmake", "--install", BUILD, env={**os.environ, "DESTDIR": str(world.installed)})
    [unit] = world.installed.glob("usr/**/systemd/system/crossfloord.service")
    for file in ("**/sysusers.d/crossfloor.conf", "**/tmpfiles.d/crossfloor.conf",
                 "**/bash-completion/completions/crossfloor", "**/doc/crossfloor/admin.md",
                 "**/doc/crossfloor/examples/site.toml"):
        assert list(world.installed.glob(file)), f"{file} is not installed"
    if shutil.which("systemd-sysusers") and shutil.which("systemd-tmpfiles"):
        system = world.folder / "system"
        (system / "etc").mkdir(parents=True)
        for kind in ("sysusers", "tmpfiles"):
            [file] = world.installed.glob(f"**/{kind}.d/crossfloor.conf")
            there = system / f"usr/lib/{kind}.d"
            there.mkdir(parents=True)
            shutil.copy(file, there)
        run("systemd-sysusers", f"--root={system}")
        assert "crossfloor:" in (system / "etc/passwd").read_text()
        run("systemd-tmpfiles", f"--root={system}", "--create")
        data = (system / "var/lib/crossfloor").stat()
        assert data.st_mode & 0o7777 == 0o750 and data.st_uid != 0, data
    if shutil.which("systemd-analyze"):
        # The same unit, with the program where this test has put it.
        here = world.folder / "crossfloord.service"
        here.write_text(re.sub(r"ExecStart=\S+/crossfloord",
                               f"ExecStart={world['helsinki'].program('sbin/crossfloord')}",
                               unit.read_text()))
        checked = run("systemd-analyze", "verify", here)
        assert not checked.stdout and not checked.stderr, checked
        told = run("systemd-analyze", "security", "--offline=yes", "--threshold=15", here)
        assert "OK" in told.stdout, told.stdout[-300:]


def make_mesh(world):
    safe = world.folder / "safe"
    safe.mkdir(mode=0o700)
    helsinki = world["helsinki"]
    run(helsinki.program("bin/crossfloor"), "mesh", "init", "--region", "eu", cwd=safe)
    for name in SITES:
        machine = world[name]
        machine.data.mkdir(parents=True)
        machine.data.chmod(0o750)
        os.chown(machine.data, SERVICE_USER, SERVICE_USER)
        request = world.folder / f"{name}.request"
        machine.crossfloor("node", "keygen", "--site", name, "--address",
                           f"tcp://{machine.host}:7440", "--address",
                           f"https://{machine.host}:7480", "--out", request)
        run(machine.program("bin/crossfloor"), "mesh", "admit", request, "--region", "eu", "--out",
            world.folder / f"{name}.mesh", cwd=safe)
        machine.crossfloor("mesh", "apply", world.folder / f"{name}.mesh")
        # Root made them; the service must be able to read them, and nobody else.
        for file in ("node.key", "mesh.file", "lock", "store"):
            state = (machine.data / file).stat()
            assert state.st_uid == SERVICE_USER, f"{file} belongs to {state.st_uid}"
            assert state.st_mode & 0o077 == 0 or file == "lock", oct(state.st_mode)
        # A second key is not made over the first.
        again = machine.crossfloor("node", "keygen", "--site", name, "--address",
                                   f"tcp://{machine.host}:7440", check=False)
        assert again.returncode == 1 and "--keep-key" in again.stderr, again


def configure(world):
    [example] = world.installed.glob("**/doc/crossfloor/examples/site.toml")
    secret = "whsec_" + "QUJD" * 11
    (world.folder / "secret").write_text(secret)
    (world.folder / "secret").chmod(0o600)
    for name in SITES:
        machine = world[name]
        folder = machine.config.parent
        folder.mkdir(parents=True)
        shutil.copy(example, machine.config)
        text = machine.config.read_text()
        text = text.replace("whsec_dGhpcy1pcy1hbi1leGFtcGxlLW5vdC1hLXNlY3JldCE=", secret)
        text = text.replace('#data_folder = "/var/lib/crossfloor"',
                            f'data_folder = "{machine.data}"')
        text = text.replace('#listen = "127.0.0.1:7480"', 'listen = "0.0.0.0:7480"')
        text = text.replace('callback = "http://127.0.0.1:8080/replies"',
                            'callback = "https://london.example.com:8443/replies/acme-chat"')
        machine.config.write_text(text)
        wrong = run(machine.program("sbin/crossfloord"), "--config", machine.config,
                    "--check-config", check=False)
        assert wrong.returncode == 2 and "tls_certificate" in wrong.stderr, wrong
        assert re.search(r"site\.toml:\d+", wrong.stderr), wrong.stderr
        machine.config.write_text(
            text.replace('#tls_certificate = ""', f'tls_certificate = "{folder}/tls.pem"')
            .replace('#tls_key = ""', f'tls_key = "{folder}/tls.key"')
            .replace('#tls_authorities = ""', f'tls_authorities = "{world.authority.file}"')
            .replace('#tokens_file = ""', 'tokens_file = "tokens"'))
        new_certificate(world, machine)
        (folder / "tokens").write_text(f"ada {TOKEN}\n")
        (folder / "tokens").chmod(0o640)
        os.chown(folder / "tokens", 0, SERVICE_USER)
        run(machine.program("sbin/crossfloord"), "--config", machine.config, "--check-config")


def new_certificate(world, machine):
    folder = machine.config.parent
    world.authority.issue(machine.host, machine.address, folder / "tls.pem", folder / "tls.key")
    (folder / "tls.key").chmod(0o640)
    os.chown(folder / "tls.key", 0, SERVICE_USER)


def start(world):
    for name in SITES:
        world[name].start()
    for name in SITES:
        world[name].crossfloor("wait", "joined", "3", "--timeout", "30s")
    told = world["helsinki"].crossfloor("status")
    for name in SITES:
        assert name in told.stdout, told.stdout
    links = json.loads(world["helsinki"].crossfloor("links", "--json").stdout)
    kinds = {link["link"] for row in links["rows"] for link in row["links"] if link["up"]}
    assert {"pulse", "live"} <= kinds, links["rows"][0]


def operate_from_elsewhere(world):
    london, helsinki = world["london"], world["helsinki"]
    told = json.loads(london.remote("sites", "--json", node=helsinki).stdout)
    assert sorted(row["site"] for row in told["rows"]) == sorted(SITES), told
    by_address = london(london.program("bin/crossfloor"), "sites", "--node",
                        f"https://{helsinki.address}:7480", "--token-file", world.token,
                        "--authorities", world.authority.file)
    assert "warsaw" in by_address.stdout
    # Who is not trusted, or has another token, or finds nobody, is told so.
    words = [london.program("bin/crossfloor"), "status", "--node", f"https://{helsinki.host}:7480"]
    distrust = london(*words, "--token-file", world.token, check=False)
    assert distrust.returncode == 3 and "--authorities" in distrust.stderr, distrust
    no_token = london(*words, "--authorities", world.authority.file, check=False)
    assert no_token.returncode == 1 and "token" in no_token.stderr, no_token
    nobody = london(london.program("bin/crossfloor"), "status", "--node",
                    f"https://{world['oslo'].host}:7480", check=False)
    assert nobody.returncode == 3, nobody


def serve_customers(world):
    helsinki, london = world["helsinki"], world["london"]
    agents = world.folder / "agents.csv"
    agents.write_text("name,brands,languages,channels,password\n"
                      "anna,acme,en,chat:3,correct horse battery\n")
    helsinki.crossfloor("agent", "import", agents, "--reason", "first agents")
    london.crossfloor("agent", "add", "lena", "--brands", "acme", "--channels", "chat:1",
                      "--reason", "london's own")
    # The channel's side, at london: receives callbacks over HTTPS.
    folder = london.config.parent
    replies = world.folder / "replies.jsonl"
    channel = subprocess.Popen(
        ["ip", "netns", "exec", london.space, london.program("bin/crossfloor"), "customers",
         "--account", f"acme-chat:https://{helsinki.host}:7480:{'whsec_' + 'QUJD' * 11}",
         "--listen", "0.0.0.0:8443", "--tls-certificate", folder / "tls.pem", "--tls-key",
         folder / "tls.key", "--log", replies, "--authorities", world.authority.file, "--quiet"],
        stdout=subprocess.DEVNULL, stderr=open(world.folder / "channel.log", "w"))
    agent = subprocess.Popen(
        ["ip", "netns", "exec", london.space, sys.executable, "-B", EXAMPLES / "agent_client.py",
         f"wss://{helsinki.host}:7480/v1/agent", "anna", "--authorities", world.authority.file],
        env={**os.environ, "CROSSFLOOR_PASSWORD": "correct horse battery"},
        stdout=subprocess.DEVNULL, stderr=open(world.folder / "agent.log", "w"))
    try:
        wait_for("anna is there", lambda: helsinki.metric("crossfloor_agent_connections") == 1)
        table = world.folder / "old.csv"
        table.write_text("id,author,body\nm-1,u-1,Where is my parcel?\n")
        receipts = world.folder / "receipts.jsonl"
        london(london.program("bin/crossfloor"), "replay", table, "--map",
               "external_id=id,customer=author,text=body", "--account-of",
               f"*=acme-chat:https://{helsinki.host}:7480:{'whsec_' + 'QUJD' * 11}", "--fast",
               "--receipts", receipts, "--authorities", world.authority.file)
        wait_for("the answer arrived over HTTPS", lambda: replies.exists() and
                 "You wrote: Where is my parcel?" in replies.read_text())
        held = london.remote("verify", "--receipts", receipts, node=helsinki)
        assert "holds" in held.stdout, held.stdout
    except AssertionError:
        for log in ("agent.log", "channel.log"):
            print(f"--- {log}\n" + (world.folder / log).read_text()[-1500:], file=sys.stderr)
        raise
    finally:
        agent.kill()
        channel.kill()
        agent.wait()
        channel.wait()


def served_serial(world, machine):
    """Serial number of the certificate that the node shows."""
    shown = machine("openssl", "s_client", "-connect", f"{machine.host}:7480", "-servername",
                    machine.host, "-CAfile", world.authority.file, "-verify_return_error",
                    stdin=subprocess.DEVNULL).stdout
    pem = shown[shown.index("-----BEGIN CERTIFICATE"):shown.index("-----END CERTIFICATE")]
    return ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----\n")


def renew_a_tls_certificate(world):
    warsaw = world["warsaw"]
    [pid] = run("pgrep", "-f", f"sbin/crossfloord --config {warsaw.config}").stdout.split()[-1:]
    before = served_serial(world, warsaw)
    new_certificate(world, warsaw)
    os.kill(int(pid), signal.SIGHUP)
    wait_for("the new certificate is served", lambda: served_serial(world, warsaw) != before)
    after = served_serial(world, warsaw)
    (warsaw.config.parent / "tls.pem").write_text("no certificate\n")
    os.kill(int(pid), signal.SIGHUP)
    wait_for("the log says what is wrong", lambda: "tls_not_reloaded" in warsaw.log.read_text())
    assert served_serial(world, warsaw) == after  # the good one goes on
    new_certificate(world, warsaw)


def keep_strangers_out(world):
    """A key that nobody admitted, though it knows where the nodes are and which keys they have."""
    helsinki, mallory = world["helsinki"], world["mallory"]
    lair = world.folder / "lair"
    lair.mkdir()
    program = mallory.program("bin/crossfloor")
    run(program, "mesh", "init", "--region", "eu", cwd=lair)
    # Requests are no secrets: the stranger's own authority "admits" the real node.
    run(program, "mesh", "admit", world.folder / "helsinki.request", "--region", "eu", "--out",
        lair / "helsinki.mesh", cwd=lair)
    mallory.data.mkdir(parents=True)
    os.chown(mallory.data, SERVICE_USER, SERVICE_USER)
    mallory.crossfloor("node", "keygen", "--site", "mallory", "--address",
                       f"tcp://{mallory.host}:7440", "--out", lair / "mallory.request")
    run(program, "mesh", "admit", lair / "mallory.request", "--region", "eu", "--out",
        lair / "mallory.mesh", cwd=lair)
    mallory.crossfloor("mesh", "apply", lair / "mallory.mesh")
    refused_before(world, mallory)
    assert "mallory" not in helsinki.crossfloor("sites").stdout


def small_config(machine):
    machine.config.parent.mkdir(parents=True, exist_ok=True)
    machine.config.write_text(f'[node]\ndata_folder = "{machine.data}"\n'
                              '[http]\nlisten = "127.0.0.1:7480"\n')


def refused_before(world, machine):
    """Starts a node that must not get in, and waits until helsinki refused its key."""
    helsinki = world["helsinki"]
    small_config(machine)
    refused = helsinki.metric("crossfloor_link_refusals_total", reason="key")
    machine.start()
    wait_for(f"{machine.name}'s key is refused in the handshake", lambda: helsinki.metric(
        "crossfloor_link_refusals_total", reason="key") > refused + 2)
    links = json.loads(machine.crossfloor("links", "--json").stdout)
    assert not [link for row in links["rows"] for link in row.get("links", []) if link["up"]], links
    machine.stop()


def let_a_certificate_run_out(world):
    helsinki, oslo = world["helsinki"], world["oslo"]
    folder = world.folder / "short"
    folder.mkdir()
    for file in ("authority.key", "authority.key.issued"):
        shutil.copy(world.folder / "safe" / file, folder)
    (folder / "authority.key.issued").rename(folder / "issued")
    run(MAKE_MESH, "--add", "--valid", "12", folder, "eu",
        f"oslo=tcp://{oslo.host}:7440")
    oslo.data.parent.mkdir(parents=True)
    shutil.copytree(folder / "oslo", oslo.data)
    run("chown", "-R", f"{SERVICE_USER}:{SERVICE_USER}", oslo.data)
    # It has no way to introduce itself over HTTPS here, so an admin does it by hand.
    certificate = world.folder / "oslo.certificate"
    certificate.write_text((folder / "issued").read_text().strip().split("\n\n")[-1] + "\n")
    world["warsaw"].crossfloor("mesh", "apply", certificate)
    small_config(oslo)
    oslo.start()
    helsinki.crossfloor("wait", "joined", "4", "--timeout", "30s")
    wait_for("its links end with its certificate", lambda: helsinki.metric(
        "crossfloor_members", state="alive") == 2)
    refused = helsinki.metric("crossfloor_link_refusals_total", reason="key")
    wait_for("and it does not get in again", lambda: helsinki.metric(
        "crossfloor_link_refusals_total", reason="key") > refused + 2)
    assert "certificate_not_in_force" not in helsinki.log.read_text()
    oslo.stop()


def take_a_node_out(world):
    helsinki, warsaw, london = (world[name] for name in SITES)
    good = world.folder / "london.good"
    good.write_text(warsaw.crossfloor("streams", "london", "--last-good").stdout)
    assert good.read_text().strip(), "warsaw holds nothing of london"
    run(helsinki.program("bin/crossfloor"), "mesh", "revoke", "london", "--reason",
        "machine stolen", "--last-good", good, "--out", world.folder / "london.revocation",
        cwd=world.folder / "safe")
    # It is away when that happens, and nobody lets it in when it is back.
    london.plug_in(False)
    for node in (helsinki, warsaw):
        wait_for(f"{node.name} has no link to london",
                 lambda node=node: node.metric("crossfloor_links_up", link="live") == 1)
    helsinki.crossfloor("mesh", "apply", world.folder / "london.revocation")
    wait_for("warsaw heard of it",
             lambda: "london" not in warsaw.crossfloor("sites", check=False).stdout)
    london.plug_in(True)
    assert london.process.wait(DEADLINE) == 1, "london serves on"
    assert "this node was revoked: machine stolen" in london.log.read_text()
    # Who stole the machine throws away what it was told, and comes with the old mesh file.
    shutil.rmtree(london.data / "store")
    refused_before(world, london)
    told = helsinki.crossfloor("status", check=False)
    assert "london" not in told.stdout, told.stdout
    held = helsinki.crossfloor("verify", check=False)
    assert held.returncode == 0, held.stdout + held.stderr


def three_machines_are_installed_joined_run_and_kept_from_strangers():
    with World() as world:
        for step in (install, make_mesh, configure, start, operate_from_elsewhere, serve_customers,
                     renew_a_tls_certificate, keep_strangers_out, let_a_certificate_run_out,
                     take_a_node_out):
            step(world)
            print(f"       {step.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    reason = why_not_permitted()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    main([three_machines_are_installed_joined_run_and_kept_from_strangers])
