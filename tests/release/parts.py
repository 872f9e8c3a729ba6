"""What of a release can be tested in seconds: its versions, the manifest for Krew, the packages of the charts, the workflows, and
that nothing is built from a tree with changes. `make release` tests the rest on what it built, with tests/release/check.
"""

import importlib.machinery
import importlib.util
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def text(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


VERSION = re.search(r'^version = "(.*)"$', text("Cargo.toml"), re.MULTILINE)[1]


def run(*command: object, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def tool(name: str) -> str:
    return run(REPOSITORY / "tests/cluster/binaries", "--path", name).stdout.strip()


def checker():
    """tests/release/check as a module, though its name has no ending."""
    loader = importlib.machinery.SourceFileLoader("check", str(REPOSITORY / "tests/release/check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
    loader.exec_module(module)
    return module


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Versions(unittest.TestCase):
    def test_the_charts_have_the_program_s_version(self) -> None:
        for chart in ("awscost-crds", "awscost-operator"):
            said = yaml.safe_load(text(f"charts/{chart}/Chart.yaml"))
            self.assertEqual((said["version"], said["appVersion"]), (VERSION, VERSION), chart)

    def test_the_operator_s_chart_runs_the_image_that_a_release_makes(self) -> None:
        settings = text("deploy/release/settings.sh")
        image = yaml.safe_load(text("charts/awscost-operator/values.yaml"))["image"]
        self.assertIn(f'IMAGE="{image["registry"]}/{image["repository"]}:$VERSION"', settings)


class Krew(Scratch):
    def rendered(self, *architectures: str) -> subprocess.CompletedProcess:
        sums = self.folder / "SHA256SUMS"
        lines = [f"{index:064x}  awscost-v{VERSION}-linux-{arch}.tar.gz\n" for index, arch in enumerate(architectures, start=1)]
        sums.write_text(f"{'f' * 64}  awscost-crds-{VERSION}.tgz\n" + "".join(lines), encoding="utf-8")
        return run(REPOSITORY / "deploy/release/krew", "--version", VERSION, "--glibc", "2.34", "--sums", sums)

    def test_each_archive_becomes_a_platform_and_krew_accepts_the_manifest(self) -> None:
        done = self.rendered("amd64", "arm64")
        self.assertEqual(done.returncode, 0, done.stderr)
        platforms = yaml.safe_load(done.stdout)["spec"]["platforms"]
        self.assertEqual([platform["selector"]["matchLabels"] for platform in platforms],
                         [{"os": "linux", "arch": "amd64"}, {"os": "linux", "arch": "arm64"}])
        self.assertEqual([platform["sha256"] for platform in platforms], [f"{1:064x}", f"{2:064x}"])
        self.assertTrue(all(platform["uri"].startswith("https://github.com/awscost/awscost/releases/download/") for platform in platforms))
        manifest = self.folder / "awscost.yaml"
        manifest.write_text(done.stdout, encoding="utf-8")
        judged = run(tool("validate-krew-manifest"), "-manifest", manifest, "-skip-install")
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_without_an_archive_there_is_no_manifest(self) -> None:
        done = self.rendered()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("name no archive", done.stderr)


class Charts(Scratch):
    def test_their_packages_render_as_the_folders_do(self) -> None:
        helm = tool("helm")
        for chart in ("awscost-crds", "awscost-operator"):
            packed = run(helm, "package", "--destination", self.folder, REPOSITORY / "charts" / chart)
            self.assertEqual(packed.returncode, 0, packed.stderr)
            package = self.folder / f"{chart}-{VERSION}.tgz"
            options = ("--kube-version", "1.36.3", "--namespace", "finops")
            packed, plain = (run(helm, "template", "awscost", source, *options) for source in (package, REPOSITORY / "charts" / chart))
            self.assertEqual(packed.returncode, 0, packed.stderr)
            self.assertEqual(packed.stdout, plain.stdout, chart)


class Workflows(unittest.TestCase):
    def test_actionlint_finds_nothing(self) -> None:
        files = sorted((REPOSITORY / ".github/workflows").glob("*.yaml"))
        self.assertEqual([file.name for file in files], ["ci.yaml", "release.yaml"])
        judged = run(tool("actionlint"), "-no-color", *files)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_they_may_do_only_what_a_job_says(self) -> None:
        for name in ("ci", "release"):
            self.assertEqual(yaml.safe_load(text(f".github/workflows/{name}.yaml"))["permissions"], {"contents": "read"}, name)


class Build(Scratch):
    def setUp(self) -> None:
        super().setUp()
        self.checkout = self.folder / "checkout"
        shutil.copytree(REPOSITORY / "deploy/release", self.checkout / "deploy/release")
        shutil.copytree(REPOSITORY / "tests/environment", self.checkout / "tests/environment")
        shutil.copy(REPOSITORY / "Cargo.toml", self.checkout)
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@localhost")
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
            self.assertEqual(run(*git, *command, cwd=self.checkout).returncode, 0)

    def refusal(self, *arguments: object) -> str:
        """What the build says when it ends before its first step."""
        done = run(self.checkout / "deploy/release/build", *arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""), "it began to build")
        return done.stderr

    def test_a_tree_with_changes_is_refused_and_the_changes_are_named(self) -> None:
        (self.checkout / "new.rs").touch()
        said = self.refusal("--out", self.folder / "out")
        self.assertIn("built from what is committed", said)
        self.assertIn("new.rs", said)

    def test_a_folder_inside_the_sources_or_one_that_is_there_is_refused(self) -> None:
        self.assertIn("inside the sources", self.refusal("--out", self.checkout / "out"))
        (self.folder / "there").mkdir()
        self.assertIn("is there already", self.refusal("--out", self.folder / "there"))


class Check(Scratch):
    """The check of a release's folder finds what is wrong with one."""

    def setUp(self) -> None:
        super().setUp()
        self.check = checker()
        archive = f"awscost-v{VERSION}-linux-amd64.tar.gz"
        with tarfile.open(self.folder / archive, "w:gz") as tar:
            tar.add(REPOSITORY / "LICENSE", "LICENSE")
        (self.folder / "SHA256SUMS").write_text(run("sha256sum", archive, cwd=self.folder).stdout, encoding="utf-8")

    def problem(self, check: str) -> str:
        with self.assertRaises(self.check.Wrong) as raised:
            getattr(self.check, check)(self.check.Release(self.folder))
        return str(raised.exception)

    def test_a_file_too_few_a_file_too_many_a_changed_one_and_an_archive_without_the_program(self) -> None:
        self.check.checksums(self.check.Release(self.folder))
        self.assertIn("the archive holds {'LICENSE'", self.problem("archives"))
        (self.folder / "notes.txt").touch()
        self.assertRegex(self.problem("names"), r"missing: .*awscost\.yaml.*not of a release: \['notes\.txt'\]")
        self.assertIn("SHA256SUMS lists", self.problem("checksums"))
        with (self.folder / f"awscost-v{VERSION}-linux-amd64.tar.gz").open("ab") as file:
            file.write(b"!")
        self.assertIn("FAILED", self.problem("checksums"))


if __name__ == "__main__":
    unittest.main()
