#!/usr/bin/env bash
# The service from any language: here from a shell. Needs curl; $ONBEHALF is the service's address, $KEY a caller's key,
# $CODE what a phone was given.
set -euo pipefail

# The phone hands its code over. The header keeps other sites from doing it in somebody's name.
curl -sS --fail-with-body "$ONBEHALF/authcode" -H 'X-Requested-With: XMLHttpRequest' \
  --data-urlencode "authCode=$CODE" -d source=android >person.json
SUBJECT=$(sed -E 's/.*"sub":"([0-9]+)".*/\1/' person.json)

# From now on the app's backend asks for a token whenever it needs one,
curl -sS --fail-with-body "$ONBEHALF/v1/grants/sub:$SUBJECT/token?min_ttl_seconds=300" -H "Authorization: Bearer $KEY"
echo

# or has the call made, and never sees a token.
curl -sS --fail-with-body "$ONBEHALF/v1/grants/sub:$SUBJECT/proxy/www.googleapis.com/drive/v3/files/appfolder" \
  -H "Authorization: Bearer $KEY"
