#!/usr/bin/env bash
# Verifies a webhook with an independent implementation: Standard Webhooks' own Python library (PyPI `standardwebhooks`).
# Standard input: {"secret": "whsec_…", "headers": {…}, "body": "…"}. Status 0 if the signature is valid.
# Installs the library once, below the target directory.
#
#   verify-webhook.sh [TARGET_DIR]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=1.1.0

have python3 || die "python3 is missing; on Debian and Ubuntu: sudo apt-get install python3 python3-venv"
target=${1:-$(target_dir)}
venv=$target/standardwebhooks-$VERSION
mkdir -p "$target"

# Tests run in parallel: only one of them installs.
exec 9>"$venv.lock"
flock 9
if [[ ! -e $venv/installed ]]; then
	rm -rf "$venv"
	python3 -m venv "$venv" >&2 || die "python3 cannot make a virtual environment; on Debian: sudo apt-get install python3-venv"
	"$venv/bin/pip" install --quiet "standardwebhooks==$VERSION" >&2 || die "standardwebhooks $VERSION cannot be installed from PyPI"
	: >"$venv/installed"
fi
flock -u 9

exec "$venv/bin/python" -c '
import json, sys
from standardwebhooks.webhooks import Webhook

given = json.load(sys.stdin)
Webhook(given["secret"]).verify(given["body"], given["headers"])
'
