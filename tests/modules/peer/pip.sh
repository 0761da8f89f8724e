# Wheels below /srv/wheels; nothing is built and no index is asked. Twice the same bytes.
set -e
mkdir -p /srv/wheels
/usr/bin/python3 - <<'PYTHON'
import zipfile

def wheel(name, version, *needs):
    info = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {each}\n" for each in needs)
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(f"/srv/wheels/{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), content)

wheel("hp_one", "1.0")
wheel("hp_one", "1.1")
wheel("hp_two", "2.0", "hp-one>=1.0")
PYTHON
echo 'hp-two==2.0' > /srv/requirements.txt
